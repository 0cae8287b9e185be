//! Dependencies point downward only.
//!
//! The table below is the architecture: where each crate stands, what it is about, and
//! which outside crates it may name. Layering that is only written down erodes one
//! convenient edge at a time, so the workspace is held against the table on every run,
//! and the table in ARCHITECTURE.md is printed from it.

mod graph;
mod rules;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result};

use self::graph::Graph;
use crate::marked;
use crate::verdict::Findings;
use crate::workspace::Workspace;

const DOCUMENT: &str = "ARCHITECTURE.md";

/// One crate of the workspace and what it may depend on.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// The folder, without `crates/`.
    name: &'static str,
    place: Place,
    /// What it is about, for the printed table.
    knows: &'static str,
    outside: Outside,
    /// Crates that must not be reachable from it, however indirectly.
    never: &'static [&'static str],
}

/// Where a crate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Depends on crates of lower layers only.
    Layer(u8),
    /// Helps tests: anybody's dev-dependency, nobody's dependency, and free of ours.
    Tests,
    /// Works on the workspace from outside, with crates of ours as dev-dependencies only.
    Tool,
}

/// The outside crates that one may name directly, optional ones included.
#[derive(Debug, Clone, Copy)]
enum Outside {
    Only(&'static [&'static str]),
    Anything,
}

/// Runtimes, serialisers of a format and web crates: not for the core.
const RUNTIME_FORMAT_WEB: &[&str] = &[
    "async-std",
    "axum",
    "bytes",
    "deadpool",
    "http",
    "http-body",
    "hyper",
    "prometheus",
    "prost",
    "serde_json",
    "smol",
    "tokio",
    "tower-layer",
    "tower-service",
    "tracing",
];

const WEB: &[&str] = &["axum", "http", "http-body", "hyper", "tower-layer", "tower-service"];

const LAYERS: &[Row] = &[
    Row {
        name: "metrics-core",
        place: Place::Layer(0),
        knows: "numbers, names, labels, windows, time; the words for health, topics and events",
        outside: Outside::Only(&["erased-serde", "quanta", "serde", "thiserror"]),
        never: RUNTIME_FORMAT_WEB,
    },
    Row {
        name: "local-postgres",
        place: Place::Layer(0),
        knows: "starting and ending a throw-away Postgres",
        outside: Outside::Only(&["rustix", "tempfile", "thiserror"]),
        never: &["tokio"],
    },
    Row {
        name: "performance-monitor",
        place: Place::Layer(1),
        knows: "operations by name: latency, throughput, cache hits",
        outside: Outside::Only(&["serde"]),
        never: WEB,
    },
    Row {
        name: "db-pool-monitor",
        place: Place::Layer(1),
        knows: "connection pools, deadpool first",
        outside: Outside::Only(&[
            "deadpool",
            "deadpool-postgres",
            "pin-project-lite",
            "serde",
            "thiserror",
            "tokio",
            "tokio-postgres",
        ]),
        never: WEB,
    },
    Row {
        name: "breaker-monitor",
        place: Place::Layer(1),
        knows: "circuit breakers: states, transitions, outcomes",
        outside: Outside::Only(&[
            "pin-project-lite",
            "serde",
            "thiserror",
            "tower-layer",
            "tower-resilience-circuitbreaker",
            "tower-service",
        ]),
        never: &["axum", "http", "http-body", "hyper"],
    },
    Row {
        name: "system-monitor",
        place: Place::Layer(1),
        knows: "the process, its limits and its runtime",
        outside: Outside::Only(&["procfs", "serde", "thiserror", "tokio"]),
        never: WEB,
    },
    Row {
        name: "cache-monitor",
        place: Place::Layer(2),
        knows: "caches by tier, moka and Redis first",
        outside: Outside::Only(&["deadpool-redis", "moka", "redis", "serde", "thiserror", "tokio"]),
        never: WEB,
    },
    Row {
        name: "metrics-bridge",
        place: Place::Layer(1),
        knows: "the `metrics` facade, both ways",
        outside: Outside::Only(&["metrics", "metrics-exporter-prometheus", "thiserror"]),
        never: WEB,
    },
    Row {
        name: "exporter",
        place: Place::Layer(1),
        knows: "text 0.0.4, OpenMetrics 1.0 and JSON of a snapshot",
        outside: Outside::Only(&["itoa", "ryu", "serde", "thiserror"]),
        never: &["axum", "deadpool", "http", "hyper", "tokio"],
    },
    Row {
        name: "aggregator",
        place: Place::Layer(1),
        knows: "the sampling thread, the published sample, the event channel",
        outside: Outside::Only(&["thiserror", "tokio", "tracing"]),
        never: WEB,
    },
    Row {
        name: "http-glue",
        place: Place::Layer(3),
        knows: "HTTP: request layer, routes, probes, accept loop",
        outside: Outside::Only(&[
            "axum",
            "bytes",
            "http",
            "http-body",
            "http-body-util",
            "hyper",
            "hyper-util",
            "pin-project-lite",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tower-layer",
            "tower-service",
            "tracing",
        ]),
        never: &["deadpool"],
    },
    Row {
        name: "node0",
        place: Place::Layer(4),
        knows: "everything; wires it and re-exports it",
        outside: Outside::Only(&["axum", "thiserror", "tokio", "tracing"]),
        never: &[],
    },
    Row {
        name: "demo-server",
        place: Place::Layer(5),
        knows: "a small real service that uses `node0`",
        outside: Outside::Anything,
        never: &[],
    },
    Row {
        name: "testbed",
        place: Place::Tests,
        knows: "the real programs that tests run against",
        outside: Outside::Only(&["rustix", "serde_json", "tempfile", "thiserror"]),
        never: &["axum", "hyper", "tokio"],
    },
    Row {
        name: "xtask",
        place: Place::Tool,
        knows: "checks, generators, proofs",
        outside: Outside::Anything,
        never: &[],
    },
];

/// Holds the workspace against the table, and ARCHITECTURE.md against both.
pub(crate) fn check(workspace: &Workspace) -> Result<Findings> {
    let mut findings = rules::findings(LAYERS, &Graph::read(workspace)?);
    let (path, text) = document(workspace)?;
    if workspace.read(path)? != text {
        findings.push(format!("the table in {path} is stale: run `cargo xtask generate`"));
    }
    Ok(findings)
}

/// Returns ARCHITECTURE.md as it should be.
pub(crate) fn document(workspace: &Workspace) -> Result<(&'static str, String)> {
    let text = workspace.read(DOCUMENT)?;
    let text = marked::replace(&text, "layers", &table()).with_context(|| DOCUMENT)?;
    Ok((DOCUMENT, text))
}

/// Prints the table as Markdown.
fn table() -> String {
    let head = "| layer | crate | knows | names outside crates, at most |\n";
    let mut text = format!("{head}| --- | --- | --- | --- |\n");
    for row in LAYERS {
        let place = match row.place {
            Place::Layer(number) => number.to_string(),
            Place::Tests => "tests".to_owned(),
            Place::Tool => "–".to_owned(),
        };
        let outside = match row.outside {
            Outside::Only(names) => names.join(", "),
            Outside::Anything => "anything".to_owned(),
        };
        text.push_str(&format!("| {place} | `{}` | {} | {outside} |\n", row.name, row.knows));
    }
    text
}

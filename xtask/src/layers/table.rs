//! The table: each crate of the workspace, in order of roles.
//!
//! A change of the architecture is a change of this table, so that a reviewer sees it. Each
//! exception in it has a reason.

use super::role::Role;
use super::row::{Ours, Outside, Oversize, Row};

const RUNTIMES: &[&str] = &["async-std", "smol", "tokio"];
/// Crates that write a format; `serde` and `erased-serde` do not.
const FORMATS: &[&str] = &[
    "bincode",
    "bytes",
    "ciborium",
    "postcard",
    "prometheus",
    "prost",
    "rmp-serde",
    "serde_json",
    "toml",
];
const WEB: &[&str] = &["axum", "http", "http-body", "hyper"];
const TOWER: &[&str] = &["tower-layer", "tower-service"];

pub(super) const LAYERS: &[Row] = &[
    Row {
        role: Role::Core,
        name: "metrics-core",
        knows: "numbers, names, labels, windows, time; the words for health, findings, topics and events; the traits `Monitor` and `Observer`",
        ours: Ours::ByRole,
        outside: Outside::Only(&["erased-serde", "hdrhistogram", "quanta", "serde", "thiserror"]),
        never: &[RUNTIMES, FORMATS, WEB, TOWER, &["deadpool", "tracing"]],
        oversize: &[Oversize {
            part: "src",
            lines: 12_800,
            reason: "naming, recording, reading and judging share the cells and the tick, and a \
                     sample contains judgements; `instances` would leave next, since no other \
                     part imports it, only models do; the edge to cut first is the one to `sync`, \
                     the only private part that it imports",
        }],
    },
    Row {
        role: Role::Monitor,
        name: "performance-monitor",
        knows: "operations by name: latency, throughput, cache hits",
        ours: Ours::ByRole,
        outside: Outside::Only(&["serde"]),
        never: &[RUNTIMES, WEB, TOWER],
        oversize: &[],
    },
    Row {
        role: Role::Monitor,
        name: "db-pool-monitor",
        knows: "connection pools of any kind; deadpool by a feature",
        ours: Ours::ByRole,
        outside: Outside::Only(&["deadpool", "deadpool-postgres", "serde", "thiserror", "tokio"]),
        never: &[WEB, TOWER],
        oversize: &[],
    },
    Row {
        role: Role::Monitor,
        name: "cache-monitor",
        knows: "caches by tier; moka and Redis by features",
        ours: Ours::ByRole,
        outside: Outside::Only(&["moka", "redis", "serde", "thiserror", "tokio"]),
        never: &[WEB, TOWER],
        oversize: &[],
    },
    Row {
        role: Role::Monitor,
        name: "breaker-monitor",
        knows: "circuit breakers: states, transitions, outcomes",
        ours: Ours::ByRole,
        outside: Outside::Only(&[
            "pin-project-lite",
            "serde",
            "tower-layer",
            "tower-resilience-circuitbreaker",
            "tower-service",
        ]),
        never: &[WEB],
        oversize: &[],
    },
    Row {
        role: Role::Monitor,
        name: "system-monitor",
        knows: "the process, its limits and its runtime",
        ours: Ours::ByRole,
        outside: Outside::Only(&["procfs", "rustix", "serde", "thiserror", "tokio"]),
        never: &[WEB, TOWER],
        oversize: &[],
    },
    Row {
        role: Role::Monitor,
        name: "metrics-bridge",
        knows: "the `metrics` facade, both ways",
        ours: Ours::ByRole,
        outside: Outside::Only(&["metrics", "metrics-exporter-prometheus", "thiserror"]),
        never: &[WEB, TOWER],
        oversize: &[],
    },
    Row {
        role: Role::Engine,
        name: "aggregator",
        knows: "the sampling thread, the published sample, the event channel",
        ours: Ours::ByRole,
        outside: Outside::Only(&["thiserror", "tokio", "tracing"]),
        never: &[WEB, TOWER],
        oversize: &[],
    },
    Row {
        role: Role::Reader,
        name: "exporter",
        knows: "text 0.0.4, OpenMetrics 1.0 and JSON of a snapshot",
        ours: Ours::ByRole,
        outside: Outside::Only(&["itoa", "ryu", "serde", "thiserror"]),
        never: &[RUNTIMES, WEB, &["deadpool"]],
        oversize: &[],
    },
    Row {
        role: Role::Surface,
        name: "http-glue",
        knows: "HTTP: request layer, routes, probes, accept loop",
        ours: Ours::ByRole,
        outside: Outside::Only(&[
            "axum",
            "bytes",
            "http",
            "http-body",
            "hyper",
            "hyper-util",
            "matchit",
            "pin-project-lite",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tower-layer",
            "tower-service",
            "tracing",
        ]),
        never: &[&["deadpool"]],
        oversize: &[Oversize {
            part: "src",
            lines: 4600,
            reason: "endpoints, readiness and server are one HTTP side with one shutdown; \
                     `requests` would leave next, since it imports no other part and no other \
                     part imports it, so that there is no edge to cut first",
        }],
    },
    Row {
        role: Role::Facade,
        name: "node0",
        knows: "everything; wires it and re-exports it",
        ours: Ours::ByRole,
        outside: Outside::Only(&["axum", "deadpool-redis", "thiserror", "tokio", "tracing"]),
        never: &[],
        oversize: &[],
    },
    Row {
        role: Role::Program,
        name: "demo-server",
        knows: "a small real service that uses `node0`",
        ours: Ours::Only(&["local-postgres", "node0"]),
        outside: Outside::Anything,
        never: &[],
        oversize: &[],
    },
    Row {
        role: Role::Program,
        name: "local-postgres",
        knows: "starting and ending a throw-away Postgres",
        ours: Ours::Only(&[]),
        outside: Outside::Only(&["rustix", "tempfile", "thiserror"]),
        never: &[RUNTIMES],
        oversize: &[],
    },
    Row {
        role: Role::Program,
        name: "testbed",
        knows: "the real programs that tests run against",
        ours: Ours::Only(&[]),
        outside: Outside::Only(&["rustix", "serde_json", "tempfile", "thiserror"]),
        never: &[RUNTIMES, WEB],
        oversize: &[],
    },
    Row {
        role: Role::Program,
        name: "xtask",
        knows: "checks, generators, proofs",
        ours: Ours::Only(&[]),
        outside: Outside::Anything,
        never: &[],
        oversize: &[],
    },
];

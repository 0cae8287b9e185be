//! The table: each crate of the workspace, in order of roles.
//!
//! A change of the architecture is a change of this table, so that a reviewer sees it. Each
//! exception in it has a reason.

use super::groups::{FORMATS, RUNTIMES, TOWER, WEB};
use super::role::Role;
use super::row::{BY_ROLE, Ours, Outside, Oversize, Row};

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
            lines: 15_200,
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
        outside: Outside::Only(&["serde"]),
        never: &[RUNTIMES, WEB, TOWER],
        ..BY_ROLE
    },
    Row {
        role: Role::Monitor,
        name: "db-pool-monitor",
        knows: "connection pools of any kind; deadpool, sqlx, bb8 by features",
        outside: Outside::Only(&[
            "bb8",
            "deadpool",
            "deadpool-postgres",
            "futures-core",
            "serde",
            "sqlx",
            "sqlx-core",
            "thiserror",
            "tokio",
        ]),
        never: &[WEB, TOWER],
        ..BY_ROLE
    },
    Row {
        role: Role::Monitor,
        name: "cache-monitor",
        knows: "caches by tier; moka and Redis by features",
        outside: Outside::Only(&["moka", "redis", "serde", "thiserror", "tokio"]),
        never: &[WEB, TOWER],
        ..BY_ROLE
    },
    Row {
        role: Role::Monitor,
        name: "breaker-monitor",
        knows: "circuit breakers: states, transitions, outcomes",
        outside: Outside::Only(&[
            "pin-project-lite",
            "serde",
            "tower-layer",
            "tower-resilience-circuitbreaker",
            "tower-service",
        ]),
        never: &[WEB],
        ..BY_ROLE
    },
    Row {
        role: Role::Monitor,
        name: "system-monitor",
        knows: "the process, its limits and its runtime",
        outside: Outside::Only(&["procfs", "rustix", "serde", "thiserror", "tokio"]),
        never: &[WEB, TOWER],
        ..BY_ROLE
    },
    Row {
        role: Role::Monitor,
        name: "metrics-bridge",
        knows: "the `metrics` facade, both ways",
        outside: Outside::Only(&["metrics", "metrics-exporter-prometheus", "thiserror"]),
        never: &[WEB, TOWER],
        ..BY_ROLE
    },
    Row {
        role: Role::Log,
        name: "log-relay",
        knows: "log messages, written by a thread of their own",
        outside: Outside::Only(&["tracing"]),
        never: &[RUNTIMES, FORMATS, WEB, TOWER],
        ..BY_ROLE
    },
    Row {
        role: Role::Engine,
        name: "aggregator",
        knows: "the sampling thread, the published sample, the event channel",
        outside: Outside::Only(&["thiserror", "tokio", "tracing"]),
        never: &[WEB, TOWER],
        ..BY_ROLE
    },
    Row {
        role: Role::Codec,
        name: "interval-codec",
        knows: "counts and numbers of intervals in few bits",
        never: &[RUNTIMES, FORMATS, WEB, &["serde"]],
        ..BY_ROLE
    },
    Row {
        role: Role::Reader,
        name: "exporter",
        knows: "text 0.0.4, OpenMetrics 1.0, protobuf and JSON of a snapshot",
        outside: Outside::Only(&["ryu", "serde", "thiserror"]),
        never: &[RUNTIMES, WEB, &["deadpool"]],
        ..BY_ROLE
    },
    Row {
        role: Role::Reader,
        name: "history",
        knows: "the past: tiers, compression, queries",
        outside: Outside::Only(&["serde", "thiserror"]),
        never: &[RUNTIMES, FORMATS, WEB, &["deadpool"]],
        ..BY_ROLE
    },
    Row {
        role: Role::Reader,
        name: "alerting",
        knows: "rules over metrics and findings; pending, firing, resolved; a sample in, alerts out",
        ours: Ours::ByRole,
        outside: Outside::Only(&["humantime", "serde", "thiserror", "toml"]),
        never: &[RUNTIMES, WEB, TOWER, &["tracing"]],
        oversize: &[Oversize {
            part: "src",
            lines: 4400,
            reason: "a third are rules as data: their builders, the table, the rules file; the file \
                     would leave next, as a crate that makes rules for the engine",
        }],
    },
    Row {
        role: Role::Reader,
        name: "live-page",
        knows: "the files of the live page, and how they are embedded; no HTTP",
        outside: Outside::Only(&["crc32fast"]),
        never: &[RUNTIMES, WEB, FORMATS],
        ..BY_ROLE
    },
    Row {
        role: Role::Outlet,
        name: "streaming",
        knows: "the present for any number of clients: subscriptions, frames, back-pressure; no HTTP",
        outside: Outside::Only(&["bytes", "serde", "serde_json", "thiserror", "tokio", "tracing"]),
        never: &[WEB, TOWER],
        ..BY_ROLE
    },
    Row {
        role: Role::Outlet,
        name: "notifier",
        knows: "delivering alerts to Alertmanager and webhooks",
        outside: Outside::Only(&[
            "backon",
            "base64",
            "bytes",
            "http",
            "http-body-util",
            "hyper-rustls",
            "hyper-util",
            "percent-encoding",
            "rustls",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
        ]),
        never: &[&["axum", "deadpool"]],
        ..BY_ROLE
    },
    Row {
        role: Role::Layer,
        name: "request-layer",
        knows: "requests: method, route template, status, trace, and the time until the body ends",
        outside: Outside::Only(&[
            "axum",
            "bytes",
            "http",
            "http-body",
            "matchit",
            "opentelemetry",
            "pin-project-lite",
            "tower-layer",
            "tower-service",
            "tracing",
            "tracing-subscriber",
        ]),
        never: &[&["deadpool"]],
        ..BY_ROLE
    },
    Row {
        role: Role::Layer,
        name: "websocket",
        knows: "the server's side of a WebSocket: handshake, frames, deadlines; not what is sent",
        outside: Outside::Only(&["bytes", "http", "thiserror", "tokio", "tungstenite"]),
        never: &[&["axum", "hyper", "tokio-tungstenite"]],
        ..BY_ROLE
    },
    Row {
        role: Role::Server,
        name: "http-server",
        knows: "connections: accept loop, limits, readiness, graceful shutdown",
        outside: Outside::Only(&[
            "axum",
            "bytes",
            "http",
            "http-body",
            "hyper",
            "hyper-util",
            "pin-project-lite",
            "rustix",
            "serde",
            "socket2",
            "thiserror",
            "tokio",
            "tower-service",
            "tracing",
        ]),
        never: &[&["deadpool"]],
        ..BY_ROLE
    },
    Row {
        role: Role::Surface,
        name: "http-glue",
        knows: "HTTP: endpoints, probes, the stream, the page",
        ours: Ours::ByRole,
        outside: Outside::Only(&[
            "axum",
            "base64",
            "bytes",
            "futures-util",
            "http",
            "hyper",
            "hyper-util",
            "ipnet",
            "serde",
            "serde_json",
            "subtle",
            "thiserror",
            "tokio",
        ]),
        never: &[&["deadpool"]],
        oversize: &[Oversize {
            part: "src",
            lines: 4250,
            reason: "endpoints, stream and page share the errors, the slots and the gate; the stream \
                     would leave next",
        }],
    },
    Row {
        role: Role::Facade,
        name: "node0",
        knows: "everything; wires it and re-exports it",
        outside: Outside::Only(&["axum", "deadpool-redis", "thiserror", "tokio", "tracing"]),
        ..BY_ROLE
    },
    Row {
        role: Role::Program,
        name: "demo-server",
        knows: "a small real service that uses `node0`",
        ours: Ours::Only(&["local-postgres", "node0"]),
        outside: Outside::Anything,
        never: &[],
        oversize: &[Oversize {
            part: "src",
            lines: 4450,
            reason: "1500 lines are the embedded database, which is of use to nobody else",
        }],
    },
    Row {
        role: Role::Program,
        name: "bench-report",
        knows: "the results of a bench, and the pages and pictures made of them",
        ours: Ours::Only(&[]),
        outside: Outside::Only(&["serde"]),
        never: &[RUNTIMES, WEB],
        oversize: &[],
    },
    Row {
        role: Role::Program,
        name: "fuzz-targets",
        knows: "the functions that a fuzzer calls with input of strangers",
        ours: Ours::Only(&["aggregator", "metrics-core", "streaming", "websocket"]),
        outside: Outside::Anything,
        ..BY_ROLE
    },
    Row {
        role: Role::Program,
        name: "hot-paths",
        knows: "the paths whose instructions are counted",
        ours: Ours::Only(&[
            "breaker-monitor",
            "cache-monitor",
            "db-pool-monitor",
            "exporter",
            "http-glue",
            "metrics-bridge",
            "metrics-core",
            "performance-monitor",
            "request-layer",
        ]),
        outside: Outside::Anything,
        ..BY_ROLE
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
        name: "mixin",
        knows: "boards for Grafana and rules for Prometheus, and their lint",
        ours: Ours::Only(&["alerting", "metrics-core"]),
        outside: Outside::Only(&[
            "promql-parser",
            "serde",
            "serde-saphyr",
            "serde_json",
            "thiserror",
            "toml",
        ]),
        never: &[RUNTIMES, WEB],
        oversize: &[Oversize {
            part: "src",
            lines: 3800,
            reason: "boards and rules share the table of alerts, the reading of PromQL and the list \
                     of metrics; the lint of boards would leave next",
        }],
    },
    Row {
        role: Role::Program,
        name: "stream-load",
        knows: "thousands of readers of a stream, which check what they read",
        ours: Ours::Only(&[]),
        outside: Outside::Only(&["rustix", "serde", "serde_json", "tempfile", "tokio"]),
        never: &[WEB],
        oversize: &[],
    },
    Row {
        role: Role::Program,
        name: "testbed",
        knows: "the real programs that tests run against",
        ours: Ours::Only(&[]),
        outside: Outside::Only(&[
            "rcgen",
            "rustix",
            "rustls",
            "serde",
            "serde_json",
            "tempfile",
            "thiserror",
        ]),
        never: &[RUNTIMES, WEB],
        oversize: &[Oversize {
            part: "src",
            lines: 4400,
            reason: "half of it finds and unpacks a dozen programs; `tools` would leave next",
        }],
    },
    Row {
        role: Role::Program,
        name: "xtask",
        knows: "checks, generators, proofs",
        ours: Ours::Only(&["bench-report"]),
        outside: Outside::Anything,
        never: &[],
        oversize: &[Oversize {
            part: "src",
            lines: 4400,
            reason: "checks, proofs and the bench are parts of one command and share the workspace; \
                     the layers' rules would leave next",
        }],
    },
];

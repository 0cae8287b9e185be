//! Prometheus text, OpenMetrics and JSON of a node0 snapshot.

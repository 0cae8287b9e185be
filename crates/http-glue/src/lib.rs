//! The axum integration of node0: request layer, routes, probes and server.

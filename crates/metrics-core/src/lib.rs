//! Lock-free recording, exact windows and plain-data snapshots: the core of node0.

//! Watches database connection pools: waits, holds, outcomes and leaks.

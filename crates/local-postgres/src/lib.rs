//! Starts a throw-away Postgres from binaries found on the machine.

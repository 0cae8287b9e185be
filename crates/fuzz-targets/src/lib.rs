//! The parts of node0 that take input of strangers, as functions that a fuzzer calls.
//!
//! Each function takes any bytes and panics if node0 breaks a promise. `cargo xtask prove fuzz` runs
//! them under libFuzzer, from the workspace in `fuzz`; a test runs them on the corpus, which has an
//! example of each input that once went wrong or that reaches code of its own.

mod session;
mod web_socket;

pub use session::session;
pub use web_socket::web_socket;

/// A target: its name, which is that of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 2] = [("session", session), ("web_socket", web_socket)];

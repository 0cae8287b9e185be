//! The monitor of docs/write-a-monitor.md and its test, compiled and run.
//!
//! The guide shows the two files beside this one as they are. They are a library and its test, so
//! the alias below gives this crate the library's name.
#![expect(unreachable_pub, reason = "the items are public in a user's library")]

extern crate self as queue_monitor;

mod monitor;
mod test;

pub(crate) use monitor::{End, QueueMonitor, Thresholds};

#[test]
fn the_guide_shows_the_code_that_runs_here() {
    let guide = include_str!("../../../../docs/write-a-monitor.md");
    for (file, code) in
        [("monitor.rs", include_str!("monitor.rs")), ("test.rs", include_str!("test.rs"))]
    {
        assert!(guide.contains(code), "copy {file} into its block of docs/write-a-monitor.md");
    }
}

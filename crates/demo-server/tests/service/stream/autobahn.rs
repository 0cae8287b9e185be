//! Autobahn's cases of fragments and of closing, on the stream itself.
//!
//! A stream returns no message to its sender, so the suite's judgement of the messages does not
//! apply. Its judgement of the end of the connection does, but for one case whose client closes with
//! another code if its message does not come back.

use std::collections::BTreeMap;

use testbed::autobahn::{self, CaseResult};
use testbed::tools;

use crate::demo::Demo;

#[test]
fn each_connection_of_the_test_suite_ends_as_the_protocol_says() {
    let tool = testbed::require!(tools::autobahn());
    let demo = Demo::start(&[]);
    let url = format!("ws://{}/metrics/stream?metrics=cache", demo.address);
    let results = autobahn::run(&tool, &url, &["5.*", "7.*"], &["7.1.1"], 300);
    let results = results.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(results.len(), 56);
    let unclean: BTreeMap<&str, &CaseResult> = results
        .iter()
        .filter(|(_, result)| !result.ended_well())
        .map(|(case, result)| (case.as_str(), result))
        .collect();
    assert!(unclean.is_empty(), "{unclean:#?}");
    assert!(!demo.process.stderr().contains("panicked"), "{}", demo.process.stderr());
}

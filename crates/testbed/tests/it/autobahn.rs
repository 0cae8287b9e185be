//! The unpacked test suite runs its cases against a server.

use testbed::{autobahn, tools};

use crate::page;

#[test]
fn server_that_speaks_no_websocket_fails_its_cases() {
    let tool = testbed::require!(tools::autobahn());
    let url = format!("ws://{}", page::serve("text/plain", "no WebSocket"));
    let results = autobahn::run(&tool, &url, &["1.1.*"], &["1.1.8"], 60).expect("it runs");
    assert_eq!(results.len(), 7, "{results:?}");
    assert!(results.values().all(|result| !result.is_good()), "{results:?}");
}

//! A service that a test plays to the page, in a real Chromium.

use std::collections::BTreeMap;

use node0_live_page::{CONTENT_SECURITY_POLICY, Document, Page};
use serde_json::{Value, json};
use testbed::chromium::Browser;
use testbed::prove::Length;
use testbed::tools::{self, ToolError};

/// Serves the page at an invented address with a socket, a clock and answers of the test.
const PLAYER: &str = include_str!("player.mjs");

pub(crate) fn browser() -> Result<Browser, ToolError> {
    Ok(Browser::new(tools::chromium()?, tools::playwright()?))
}

/// Plays a scenario and returns what it returns; fails for any error, any violation of the policy and
/// any request to elsewhere.
pub(crate) fn play(scenario: &str, browser: Browser) -> Value {
    play_with(scenario, browser, json!({}))
}

/// Does the same, with more for the scenario to know.
pub(crate) fn play_with(scenario: &str, browser: Browser, more: Value) -> Value {
    let page = Page::shared();
    let text = |body: &[u8]| String::from_utf8(body.to_vec()).expect("UTF-8");
    let files: BTreeMap<_, _> = page.files().iter().map(|it| (it.name, text(it.body))).collect();
    let document = |given: Document<'_>| page.document(&given);
    let order = json!({
        "files": files,
        "policy": CONTENT_SECURITY_POLICY,
        "document": document(Document { title: "orders <b>", ..Document::default() }),
        "alone": document(Document { stream: None, has_history: false, ..Document::default() }),
        "more": more,
    });
    let program = PLAYER.replace("/* scenario */", scenario);
    let answer = browser
        .drive(&program, order, Length::of_this_run().pick(150, 900))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(answer["problems"], json!([]), "{answer:#}");
    answer["seen"].clone()
}

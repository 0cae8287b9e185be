//! The unpacked Chromium runs a script in a page.

use serde_json::json;
use testbed::chromium::{Browser, ScriptError};
use testbed::tools;

use crate::page;

#[test]
fn script_in_a_page_answers_or_throws() {
    let chromium = testbed::require!(tools::unpacked_chromium());
    let browser = Browser::new(chromium, testbed::require!(tools::playwright()));
    let url = format!("http://{}/", page::serve("text/html", "<title>a page</title>"));
    let script = "return { title: document.title, sum: argument.a + 1, origin: location.origin };";
    let answer = browser.run_in_page(&url, script, &json!({ "a": 2 }), 10).expect("an answer");
    let origin = url.trim_end_matches('/');
    assert_eq!(answer, json!({ "title": "a page", "sum": 3, "origin": origin }));
    let script = "throw new Error('the reason');";
    let error = browser.run_in_page(&url, script, &json!(null), 10).expect_err("it throws");
    let ScriptError::Failed { said } = error else { panic!("{error}") };
    assert!(said.contains("the reason"), "{said}");
}

//! The modules that need no page, in a real Chromium.

use std::path::Path;

use serde_json::json;
use testbed::chromium::Browser;
use testbed::tools;

/// Opens an empty page at an invented address, serves it the modules, and runs all cases there.
const DRIVER: &str = include_str!("modules.mjs");

#[test]
fn every_case_of_the_modules_holds() {
    let chromium = testbed::require!(tools::chromium());
    let browser = Browser::new(chromium, testbed::require!(tools::playwright()));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let order = json!({ "modules": root.join("ui"), "cases": root.join("tests/it/cases.js") });
    let answer = browser.drive(DRIVER, order, 60).unwrap_or_else(|error| panic!("{error}"));
    let results = answer.as_array().expect("a list");
    assert!(results.len() >= 20, "{} cases ran", results.len());
    let failed: Vec<_> = results.iter().filter(|result| !result["error"].is_null()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

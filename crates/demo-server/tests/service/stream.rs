//! The demo's stream, as its clients see it.

mod autobahn;
mod browser;
mod client;
mod dashboard;
mod events;
mod inputs;
mod k6;
mod load;
mod messages;
mod proxy;

use std::path::{Path, PathBuf};

use serde_json::Value;
use testbed::{json_schema, tools};

/// The page that describes the stream, with the data of several tests.
const DOCUMENT: &str = include_str!("../../../../docs/streaming.md");

/// Returns the part of the document between two markers of this name.
fn part(name: &str) -> &'static str {
    let begin = format!("<!-- {name} -->");
    let rest = DOCUMENT.split_once(&begin).map(|(_, rest)| rest);
    let part = rest.and_then(|rest| rest.split_once("<!-- /")).map(|(part, _)| part);
    part.unwrap_or_else(|| panic!("docs/streaming.md has no part `{name}`"))
}

/// Returns the code of the only fenced block of a part.
fn code(name: &str) -> &'static str {
    let code = part(name).split("```").nth(1).and_then(|block| block.split_once('\n'));
    code.map(|(_, code)| code).unwrap_or_else(|| panic!("the part `{name}` has no code"))
}

/// Asserts that each message is as its schema says; skipped where there is no validator.
fn assert_valid<'m>(messages: impl IntoIterator<Item = &'m Value>) {
    let tool = testbed::require!(tools::jsonschema());
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
    let named: Vec<(String, &Value)> = messages
        .into_iter()
        .map(|message| (format!("{}.json", message["type"].as_str().unwrap_or("none")), message))
        .collect();
    assert!(!named.is_empty(), "there are messages");
    let values = named.iter().map(|(name, message)| (name.as_str(), *message));
    let faults = json_schema::faults(&tool, &folder, values).expect("the validator runs");
    assert!(faults.is_empty(), "{faults:#?}");
}

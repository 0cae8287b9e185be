//! The live page in a real Chromium, over the real demo.
//!
//! Each test runs a script that drives the browser. The page must stay within its own origin and
//! its policy, and write no error to the console, whatever the test does.

use std::process::Command;

use serde_json::{Value, json};
use testbed::chromium::Browser;
use testbed::tools::{self, ToolError};

use crate::demo::Demo;

/// Opens the page, and collects what a page must not do.
const DRIVER: &str = include_str!("page/driver.mjs");

fn browser() -> Result<Browser, ToolError> {
    Ok(Browser::new(tools::chromium()?, tools::playwright()?))
}

/// Starts a demo that sends itself requests.
fn loaded(per_second: &str) -> Demo {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", "127.0.0.1:0", "--database", "embedded", "--redis", "embedded"]);
    command.args(["--load", per_second]);
    Demo::spawn(command)
}

/// Runs a script over a demo and returns what it returns; fails for any problem of the page.
fn run(browser: &Browser, demo: &Demo, script: &str) -> Value {
    let program = DRIVER.replace("/* script */", script);
    let order = json!({
        "url": format!("http://{}/", demo.address),
        "listen": demo.address.to_string(),
        "pid": demo.process.pid(),
        "demo": env!("CARGO_BIN_EXE_node0-demo"),
    });
    let answer = browser.drive(&program, order, 90).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(answer["problems"], json!([]), "of {:#}", answer["result"]);
    answer["result"].clone()
}

#[test]
fn the_numbers_of_the_page_are_those_of_the_api() {
    let browser = testbed::require!(browser());
    let demo = Demo::start(&[]);
    for _ in 0..60 {
        let order = demo.order();
        demo.get(&format!("/orders/{order}"));
    }
    let result = run(&browser, &demo, include_str!("page/numbers.mjs"));
    assert_eq!(result["differ"], json!([]), "{result:#}");
}

#[test]
fn a_fault_and_its_end_are_on_the_page_within_three_seconds() {
    let browser = testbed::require!(browser());
    let demo = loaded("60");
    let result = run(&browser, &demo, include_str!("page/fault.mjs"));
    for (what, millis) in result.as_object().expect("times") {
        assert!(millis.as_u64().is_some_and(|millis| millis <= 3000), "{what}: {result:#}");
    }
}

#[test]
fn a_killed_service_is_shown_as_lost_and_its_restart_as_a_gap() {
    let browser = testbed::require!(browser());
    let demo = loaded("20");
    let result = run(&browser, &demo, include_str!("page/restart.mjs"));
    assert_eq!(result["lost"], "reconnecting", "{result:#}");
    assert_eq!(result["isGrey"], true, "{result:#}");
    assert_eq!(result["back"], "live", "{result:#}");
    assert_eq!(result["gaps"], 1, "the time without the service is hatched: {result:#}");
    assert_eq!(result["isOlderKept"], true, "{result:#}");
}

#[test]
fn a_reload_has_the_history_and_the_choices_of_the_address() {
    let browser = testbed::require!(browser());
    let demo = loaded("20");
    let result = run(&browser, &demo, include_str!("page/reload.mjs"));
    assert_eq!(result["isBackfilled"], true, "{result:#}");
    assert_eq!(result["range"], "5m", "{result:#}");
    assert_eq!(result["operation"], "orders:read", "{result:#}");
    assert_eq!(result["theme"], "light", "{result:#}");
    assert_eq!(result["hasHeat"], true, "{result:#}");
}

//! The live page in a real Chromium, over the real demo.
//!
//! Each test runs a script that drives the browser. The page must stay within its own origin and
//! its policy, and write no error to the console, whatever the test does.

use std::process::Command;

use serde_json::{Value, json};
use testbed::chromium::Browser;
use testbed::prove::Length;
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
    run_with(browser, demo, script, json!({}))
}

/// Does the same, with more for the script to know.
fn run_with(browser: &Browser, demo: &Demo, script: &str, more: Value) -> Value {
    let program = DRIVER.replace("/* script */", script);
    let mut order = json!({
        "url": format!("http://{}/", demo.address),
        "listen": demo.address.to_string(),
        "pid": demo.process.pid(),
        "demo": env!("CARGO_BIN_EXE_node0-demo"),
        "ui": concat!(env!("CARGO_MANIFEST_DIR"), "/../live-page/ui"),
    });
    if let (Value::Object(order), Value::Object(more)) = (&mut order, more) {
        order.extend(more);
    }
    let answer = browser
        .drive(&program, order, Length::of_this_run().pick(180, 600))
        .unwrap_or_else(|error| panic!("{error}"));
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

/// Asserts that faults and their end are on the page within three seconds of being in the API.
fn shows_soon(faults: &str) {
    let browser = testbed::require!(browser());
    let demo = loaded("60");
    let more = json!({ "faults": faults });
    let result = run_with(&browser, &demo, include_str!("page/fault.mjs"), more);
    let times = result.as_object().expect("times");
    assert_eq!(times.len(), 11, "{result:#}");
    for (what, millis) in times {
        assert!(millis.as_u64().is_some_and(|millis| millis <= 3000), "{what}: {result:#}");
    }
}

#[test]
fn failing_payments_and_their_end_show_within_three_seconds() {
    shows_soon("failing-payments");
}

#[test]
fn slow_payments_and_their_end_show_within_three_seconds() {
    shows_soon("slow-payments");
}

#[test]
fn a_slow_database_behind_a_small_pool_shows_within_three_seconds() {
    shows_soon("slow-database small-pool");
}

#[test]
fn a_cold_cache_and_its_end_show_within_three_seconds() {
    shows_soon("cold-cache");
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

/// Draws the pictures of the documentation, a fault and its end included; only under
/// `cargo xtask prove screens`.
#[test]
fn pictures_are_drawn() {
    if Length::of_this_run() == Length::Short {
        return;
    }
    let browser = testbed::require!(browser());
    let demo = loaded("40");
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let result =
        run_with(&browser, &demo, include_str!("page/pictures.mjs"), json!({ "docs": docs }));
    assert_eq!(result["pictures"], 2, "{result:#}");
}

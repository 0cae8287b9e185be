//! The cost of the page for a browser, against its budgets.
//!
//! An ordinary run looks at the memory of some ticks and at the first picture. `cargo xtask bench page`
//! measures the processor too, beside a blank page and beside uPlot, which takes two minutes alone.

use std::collections::BTreeMap;

use node0_live_page::{Document, Page};
use serde_json::{Value, json};
use testbed::prove::{self, Length};
use testbed::tools;

use crate::player::browser;

/// A budget of a figure; those of the processor are in percent of a core over a blank page.
const BUDGETS: [(&str, f64); 5] = [
    ("livePercent", 3.0),
    ("pausedPercent", 0.3),
    ("firstDrawMillis", 500.0),
    ("drawnWhileHistoryLoadsMillis", 2000.0),
    ("heapGrowthBytes", 300_000.0),
];

#[test]
fn the_page_costs_a_browser_little() {
    let npm = testbed::require!(tools::npm());
    let browser = testbed::require!(browser());
    let is_long = Length::of_this_run() == Length::Long;
    let text = |body: &[u8]| String::from_utf8(body.to_vec()).expect("UTF-8");
    let page = Page::shared();
    let mut files: BTreeMap<_, _> =
        page.files().iter().map(|it| (it.name, text(it.body))).collect();
    for (name, path) in
        [("uplot.js", "uplot/dist/uPlot.iife.min.js"), ("uplot.css", "uplot/dist/uPlot.min.css")]
    {
        files.insert(name, std::fs::read_to_string(npm.file(path)).expect("a file of uPlot"));
    }
    let order = json!({
        "files": files,
        "document": page.document(&Document::default()),
        "ticks": if is_long { 1000 } else { 100 },
        "settle": 16_000,
        "watch": if is_long { 20_000 } else { 0 },
    });
    let mut figures = browser
        .drive(include_str!("cost.mjs"), order, if is_long { 500 } else { 60 })
        .unwrap_or_else(|error| panic!("{error}"));
    let script_and_style = page.files().iter().filter(|file| !file.name.ends_with(".svg"));
    figures["gzipBytes"] = script_and_style.map(|file| file.gzip.len()).sum::<usize>().into();
    prove::report(&figures).expect("figures");
    let missed: Vec<_> = BUDGETS.iter().filter(|budget| is_missed(&figures, budget)).collect();
    assert!(missed.is_empty(), "{missed:?} of {figures:#}");
}

/// Returns `true` for a figure over its budget. A short run measures no processor, and gives a busy
/// machine more time.
fn is_missed(figures: &Value, (name, most): &(&str, f64)) -> bool {
    let is_time = name.ends_with("Millis") && Length::of_this_run() == Length::Short;
    let slack = if is_time { 4.0 } else { 1.0 };
    figures[name].as_f64().is_some_and(|figure| figure > most * slack)
}

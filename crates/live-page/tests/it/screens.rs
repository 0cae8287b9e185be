//! Pictures of the page in all its states, which must fit.
//!
//! A short run draws eight, and `cargo xtask prove screens` all. They are in `target/screens`, for
//! people to look at.

use std::path::Path;

use serde_json::json;
use testbed::prove::{self, Length};

use crate::player::{browser, play_with};

#[test]
fn nothing_is_cut_lies_over_another_or_is_too_wide() {
    let browser = testbed::require!(browser());
    let is_long = Length::of_this_run() == Length::Long;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screens");
    let order = json!({
        "layout": include_str!("layout.js"),
        "folder": folder,
        "isLong": is_long,
    });
    let found = play_with(include_str!("screens.mjs"), browser, order);
    assert_eq!(found, json!({}), "{found:#}");
    prove::report(&json!({ "pictures": if is_long { 96 } else { 8 } })).expect("figures");
}

//! The page for those who see, point or move differently.

use serde_json::json;
use testbed::tools;

use crate::player::{browser, play, play_with};

#[test]
fn axe_finds_nothing_wrong_in_any_state() {
    let npm = testbed::require!(tools::npm());
    let browser = testbed::require!(browser());
    let axe = std::fs::read_to_string(npm.file("axe-core/axe.min.js")).expect("its script");
    let seen = play_with(include_str!("axe.mjs"), browser, json!({ "axe": axe }));
    let states = seen.as_object().expect("states");
    assert_eq!(states.len(), 12, "{seen:#}");
    for (state, found) in states {
        assert_eq!(found["violations"], json!([]), "{state}");
        assert!(found["passes"].as_u64() > Some(20), "{state}: {found}");
    }
}

#[test]
fn a_walk_by_keyboard_reaches_everything() {
    let seen = play(include_str!("keyboard.mjs"), testbed::require!(browser()));
    assert_eq!(seen["missed"], json!([]), "{seen:#}");
    assert_eq!(seen["unmarked"], json!([]), "each has a visible focus: {seen:#}");
    assert!(seen["reached"].as_u64() > Some(25), "{seen:#}");
    assert_eq!(seen["said"], json!(true), "a chart says its values: {seen:#}");
    assert_eq!(seen["table"], json!("Latency"), "{seen:#}");
    assert_eq!(seen["keys"], json!({ "off": "15m", "on": "5m" }), "keys can be switched off");
    assert_eq!(seen["charts"]["unnamed"], json!([]), "{seen:#}");
}

#[test]
fn wishes_of_the_system_are_respected() {
    let seen = play(include_str!("wishes.mjs"), testbed::require!(browser()));
    assert_eq!(seen["moving"], json!(0), "nothing moves by itself: {seen:#}");
    assert_eq!(seen["light"], json!("light"), "{seen:#}");
    assert_eq!(seen["marks"], json!(["none", "none"]), "states keep their colours: {seen:#}");
    assert_eq!(seen["pressed"], json!(true), "{seen:#}");
}

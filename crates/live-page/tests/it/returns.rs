//! The page asks for the time that it was away, and leaves a gap where nobody knows it.

use serde_json::json;

use crate::player::{browser, play};

#[test]
fn what_was_missed_is_asked_for_and_else_stays_a_gap() {
    let seen = play(include_str!("returns.mjs"), testbed::require!(browser()));
    for (way, new_sockets) in [("slept", 1), ("cached", 1), ("lagged", 0), ("skipped", 0)] {
        let it = &seen[way];
        assert_eq!(it["state"], json!("live"), "{way}: {seen:#}");
        let sockets = it["sockets"].as_u64();
        // In nine seconds there are attempts after 0, 1, 3 and 7, and one with the page's return.
        assert!(sockets >= Some(new_sockets) && sockets <= Some(5), "{way}: {seen:#}");
        let asked = it["asked"].as_array().expect("questions");
        assert!(!asked.is_empty(), "{way}: {seen:#}");
    }
    // The history has nothing here, so what is longer than its step stays hatched.
    for way in ["slept", "lagged"] {
        assert!(seen[way]["gaps"].as_u64() >= Some(1), "{way}: {seen:#}");
    }
}

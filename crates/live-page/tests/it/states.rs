//! The page over a socket and answers that the test makes, in a real Chromium.

use serde_json::{Value, json};

use crate::player::{browser, play};

const STATES: &str = include_str!("states.mjs");

#[test]
fn every_state_of_the_page_shows_what_is_known() {
    let seen = play(STATES, testbed::require!(browser()));
    let of = |state: &str| seen[state].clone();

    assert_eq!(of("empty")["word"], "Waiting for data");
    assert_eq!(
        of("empty")["numbers"],
        json!(["–", "–", "–", "–", "–", "–"]),
        "no zero is invented"
    );
    assert_eq!(of("live")["state"], "live");
    assert_eq!(of("live")["numbers"], json!(["40", "90", "–", "95.4", "7", "1.5"]));
    assert_eq!(of("live")["title"], "78 Degraded · orders <b>");
    assert_eq!(of("stale")["state"], "stale");
    assert_eq!(of("lost")["state"], "reconnecting");
    assert_eq!(of("lost")["word"], "Degraded, last known");
    assert!(of("lost")["title"].as_str().is_some_and(|title| title.starts_with("(offline) ")));
    assert!(of("lost")["grey"].as_str().is_some_and(|filter| filter.contains("grayscale")));
    assert_eq!(of("back")["state"], "live");
    assert_eq!(of("back")["gaps"], json!(1), "the time without a connection is hatched");
    assert_eq!(of("fatal")["state"], "fatal");
    assert_eq!(of("alone")["banner"].as_str().map(|text| text.contains("neither")), Some(true));

    // Five minutes of pause lose nothing, and nothing moves meanwhile.
    assert_eq!(of("paused")["state"], "paused");
    assert_eq!(of("paused")["numbers"], of("before pause")["numbers"]);
    assert_eq!(of("paused")["recorded"], json!(300));
    assert_eq!(of("resumed")["state"], "live");
    assert_eq!(of("hidden")["drawn"], json!(0), "a hidden page draws nothing");
    assert_eq!(of("shown")["drawn"], json!(true));

    // What is wrong has its time and its operation, and a number what it was before.
    let ill = of("ill");
    let says = |part: &str, text: &str| {
        assert!(ill[part].as_str().is_some_and(|all| all.contains(text)), "{part}: {ill:#}");
    };
    says("sentence", "the breaker is open. 1 more issue.");
    says("facts", "(3 min). Worst operation: orders:create, p95 1.6 s.");
    says("note", "(3 min)");
    says("was", "was 20 ms until ");
    assert_eq!(ill["steady"], "", "a number that has not changed says nothing");
    assert!(of("before fault")["facts"].as_str().is_some_and(|facts| {
        facts.ends_with("(95 s). No operation fails or is slower than usual.")
    }));

    // The throughput has the limit of its alert once ten minutes are known.
    assert_eq!(of("before fault")["limit"], Value::Null);
    assert_eq!(ill["limit"], json!({ "value": 4, "label": "limit 4 /s" }));

    // Names are text, whatever is in them, and push nothing out of the page.
    assert_eq!(of("hostile")["images"], json!(0));
    assert_eq!(of("hostile")["wide"], json!(0), "no horizontal scroll");
    assert_eq!(of("hostile")["rows"], json!(100));
    assert_eq!(of("hostile")["said"], "103 more operations are not shown.");
    assert_eq!(of("hostile")["tiers"], json!(50));
    let own: Value = of("own");
    assert_eq!(own["area"], "Job queue", "a monitor of the host's own has its area");
    assert_eq!(own["facts"], json!(3));
}

//! The tests of the rules notice each change of a rule.
//!
//! A rule is changed in one place at a time: an operator, a number, a range, a matcher, a label of a
//! grouping, an aggregation, a time, a text. The tests of promtool must fail for each change. Those
//! that may pass are listed with the proof that the changed rule says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;
use testbed::prove::{self, Length};
use testbed::tools::{self, PrometheusTool};

use super::case::tests_of;
use super::file::{Group, Rule, RulesFile};
use super::promtool::{complaint, write};

/// A rule with one change.
struct Mutant {
    /// The name of the rule and the change.
    name: String,
    rule: Rule,
}

/// The proof for a comparison that differs only at the threshold itself.
const TO_THE_LAST_BIT: &str = "differs only for a value that is the threshold to the last bit; it is \
    a quotient of rates, which are extrapolated, so its last bit is nobody's promise";
const SCALED: &str =
    "all buckets of a histogram get the same factor, and a quantile does not change";
const NO_VALUE: &str = "the aggregation around it asks only whether there is a sample";
const ALL_VALUES: &str = "the label has no other values, so a sum over all is the same";

const TOGETHER: &str = "both gauges are on one page, so they are missing together, and the shorter \
    range decides";
const ABOVE_ZERO: &str =
    "durations begin at 0, and a quantile that is not the lowest lies above it";

/// Changes that need not be noticed: the rule, the change, and the proof.
const EQUIVALENT: &[(&str, &str, &str)] = &[
    ("HighP95Latency", "> #1 -> >=", TO_THE_LAST_BIT),
    ("HighP95Latency", ">= #1 -> >", TO_THE_LAST_BIT),
    ("HighP95Latency", "sum by #1 -> avg by", SCALED),
    ("HighP95Latency", "rate( #1 -> increase(", SCALED),
    ("ThroughputCollapsed", ">= #1 -> >", TO_THE_LAST_BIT),
    ("ThroughputCollapsed", "< #1 -> <=", TO_THE_LAST_BIT),
    ("LowCacheHitRate", ">= #1 -> >", TO_THE_LAST_BIT),
    ("LowCacheHitRate", "< #1 -> <=", TO_THE_LAST_BIT),
    ("LowCacheHitRate", "{ #2 without result=~\"hit|miss\"", ALL_VALUES),
    ("PoolFailing", "> #1 -> >=", TO_THE_LAST_BIT),
    ("PoolFailing", ">= #1 -> >", TO_THE_LAST_BIT),
    ("PoolFailing", "{ #2 without outcome=~\"acquired|failed|timed_out|cancelled\"", ALL_VALUES),
    ("CircuitOpen", ">= 1 -> 0.5", "a state is 0 or 1, so the sum is whole"),
    ("CircuitFailureRate", "> #1 -> >=", TO_THE_LAST_BIT),
    ("CircuitFailureRate", ">= #1 -> >", TO_THE_LAST_BIT),
    ("HighMemory", "> 0 -> 1", "a limit is whole bytes, and no process has one"),
    ("HighMemory", "[5m] #1 -> [10m]", TOGETHER),
    ("HighMemory", "[5m] #2 -> [10m]", TOGETHER),
    ("RuntimeLag", "> #1 -> >=", TO_THE_LAST_BIT),
    ("RuntimeLag", ">= #1 -> >", TO_THE_LAST_BIT),
    ("RuntimeLag", "sum by #1 -> avg by", SCALED),
    ("RuntimeLag", "rate( #1 -> increase(", SCALED),
    (
        "TargetDown",
        "group by #1 -> count by",
        "a target that is down has 0, and 0 times a count is 0",
    ),
    ("TargetDown", "last_over_time( #1 -> max_over_time(", NO_VALUE),
    ("TargetDown", "last_over_time( #1 -> min_over_time(", NO_VALUE),
    ("TargetDown", "last_over_time( #1 -> avg_over_time(", NO_VALUE),
    ("TargetDown", "< 1 -> 0.5", "a target is up or not: 1 or 0"),
    ("TargetGone", "> #1 -> >=", "a count of series is never 0: there would be no series"),
    ("TargetGone", "last_over_time( #1 -> max_over_time(", NO_VALUE),
    ("TargetGone", "last_over_time( #1 -> min_over_time(", NO_VALUE),
    ("TargetGone", "last_over_time( #1 -> avg_over_time(", NO_VALUE),
    (
        "namespace_job_instance:process_resident_memory_bytes:limit_ratio",
        "> 0 -> 1",
        "a limit is whole bytes, and no process has one",
    ),
    ("namespace_job_operation:operation_duration_seconds:p50_rate5m", ">= #1 -> >", ABOVE_ZERO),
    ("namespace_job_operation:operation_duration_seconds:p95_rate5m", ">= #1 -> >", ABOVE_ZERO),
    ("namespace_job_operation:operation_duration_seconds:p99_rate5m", ">= #1 -> >", ABOVE_ZERO),
];

/// Other spellings of a word in an expression, each another meaning.
const WORDS: &[(&str, &[&str])] = &[
    (" > ", &[" >= ", " < "]),
    (" >= ", &[" > ", " < "]),
    (" < ", &[" <= ", " > "]),
    (" / ", &[" * "]),
    (" * ", &[" + "]),
    (" and ", &[" or ", " unless "]),
    (" unless ", &[" and ", " or "]),
    ("sum by", &["avg by", "max by", "min by", "count by", "sum without"]),
    ("count by", &["sum by", "max by", "count without"]),
    ("group by", &["count by", "group without"]),
    ("rate(", &["increase(", "irate(", "delta("]),
    ("increase(", &["rate(", "delta("]),
    ("last_over_time(", &["max_over_time(", "min_over_time(", "avg_over_time("]),
    ("[5m]", &["[1m]", "[10m]"]),
    ("[1h]", &["[30m]", "[2h]"]),
    ("[1d]", &["[12h]", "[2d]"]),
    ("histogram_quantile(0.95,", &["histogram_quantile(0.9,", "histogram_quantile(0.99,"]),
    ("histogram_quantile(0.99,", &["histogram_quantile(0.95,", "histogram_quantile(0.999,"]),
    ("histogram_quantile(0.5,", &["histogram_quantile(0.4,", "histogram_quantile(0.6,"]),
    ("=~\"", &["!~\""]),
    ("=\"", &["!=\""]),
    ("group_left ()", &["group_left (zone)"]),
];

/// Returns the text with each occurrence of a word replaced by each of its other spellings.
fn replaced(text: &str, word: &str, by: &[&str]) -> Vec<(String, String)> {
    let places = text.match_indices(word).enumerate();
    let all = places.flat_map(|(nth, (at, _))| {
        by.iter().map(move |other| {
            let changed = format!("{}{other}{}", &text[..at], &text[at + word.len()..]);
            (format!("{} #{} -> {}", word.trim(), nth + 1, other.trim()), changed)
        })
    });
    all.collect()
}

/// Returns the expression without one of the parts of a list in brackets, such as a matcher.
fn without_parts(text: &str, open: &str, close: char) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    for (nth, (at, _)) in text.match_indices(open).enumerate() {
        let start = at + open.len();
        let Some(end) = text[start..].find(close).map(|length| start + length) else { continue };
        let parts: Vec<_> = text[start..end].split(", ").collect();
        for (which, part) in parts.iter().enumerate() {
            let mut left = parts.clone();
            left.remove(which);
            let changed = format!("{}{}{}", &text[..start], left.join(", "), &text[end..]);
            changes.push((format!("{open} #{} without {part}", nth + 1), changed));
        }
    }
    changes
}

/// Returns the expression with one value of an alternative left out.
fn without_values(text: &str) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    for (at, _) in text.match_indices("=~\"") {
        let start = at + 3;
        let Some(end) = text[start..].find('"').map(|length| start + length) else { continue };
        let values: Vec<_> = text[start..end].split('|').collect();
        for which in 0..values.len() {
            let mut left = values.clone();
            let value = left.remove(which);
            let changed = format!("{}{}{}", &text[..start], left.join("|"), &text[end..]);
            changes.push((format!("{} without {value}", &text[start..end]), changed));
        }
    }
    changes
}

/// Returns the expression with one threshold halved, doubled, or moved from zero.
fn other_thresholds(text: &str) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    for sign in ["> ", ">= ", "< "] {
        for (at, _) in text.match_indices(sign) {
            let start = at + sign.len();
            let length = text[start..].find(|c: char| !c.is_ascii_digit() && c != '.');
            let end = length.map_or(text.len(), |length| start + length);
            let Ok(number) = text[start..end].parse::<f64>() else { continue };
            let others = if number == 0.0 { vec![1.0] } else { vec![number / 2.0, number * 2.0] };
            changes.extend(others.into_iter().map(|other| {
                let changed = format!("{}{other}{}", &text[..start], &text[end..]);
                (format!("{sign}{number} -> {other}"), changed)
            }));
        }
    }
    changes
}

/// Returns all changes of an expression.
fn other_expressions(text: &str) -> Vec<(String, String)> {
    let words = WORDS.iter().flat_map(|(word, by)| replaced(text, word, by));
    let parts = [("by (", ')'), ("on (", ')'), ("{", '}')];
    let parts = parts.iter().flat_map(|(open, close)| without_parts(text, open, *close));
    words.chain(parts).chain(without_values(text)).chain(other_thresholds(text)).collect()
}

/// Returns other times for a time of a rule.
fn other_times(time: &str) -> &'static [&'static str] {
    match time {
        "" => &["1m"],
        "1m" => &["30s", "2m"],
        "2m" => &["1m", "3m"],
        "5m" => &["4m30s", "6m"],
        "10m" => &["5m", "11m"],
        _ => &["0s"],
    }
}

/// Returns every change of a rule.
fn mutants(rule: &Rule) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut change = |what: String, edit: &dyn Fn(&mut Rule)| {
        let mut rule = rule.clone();
        let name = format!("{}: {what}", rule.name());
        edit(&mut rule);
        mutants.push(Mutant { name, rule });
    };
    for (what, changed) in other_expressions(&rule.expr.replace('\n', " ")) {
        change(what, &|rule| rule.expr.clone_from(&changed));
    }
    if rule.alert.is_empty() {
        change("another name".to_owned(), &|rule| rule.record.push('2'));
        return mutants;
    }
    change("another name".to_owned(), &|rule| rule.alert.push('2'));
    for time in other_times(&rule.lasting).iter().chain(&["0s", "30m"]) {
        change(format!("for {time}"), &|rule| rule.lasting = (*time).to_owned());
    }
    for time in other_times(&rule.keep_firing_for).iter().chain(&["10m"]) {
        change(format!("keep_firing_for {time}"), &|rule| {
            rule.keep_firing_for = (*time).to_owned();
        });
    }
    let other = if rule.labels["severity"] == "critical" { "warning" } else { "critical" };
    change(format!("severity {other}"), &|rule| {
        rule.labels.insert("severity".to_owned(), other.to_owned());
    });
    for (key, text) in &rule.annotations {
        change(format!("no {key}"), &|rule| drop(rule.annotations.remove(key)));
        let mut edit = |what: &str, changed: String| {
            change(format!("{key}: {what}"), &|rule| {
                rule.annotations.insert(key.clone(), changed.clone());
            });
        };
        edit("a letter more", format!("{text}!"));
        for (at, _) in text.match_indices("{{ $labels.") {
            let changed =
                format!("{}{}", &text[..at], text[at..].replacen("$labels.", "$labels.x", 1));
            edit(&format!("another label at {at}"), changed);
        }
        for (word, by) in [("humanizeDuration", "humanize"), ("humanizePercentage", "humanize")] {
            if text.contains(word) {
                edit("another unit", text.replace(word, by));
            }
        }
    }
    mutants
}

/// Returns `true` if a test fails with the changed rule in place of the shipped one.
fn is_noticed(tool: &PrometheusTool, shipped: &RulesFile, mutant: &Mutant, of: &str) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let tests = tests_of(of);
    // Only what the tests of this rule look at, since promtool evaluates all rules at each step.
    let is_recording = |rule: &Rule| !rule.record.is_empty();
    let needed = |rule: &&Rule| {
        rule.name() == "TargetDown" || is_recording(rule) && is_recording(&mutant.rule)
    };
    let others = shipped.rules().filter(|rule| rule.name() != of).filter(needed).cloned();
    let rules = others.chain([mutant.rule.clone()]).collect();
    let file = RulesFile { groups: vec![Group { name: "mutant".to_owned(), rules }] };
    let path = folder.path().join("rules.json");
    std::fs::write(&path, json!(file).to_string()).expect("the folder can be written to");
    let tests = write(folder.path(), &path, &tests);
    complaint(tool, &["test", "rules"], &tests).is_some()
}

#[test]
fn tests_notice_each_change_of_a_rule() {
    let tool = testbed::require!(tools::prometheus_3_5());
    let shipped = RulesFile::shipped();
    let all: Vec<_> = shipped
        .rules()
        .flat_map(|rule| mutants(rule).into_iter().map(|mutant| (rule.name().to_owned(), mutant)))
        .collect();
    assert!(all.len() >= 100);
    // A short run takes a few of each kind.
    let every = Length::of_this_run().pick(all.len() / 24, 1);
    let chosen: Vec<_> = all.iter().step_by(every).collect();
    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((of, mutant)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !is_noticed(&tool, &shipped, mutant, of) {
                        survivors.lock().expect("no thread panicked").insert(mutant.name.clone());
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().expect("no thread panicked");
    let proven: BTreeMap<_, _> = EQUIVALENT
        .iter()
        .map(|(rule, change, proof)| (format!("{rule}: {change}"), *proof))
        .collect();
    let unknown: Vec<_> = survivors.iter().filter(|name| !proven.contains_key(*name)).collect();
    prove::report(&json!({
        "mutants": chosen.len(),
        "noticed": chosen.len() - survivors.len(),
        "equivalent": survivors,
    }))
    .expect("the figures can be written");
    assert!(unknown.is_empty(), "no test notices {unknown:#?}");
    if every == 1 {
        let stale: Vec<_> = proven.keys().filter(|name| !survivors.contains(*name)).collect();
        assert!(stale.is_empty(), "these are noticed, so strike their proofs: {stale:#?}");
    }
}

//! Silences of a rules file: what they keep quiet, for how long, and each mistake.

use std::fs;
use std::path::PathBuf;

use node0_alerting::{Alerts, SilenceEnd, apply_toml, built_in};
use node0_metrics_core::AlertCause::{Fired, Resolved};
use node0_metrics_core::HeldReason::Silenced;
use node0_metrics_core::Timestamp;

use crate::house::{House, SECOND, high};

/// A house whose rules file has this text, and the file, which goes with its folder.
fn house(text: &str) -> (tempfile::TempDir, PathBuf, House) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.toml");
    fs::write(&path, text).expect("it can be written");
    let house = House::with(Alerts::builder().rules([high()]).rules_file(&path));
    (folder, path, house)
}

fn silences(house: &House) -> usize {
    house.alerts.overview().silences.len()
}

const TEN_SECONDS: &str =
    "[[silence]]\nwhere = { tank = \"a\" }\nfor = \"10s\"\ncomment = \"wash\"\n";

#[test]
fn a_silence_keeps_alerts_quiet_until_it_ends() {
    let (_folder, _, mut house) = house(TEN_SECONDS);
    assert!(house.at(11.0).is_empty());
    let alert = house.alert().expect("it fires");
    assert_eq!(alert.held_back[0].reason, Silenced);
    let overview = house.alerts.overview();
    let [silence] = &overview.silences[..] else { panic!("one silence: {overview:?}") };
    assert_eq!((silence.reason.as_str(), &silence.id), ("wash", &alert.held_back[0].by));
    assert_eq!(silence.ends_at.as_millis() - silence.starts_at.as_millis(), 10_000);
    assert_eq!(house.seconds(10), [(9, Fired)]);
    assert_eq!(silences(&house), 0);
}

#[test]
fn reading_the_file_again_begins_no_silence_anew() {
    let (_folder, path, mut house) = house(TEN_SECONDS);
    house.at(11.0);
    house.seconds(4);
    house.alerts.reload_file(&path).expect("it is good");
    assert_eq!(house.seconds(6), [(5, Fired)], "ten seconds after the first reading");
    house.alerts.reload_file(&path).expect("it is good");
    assert_eq!(silences(&house), 0, "it has ended");

    // Another comment makes another silence.
    fs::write(&path, TEN_SECONDS.replace("wash", "wash again")).expect("it can be written");
    house.alerts.reload_file(&path).expect("it is good");
    assert_eq!(silences(&house), 1);
    let id = house.alerts.overview().silences[0].id.clone();
    assert!(house.alerts.unsilence(&id));
    assert!(!house.alerts.unsilence(&id), "it has ended");
    house.alerts.reload_file(&path).expect("it is good");
    assert_eq!(silences(&house), 0, "who ended it is right");
}

#[test]
fn a_silence_that_leaves_the_file_ends_and_those_of_code_stay() {
    let (_folder, path, mut house) = house(TEN_SECONDS);
    assert!(house.at(11.0).is_empty());
    let of_code = house.alerts.silence([], SECOND * 5, "a test");
    fs::write(&path, "").expect("it can be written");
    house.alerts.reload_file(&path).expect("it is good");
    let left = house.alerts.overview().silences.clone();
    assert_eq!(left.iter().map(|one| &one.id).collect::<Vec<_>>(), [&of_code]);
    assert_eq!(house.seconds(6), [(5, Fired)]);
    fs::write(&path, "[[silence]]\nwhere = 5").expect("it can be written");
    house.alerts.reload_file(&path).expect_err("it has mistakes");
    assert_eq!(house.at(1.0), [(Resolved, "a".into())]);
}

#[test]
fn an_end_by_the_wall_clock_follows_it_when_it_is_set() {
    // The clock of the house begins with the year 2020.
    let text =
        "[[silence]]\nwhere_not = { severity = \"critical\" }\nuntil = 2020-01-01T01:00:10+01:00";
    let (_folder, _, mut house) = house(text);
    assert!(house.at(11.0).is_empty());
    house.clock.set_wall(Timestamp::from_millis(1_900_000_000_000));
    assert_eq!(house.seconds(1), [(1, Fired)], "years after its end");
    house.clock.set_wall(Timestamp::from_millis(1_577_836_800_000));
    house.tick();
    assert_eq!(silences(&house), 1, "its end is to come again");
}

#[test]
fn a_time_is_read_in_every_usual_form() {
    let ends = |until: &str| {
        let text = format!("[[silence]]\nwhere = {{ a = \"b\" }}\nuntil = {until}");
        match apply_toml(&[], &text) {
            Ok(file) => match file.silences[0].end {
                SilenceEnd::At(at) => at.as_millis(),
                SilenceEnd::After(time) => panic!("{time:?}"),
            },
            Err(mistakes) => panic!("{until}: {mistakes:?}"),
        }
    };
    let noon = 1_798_891_200_000;
    for until in [
        "\"2027-01-02T12:00:00Z\"",
        "\"2027-01-02t12:00:00z\"",
        "\"2027-01-02 12:00:00Z\"",
        "\"2027-01-02T13:00:00+01:00\"",
        "\"2027-01-02T06:30:00-05:30\"",
        "2027-01-02T12:00:00Z",
        "2027-01-02 13:00:00+01:00",
    ] {
        assert_eq!(ends(until), noon, "{until}");
    }
    assert_eq!(ends("\"2027-01-02T12:00:00.25Z\""), noon + 250);
    assert_eq!(ends("\"1999-01-01T00:00:00Z\"") / 1000, 915_148_800, "what is over does no harm");
}

/// Checks the only mistake of a silence with these fields.
#[track_caller]
fn check(fields: &str, line: usize, field: &str, problem: &str) {
    let mistakes = apply_toml(&built_in(), &format!("[[silence]]\n{fields}\n"));
    let mistakes = mistakes.expect_err("the silence has a mistake");
    let [mistake] = &mistakes[..] else { panic!("one mistake: {mistakes:?}") };
    assert_eq!((mistake.line, mistake.field.as_str()), (line, field), "{mistake}");
    assert!(mistake.problem.contains(problem), "{mistake}");
}

#[test]
fn each_field_that_cannot_work_is_named_with_what_to_write() {
    let until = |value: &str, problem: &str| {
        check(&format!("where = {{ a = \"b\" }}\nuntil = {value}"), 3, "silence.until", problem);
    };
    for value in ["5", "true", "[]"] {
        until(value, "write a time with its zone, such as \"2027-01-04T08:00:00Z\"");
    }
    for value in [
        "\"tomorrow\"",
        "\"\"",
        "\"2027-01-02T12:00:00\"",
        "\"2027-02-30T12:00:00Z\"",
        "\"2027-01-02Z\"",
        "\"2027-01-02T12:00:00+1:00\"",
        "\"2027-01-02T12:00:00*01:00\"",
        "\"1969-12-31T00:00:00Z\"",
        "\"1970-01-01T00:00:00+01:00\"",
        "\"\u{e9}\u{e9}\u{e9}\u{e9}\"",
        "2027-01-02T12:00:00",
        "2027-01-02",
    ] {
        until(value, "is no time of which the zone is known: write a time with its zone");
    }
    let time = |value: &str, problem: &str| {
        check(&format!("where = {{ a = \"b\" }}\nfor = {value}"), 3, "silence.for", problem);
    };
    time("5", "write a time as text, such as \"30s\"");
    time("\"soon\"", "is no time (");
    check("where = { a = \"b\" }", 1, "silence.until", "is missing: write when it ends");
    let both = "where = { a = \"b\" }\nfor = \"1h\"\nuntil = 2027-01-02T12:00:00Z";
    check(both, 3, "silence.for", "and `until` exclude each other: remove one");
    check("for = \"1h\"", 1, "silence.where", "is missing: name the labels of the alerts");
    for field in ["where", "where_not"] {
        let of = |value: &str, problem: &str| {
            let fields = format!("for = \"1h\"\n{field} = {value}");
            check(&fields, 3, &format!("silence.{field}"), problem);
        };
        of("5", "is an integer: write a table of texts");
        of("{ a = 1 }", "has a value that is no text: write a table of texts");
        of("{}", "names no label, which would silence everything: name one");
        of("{ \"a b\" = \"c\" }", "has `a b`, which is no key of a label: begin with");
        of("{ severity = \"bad\" }", "has the severity \"bad\": write \"warning\" or \"critical\"");
        of("{ alertname = \"Flood\" }", "has `Flood`, which is no rule: HighP95Latency,");
    }
    check("for = \"1h\"\nwhere = { a = \"b\" }\ncomment = 5", 4, "silence.comment", "a text");
    let unknown = "for = \"1h\"\nwhere = { a = \"b\" }\nends = 5";
    check(
        unknown,
        4,
        "silence.ends",
        "is no field here: use comment, for, until, where, where_not",
    );
    let of_another_type = apply_toml(&built_in(), "[silence]\nfor = \"1h\"").unwrap_err();
    assert_eq!(of_another_type[0].to_string(), "`silence` is no list: use [[silence]]");
    let of_numbers = apply_toml(&built_in(), "silence = [1]").unwrap_err();
    assert!(of_numbers[0].problem.starts_with("is no silence: write [[silence]]"));
    let many = TEN_SECONDS.repeat(1001);
    let many = apply_toml(&built_in(), &many).unwrap_err();
    assert_eq!((many.len(), many[0].line), (1, 4001));
    assert!(many[0].problem.starts_with("is one of more than 1000"), "{}", many[0]);
}

//! Rules from a TOML file: what they change, and each mistake with its line, field and remedy.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use node0_alerting::{AlertingError, Alerts, Condition, Rule, apply_toml, built_in};
use node0_metrics_core::AlertState::Firing;
use node0_metrics_core::{Registry, Severity};

use crate::house::{House, high};

fn rule(text: &str, name: &str) -> Rule {
    let file = apply_toml(&built_in(), text).expect("the file has no mistakes");
    file.rules.into_iter().find(|rule| rule.name == name).expect("the rule is there")
}

#[test]
fn a_rule_of_the_code_is_changed_where_the_file_says_so() {
    let before = built_in().into_iter().find(|rule| rule.name == "HighP95Latency");
    let before = before.expect("it is there");
    let changed = rule(
        r#"
        [rules.HighP95Latency]
        threshold = 0.5
        min_data = 50
        clears_at = 0.4
        for = "1m 30s"
        keep_firing_for = "10s"
        severity = "critical"
        labels = { team = "shop" }
        summary = "slow: {operation}"
        "#,
        "HighP95Latency",
    );
    let mut expected = before
        .threshold(0.5)
        .clears_at(0.4)
        .lasting(Duration::from_secs(90))
        .keep_firing_for(Duration::from_secs(10))
        .severity(Severity::Critical)
        .label("team", "shop")
        .summary("slow: {operation}");
    let Condition::Metric(condition) = &mut expected.condition else { panic!("it has none") };
    condition.metric.min_data = 50.0;
    assert_eq!(changed, expected);
    assert!(!rule("[rules.CircuitOpen]\nenabled = false", "CircuitOpen").is_enabled);
    assert!(rule("", "CircuitOpen").is_enabled, "an empty file changes nothing");
}

#[test]
fn a_rule_of_the_file_is_over_any_statistic() {
    let check = |fields: &str, query: &str| {
        let text = format!("[rules.New]\n{fields}");
        assert_eq!(rule(&text, "New").condition.to_string(), query, "{fields}");
    };
    check("metric = \"g\"\nabove = 5", "sum by () (g) > 5");
    check(
        "metric = \"g\"\nby = [\"a\"]\nwhere = { b = \"1\" }\nwhere_not = { c = \"2\" }\nreaching = 0x10",
        r#"sum by (a) (g{b="1", c!="2"}) >= 16"#,
    );
    check(
        "metric = \"c_total\"\nstatistic = \"rate\"\nbelow = 1e-1",
        "sum by () (rate(c_total[10s])) < 0.1",
    );
    check(
        "metric = \"d_seconds\"\nquantile = 0.9\nabove = 1",
        "histogram_quantile(0.9, sum by (le) (rate(d_seconds_bucket[5m]))) > 1",
    );
    check(
        "metric = \"c_total\"\nshare = { label = \"r\", part = [\"x\"], whole = [\"x\", \"y\"] }\nabove = 0.5",
        "sum by () (rate(c_total{r=\"x\"}[10s])) / (sum by () (rate(c_total{r=~\"x|y\"}[10s])) > 0) > 0.5",
    );
    check(
        "metric = \"m\"\ndivided_by = \"n\"\nabove = 0.9",
        "sum by () (m) / (sum by () (n) > 0) > 0.9",
    );
    check(
        "finding = \"queue_deep\"\ntopic = \"queue\"",
        "max by (topic, code, component, severity) \
         (node0_findings{topic=\"queue\", code=\"queue_deep\"}) > 0",
    );
}

/// Checks the only mistake of a file over the built-in rules.
#[track_caller]
fn check(text: &str, line: usize, field: &str, problem: &str) {
    let mistakes = apply_toml(&built_in(), text).expect_err("the file has a mistake");
    let [mistake] = &mistakes[..] else { panic!("one mistake: {mistakes:?}") };
    assert_eq!((mistake.line, mistake.field.as_str()), (line, field), "{mistake}");
    assert!(mistake.problem.contains(problem), "{mistake}");
}

/// Checks the mistake in a field of a rule that the file changes.
#[track_caller]
fn in_known(field: &str, value: &str, problem: &str) {
    let text = format!("# A comment.\n[rules.HighP95Latency]\n{field} = {value}\n");
    check(&text, 3, &format!("rules.HighP95Latency.{field}"), problem);
}

/// Checks the mistake in a field of a new rule.
#[track_caller]
fn in_new(fields: &str, line: usize, field: &str, problem: &str) {
    check(&format!("[rules.New]\n{fields}"), line, &format!("rules.New.{field}"), problem);
}

#[test]
fn a_value_of_another_type_is_named_with_what_to_write() {
    let wrong = |field: &str, values: &[&str], remedy: &str| {
        values.iter().for_each(|value| in_known(field, value, remedy));
    };
    let texts = ["group", "topic", "component", "summary", "description", "remedy", "runbook"];
    for field in texts {
        wrong(
            field,
            &["5", "true", "[\"a\"]", "{ a = 1 }", "1979-05-27"],
            "write a text in quotes",
        );
    }
    wrong("enabled", &["1", "\"yes\"", "[]"], "write true or false");
    for field in ["threshold", "clears_at", "min_data"] {
        wrong(field, &["\"1\"", "true", "[1]", "{ a = 1 }"], "write a number");
        wrong(field, &["nan", "inf", "-inf"], "is not a finite number: write one");
    }
    for field in ["for", "keep_firing_for"] {
        wrong(field, &["5", "1.5", "true", "[]"], "write a time as text, such as \"30s\"");
        wrong(field, &["\"soon\"", "\"5 parsecs\"", "\"\"", "\"-5s\""], "is no time (");
        wrong(field, &["\"8d\""], "is longer than a week: use a shorter time");
    }
    wrong("severity", &["5"], "write a text in quotes");
    wrong("severity", &["\"bad\"", "\"\""], "write \"warning\" or \"critical\"");
    wrong("labels", &["5", "[\"a\"]"], "write a table of texts");
    wrong("labels", &["{ \"a b\" = \"1\" }"], "has `a b`, which is no key of a label");
    wrong("labels", &["{ a = 1 }"], "has a value that is no text: write a table of texts");
    wrong("inhibited_by", &["\"CircuitOpen\"", "{ a = 1 }"], "write a list of texts");
    wrong("inhibited_by", &["[1]"], "has an entry that is no text: write a list of texts");
}

#[test]
fn a_value_that_cannot_work_is_named_with_what_to_write() {
    in_known("min_data", "-1", "is not a number from 0 on: write one");
    in_known("clears_at", "2.0", "choose a value on the other side");
    in_known("summary", "\"{pool} is slow\"", "has `{pool}`, which no alert has: use one of");
    in_known("remedy", "\"{\"", "has a `{` that is not closed");
    let cycle = "[rules.HighP95Latency]\ninhibited_by = [\"HighP95Latency\"]";
    check(cycle, 2, "rules.HighP95Latency.inhibited_by", "names the rule itself");
    let unknown = "\n[rules.HighP95Latency]\ninhibited_by = [\"Flood\"]";
    check(unknown, 2, "rules.HighP95Latency.inhibited_by", "names `Flood`, which is no rule");
}

#[test]
fn a_field_that_does_not_exist_is_named_with_those_that_do() {
    in_known("treshold", "1", "is no field here: use clears_at, component, description, enabled,");
    let outside = "[rule.HighP95Latency]\nthreshold = 1";
    check(outside, 1, "rule", "is no field here: use [rules.NAME] or [[silence]]");
    check("rules = 5", 1, "rules", "is no field here: use [rules.NAME] or [[silence]]");
    check("[rules]\nHighMemory = 5", 2, "rules.HighMemory", "is no rule: write [rules.NAME]");
    let finding = "[rules.PoolFailing]\nthreshold = 0.1";
    check(finding, 2, "rules.PoolFailing.threshold", "is a setting of the monitor");
}

#[test]
fn a_new_rule_needs_a_condition() {
    in_new("for = \"5m\"", 1, "metric", "is missing, and there is no rule with this name");
    in_new("metric = 5\nabove = 1", 2, "metric", "write a text in quotes");
    in_new("metric = \"\"\nabove = 1", 2, "metric", "is empty: name a metric");
    in_new("metric = \"g\"\nfinding = \"f\"", 3, "finding", "and `metric` exclude each other");
    in_new("finding = \"f\"", 1, "topic", "is missing: name the topic of the monitor");
    in_new("finding = 5", 2, "finding", "write a text in quotes");
    let severity = "finding = \"f\"\ntopic = \"t\"\nmin_severity = \"info\"";
    in_new(severity, 4, "min_severity", "write \"warning\" or \"critical\"");
    in_new("metric = \"g\"", 1, "above", "is missing, or given twice: write one of above");
    in_new("metric = \"g\"\nabove = 1\nbelow = 2", 4, "below", "write one of above");
    in_new("metric = \"g\"\nabove = \"1\"", 3, "above", "write a number");
    in_new("metric = \"g\"\nreaching = nan", 3, "reaching", "is not a finite number");
    in_new("metric = \"g\"\nabove = 1\nby = \"a\"", 4, "by", "write a list of texts");
    in_new("metric = \"g\"\nabove = 1\nwhere = \"a\"", 4, "where", "write a table of texts");
    in_new("metric = \"g\"\nabove = 1\nwhere_not = 1", 4, "where_not", "write a table of texts");
    check(
        "[rules.\"a b\"]\nmetric = \"g\"\nabove = 1",
        1,
        "rules.a b.name",
        "must begin with a letter",
    );
}

#[test]
fn a_statistic_that_cannot_work_is_named_with_what_to_write() {
    let check = |fields: &str, field: &str, problem: &str| {
        in_new(&format!("metric = \"g\"\nabove = 1\n{fields}"), 4, field, problem);
    };
    check("statistic = \"median\"", "statistic", "write \"value\" or \"rate\" or \"mean\"");
    check("statistic = 1", "statistic", "write a text in quotes");
    check("quantile = \"0.5\"", "quantile", "write a number");
    check("quantile = 95", "quantile", "is 95: choose one from 0 to 1");
    check("divided_by = 1", "divided_by", "write a text in quotes");
    check("share = \"hit\"", "share", "write a table, such as { label =");
    check(
        "share = { part = [\"a\"], whole = [\"a\"] }",
        "share.label",
        "is missing: name the label",
    );
    check("share = { label = 1, part = [\"a\"] }", "share.label", "write a text in quotes");
    check("share = { label = \"a\", part = [\"b\"] }", "share", "has no values");
    check("share = { label = \"a\", part = \"b\" }", "share.part", "write a list of texts");
    let odd = "share = { label = \"a\", part = [\"b\"], whole = [\"c\"] }";
    check(odd, "share", "has `b` in the part, but not in the whole");
    let unknown = "share = { label = \"a\", part = [\"b\"], whole = [\"b\"], of = 1 }";
    check(unknown, "share.of", "is no field here: use label, part, whole");
    let two = "quantile = 0.5\nstatistic = \"rate\"";
    in_new(
        &format!("metric = \"g\"\nabove = 1\n{two}"),
        4,
        "quantile",
        "is one statistic too many",
    );
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_line() {
    let broken = "[rules.HighMemory]\nthreshold = \n";
    let mistakes = apply_toml(&built_in(), broken).expect_err("it is no TOML");
    assert_eq!((mistakes[0].line, mistakes[0].field.as_str()), (2, ""));
    assert!(mistakes[0].problem.starts_with("this is no TOML: "), "{}", mistakes[0]);
    let twice = "[rules.HighMemory]\nthreshold = 1\nthreshold = 2\n";
    assert_eq!(apply_toml(&built_in(), twice).expect_err("a key is there twice")[0].line, 3);
}

#[test]
fn all_mistakes_are_told_at_once_with_the_file() {
    let (_folder, path) = file("[rules.HighMemory]\nfor = 5\n[rules.CircuitOpen]\nenabled = 1\n");
    let error = refusal(&path);
    let said = error.to_string();
    let lines: Vec<_> = said.split("; ").collect();
    let path = path.display();
    assert_eq!(lines.len(), 2, "{said}");
    let check = |place: &str| assert!(lines.iter().any(|line| line.starts_with(place)), "{said}");
    check(&format!("{path}:2: `rules.HighMemory.for` is an integer: write"));
    check(&format!("{path}:4: `rules.CircuitOpen.enabled` is an integer: write"));
}

/// Returns why alerts with this rules file cannot be set up.
fn refusal(path: &Path) -> AlertingError {
    let registered = Alerts::builder().rules_file(path).register(&Registry::new());
    registered.expect_err("the file cannot be used")
}

/// Writes a rules file into a folder that is removed with the guard.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.toml");
    fs::write(&path, text).expect("it can be written");
    (folder, path)
}

#[test]
fn a_reload_with_a_mistake_keeps_the_rules_and_says_so() {
    let (_folder, path) = file("[rules.HighLevel]\nthreshold = 5\n");
    let builder = Alerts::builder().rules([high()]).rules_file(&path);
    let mut house = House::with(builder);
    house.at(6.0);
    assert_eq!(house.state(), Some(Firing));

    fs::write(&path, "[rules.HighLevel]\nthreshold = \"high\"\n").expect("it can be written");
    let error = house.alerts.reload_file(&path).expect_err("it has a mistake");
    assert!(error.to_string().contains("rules.toml:2: `rules.HighLevel.threshold`"), "{error}");
    house.tick();
    assert_eq!(house.state(), Some(Firing), "5 is still the threshold");

    fs::write(&path, "").expect("it can be written");
    house.alerts.reload_file(&path).expect("it is good");
    house.tick();
    assert_eq!(house.state(), None, "the threshold is that of the code again");

    fs::remove_file(&path).expect("it is there");
    let error = house.alerts.reload_file(&path).expect_err("there is no file");
    assert!(error.to_string().ends_with("the rules file cannot be read"), "{error}");
}

#[test]
fn a_file_that_is_too_large_or_no_text_is_refused() {
    let (_folder, path) = file(&"#".repeat((1 << 20) + 1));
    let error = refusal(&path);
    assert!(error.to_string().contains("larger than 1 MiB"), "{error}");
    fs::write(&path, [0xff, 0xfe]).expect("it can be written");
    assert!(refusal(&path).to_string().ends_with("cannot be read"), "it is no text");
}

#[test]
fn mistakes_are_told_from_the_top_of_the_file() {
    let text = "[rules.Z]\nfor = 1\n[rules.A]\nfinding = 1\n[x]\n[rules.HighMemory]\nsummary = 1\nfor = 1\n";
    let mistakes = apply_toml(&built_in(), text).expect_err("it has mistakes");
    let lines: Vec<_> = mistakes.iter().map(|mistake| mistake.line).collect();
    assert!(lines.is_sorted() && lines.len() >= 4, "{lines:?}");
}

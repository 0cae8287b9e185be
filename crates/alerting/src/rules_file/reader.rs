//! The meaning of the fields: which rule they change or make.

use node0_metrics_core::Severity;
use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Mistakes};
use super::{Mistake, RulesFile, silences};
use crate::condition::{Comparison, Condition, Findings, Matcher, Metric, Statistic};
use crate::rule::{Rule, check_all};

const SEVERITIES: &[(&str, Severity)] =
    &[("warning", Severity::Warning), ("critical", Severity::Critical)];

/// The statistics that need no argument.
const WORDS: &[(&str, Plain)] = &[
    ("value", Plain::Value),
    ("rate", Plain::Rate),
    ("mean", Plain::Mean),
    ("share_of_hourly_mean", Plain::ShareOfHourlyMean),
];

#[derive(Clone, Copy)]
enum Plain {
    Value,
    Rate,
    Mean,
    ShareOfHourlyMean,
}

/// Applies the text of a file to rules.
pub(super) fn read(base: &[Rule], text: &str) -> Result<RulesFile, Vec<Mistake>> {
    let mut mistakes = Mistakes { text, found: Vec::new() };
    let mut read = RulesFile { rules: base.to_vec(), silences: Vec::new() };
    match DeTable::parse(text) {
        Ok(file) => apply(&mut read, file.get_ref(), &mut mistakes),
        Err(error) => {
            let line = mistakes.line(error.span().map_or(0, |span| span.start));
            let problem = format!("this is no TOML: {}", error.message());
            mistakes.add(line, String::new(), problem);
        }
    }
    // A table has its keys in the order of the alphabet, and people read from the top.
    mistakes.found.sort_by_key(|mistake| mistake.line);
    if mistakes.found.is_empty() { Ok(read) } else { Err(mistakes.found) }
}

fn apply<'t>(read: &mut RulesFile, file: &DeTable<'t>, mistakes: &mut Mistakes<'t>) {
    let (rules, mut lines) = (&mut read.rules, Vec::new());
    let mut silences = None;
    for (key, value) in file {
        let line = mistakes.line(key.span().start);
        let name = key.get_ref();
        match (&**name, value.get_ref()) {
            ("rules", DeValue::Table(tables)) => each_rule(rules, tables, &mut lines, mistakes),
            ("silence", DeValue::Array(tables)) => silences = Some(tables),
            ("silence", _) => {
                mistakes.add(line, name.to_string(), "is no list: use [[silence]]");
            }
            _ => {
                let problem = "is no field here: use [rules.NAME] or [[silence]]";
                mistakes.add(line, name.to_string(), problem);
            }
        }
    }
    if let Some(tables) = silences {
        read.silences = silences::read(rules, tables, mistakes);
    }
    // Each rule is good by itself; this finds rules that do not go together.
    if mistakes.found.is_empty()
        && let Err(error) = check_all(rules)
    {
        let line = lines.iter().find(|(name, _)| *name == error.rule).map_or(1, |(_, line)| *line);
        mistakes.add(line, format!("rules.{}.{}", error.rule, error.field), error.problem);
    }
}

/// Reads the table of each rule; adds the lines at which they begin.
fn each_rule<'t>(
    rules: &mut Vec<Rule>,
    tables: &DeTable<'t>,
    lines: &mut Vec<(String, usize)>,
    mistakes: &mut Mistakes<'t>,
) {
    for (key, value) in tables {
        let (name, line) = (key.get_ref(), mistakes.line(key.span().start));
        let path = format!("rules.{name}");
        lines.push((name.to_string(), line));
        let Some(table) = value.get_ref().as_table() else {
            mistakes.add(line, path, "is no rule: write [rules.NAME] and its fields below");
            continue;
        };
        let mut fields = Fields::new(path, line, table, mistakes);
        let known = rules.iter().position(|rule| rule.name == **name);
        let before = known.map(|at| rules[at].clone());
        // Which fields a rule has is known only once its condition is.
        let Some(rule) = one_rule(name, before, &mut fields) else { continue };
        fields.finish();
        match known {
            Some(at) => rules[at] = rule,
            None => rules.push(rule),
        }
    }
}

/// Changes a rule, or makes a new one; `None` after a mistake without which there is no rule.
fn one_rule(name: &str, before: Option<Rule>, fields: &mut Fields<'_, '_>) -> Option<Rule> {
    let is_new = before.is_none();
    let is_redefined = fields.has("metric") || fields.has("finding");
    let mut rule = match before {
        Some(rule) if !is_redefined => rule,
        before => {
            let condition = condition(fields)?;
            match before {
                Some(rule) => {
                    Rule { covers: condition.finding().or(rule.covers), condition, ..rule }
                }
                None => Rule::new(name.to_owned(), condition),
            }
        }
    };
    if !is_new && !is_redefined {
        change_threshold(&mut rule, fields);
    }
    change_texts(&mut rule, fields);
    if let Some(enabled) = fields.flag("enabled") {
        rule.is_enabled = enabled;
    }
    rule.lasting = fields.time("for").unwrap_or(rule.lasting);
    rule.keep_firing_for = fields.time("keep_firing_for").unwrap_or(rule.keep_firing_for);
    rule.severity = fields.word("severity", SEVERITIES).or(rule.severity);
    rule.labels = fields.pairs("labels").unwrap_or(rule.labels);
    rule.inhibited_by = fields.texts("inhibited_by").unwrap_or(rule.inhibited_by);
    if let Err(error) = rule.check() {
        fields.mistake(error.field, error.problem);
        return None;
    }
    Some(rule)
}

fn change_texts(rule: &mut Rule, fields: &mut Fields<'_, '_>) {
    let texts = [
        ("group", &mut rule.group),
        ("topic", &mut rule.topic),
        ("component", &mut rule.component),
        ("summary", &mut rule.summary),
        ("description", &mut rule.description),
        ("remedy", &mut rule.remedy),
        ("runbook", &mut rule.runbook),
    ];
    for (key, text) in texts {
        if let Some(new) = fields.text(key) {
            *text = new;
        }
    }
}

/// Changes the numbers of a rule that the code has.
fn change_threshold(rule: &mut Rule, fields: &mut Fields<'_, '_>) {
    match &mut rule.condition {
        Condition::Metric(condition) => {
            condition.threshold = fields.number("threshold").unwrap_or(condition.threshold);
            condition.clears_at = fields.number("clears_at").or(condition.clears_at);
            let min_data = fields.number("min_data");
            condition.metric.min_data = min_data.unwrap_or(condition.metric.min_data);
        }
        Condition::Finding(_) => {
            for key in ["threshold", "clears_at", "min_data"] {
                if fields.has(key) {
                    fields.mistake(
                        key,
                        "is a setting of the monitor that reports the finding: change it there",
                    );
                }
            }
        }
    }
}

/// Reads the condition of a new rule.
fn condition(fields: &mut Fields<'_, '_>) -> Option<Condition> {
    match (fields.has("metric"), fields.has("finding")) {
        (true, false) => of_metric(fields),
        (false, true) => Some(of_finding(fields)?.into()),
        (true, true) => {
            fields.mistake("finding", "and `metric` exclude each other: remove one of them");
            None
        }
        (false, false) => {
            fields.mistake("metric", "is missing, and there is no rule with this name to change: name a metric, or a `finding`");
            None
        }
    }
}

fn of_finding(fields: &mut Fields<'_, '_>) -> Option<Findings> {
    let code = fields.text("finding")?;
    let Some(topic) = fields.text("topic") else {
        fields
            .mistake("topic", "is missing: name the topic of the monitor that reports the finding");
        return None;
    };
    let mut findings = Findings::new(topic, code);
    findings.component = fields.text("component");
    findings.min_severity =
        fields.word("min_severity", SEVERITIES).unwrap_or(findings.min_severity);
    Some(findings)
}

fn of_metric(fields: &mut Fields<'_, '_>) -> Option<Condition> {
    let mut metric = Metric::new(fields.text("metric")?);
    let only = fields.pairs("where").unwrap_or_default();
    metric.matchers.extend(only.into_iter().map(|(key, value)| Matcher::is(key, value)));
    let except = fields.pairs("where_not").unwrap_or_default();
    metric.matchers.extend(except.into_iter().map(|(key, value)| Matcher::is_not(key, value)));
    metric.by = fields.texts("by").unwrap_or_default();
    metric.min_data = fields.number("min_data").unwrap_or_default();
    metric.statistic = statistic(fields)?;
    let comparisons = [
        ("above", Comparison::Above),
        ("reaching", Comparison::AtLeast),
        ("below", Comparison::Below),
    ];
    let given: Vec<_> = comparisons.into_iter().filter(|(key, _)| fields.has(key)).collect();
    let [(key, comparison)] = given[..] else {
        let problem = "is missing, or given twice: write one of above, reaching and below";
        fields.mistake(given.last().map_or("above", |(key, _)| key), problem);
        return None;
    };
    let Condition::Metric(mut threshold) = metric.compared(comparison, fields.number(key)?) else {
        return None;
    };
    threshold.clears_at = fields.number("clears_at");
    Some(Condition::Metric(threshold))
}

/// Reads the statistic, which one of four fields names; by default the value.
fn statistic(fields: &mut Fields<'_, '_>) -> Option<Statistic> {
    let keys = ["statistic", "quantile", "share", "divided_by"];
    let given: Vec<_> = keys.into_iter().filter(|key| fields.has(key)).collect();
    let key = match given[..] {
        [] => return Some(Statistic::Value),
        [key] => key,
        [.., last] => {
            let all = keys.join(", ");
            fields.mistake(last, format!("is one statistic too many: write one of {all}"));
            return None;
        }
    };
    match key {
        "statistic" => Some(match fields.word(key, WORDS)? {
            Plain::Value => Statistic::Value,
            Plain::Rate => Statistic::Rate,
            Plain::Mean => Statistic::Mean,
            Plain::ShareOfHourlyMean => Statistic::ShareOfHourlyMean,
        }),
        "quantile" => fields.number(key).map(Statistic::Quantile),
        "divided_by" => fields.text(key).map(Statistic::DividedBy),
        _ => {
            let form = "a table, such as { label = \"result\", part = [\"hit\"], whole = [\"hit\", \"miss\"] }";
            fields.table(key, form, |inner| {
                let label = inner.text("label");
                if !inner.has("label") {
                    inner.mistake("label", "is missing: name the label that tells the parts apart");
                }
                let [part, whole] = ["part", "whole"].map(|key| match inner.has(key) {
                    true => inner.texts(key),
                    // The check of the rule says that it needs some.
                    false => Some(Vec::new()),
                });
                Some(Statistic::Share { label: label?, part: part?, whole: whole? })
            })?
        }
    }
}

//! The silences of a rules file.

use toml::de::DeArray;

use super::fields::{Fields, Mistakes};
use crate::condition::Matcher;
use crate::rule::{LABEL_RULE, Rule, is_label_key};
use crate::silence::{PlannedSilence, SilenceEnd};

/// The most silences of a file.
const MAX_SILENCES: usize = 1000;

/// Reads each table of `[[silence]]`; `rules` are those that they can be about.
pub(super) fn read<'t>(
    rules: &[Rule],
    tables: &DeArray<'t>,
    mistakes: &mut Mistakes<'t>,
) -> Vec<PlannedSilence> {
    let mut silences = Vec::new();
    for (at, value) in tables.iter().enumerate() {
        let (path, line) = ("silence".to_owned(), mistakes.line(value.span().start));
        let Some(table) = value.get_ref().as_table() else {
            mistakes.add(line, path, "is no silence: write [[silence]] and its fields below");
            continue;
        };
        if at == MAX_SILENCES {
            let problem = format!("is one of more than {MAX_SILENCES}: remove those that ended");
            mistakes.add(line, path, problem);
            break;
        }
        let mut fields = Fields::new(path, line, table, mistakes);
        silences.extend(one(rules, &mut fields));
        fields.finish();
    }
    silences
}

fn one(rules: &[Rule], fields: &mut Fields<'_, '_>) -> Option<PlannedSilence> {
    let mut matchers = Vec::new();
    for key in ["where", "where_not"] {
        let Some(pairs) = fields.pairs(key) else { continue };
        if pairs.is_empty() {
            let problem = "names no label, which would silence everything: name one, such as { \
                           severity = \"warning\" }";
            fields.mistake(key, problem);
        }
        for (label, value) in pairs {
            check(rules, fields, key, &label, &value);
            matchers.push(match key {
                "where" => Matcher::is(label, value),
                _ => Matcher::is_not(label, value),
            });
        }
    }
    if !fields.has("where") && !fields.has("where_not") {
        let problem =
            "is missing: name the labels of the alerts, such as { circuit = \"payments\" }";
        fields.mistake("where", problem);
    }
    let (until, time) = (fields.moment("until"), fields.time("for"));
    let reason = fields.text("comment").unwrap_or_default().into_owned();
    let end = match (fields.has("until"), fields.has("for")) {
        (true, false) => SilenceEnd::At(until?),
        (false, true) => SilenceEnd::After(time?),
        (true, true) => {
            fields.mistake("for", "and `until` exclude each other: remove one of them");
            return None;
        }
        (false, false) => {
            let problem = "is missing: write when it ends, such as \"2027-01-04T08:00:00Z\", or \
                           `for` with a time, such as \"2h\"";
            fields.mistake("until", problem);
            return None;
        }
    };
    Some(PlannedSilence { matchers, end, reason })
}

/// Finds a condition that no alert can meet.
fn check(rules: &[Rule], fields: &mut Fields<'_, '_>, key: &str, label: &str, value: &str) {
    if !is_label_key(label) {
        fields.mistake(key, format!("has `{label}`, {LABEL_RULE}"));
    }
    if label == "severity" && !["warning", "critical"].contains(&value) {
        fields.mistake(
            key,
            format!("has the severity \"{value}\": write \"warning\" or \"critical\""),
        );
    }
    if label == "alertname" && !rules.iter().any(|rule| rule.name == value) {
        let known: Vec<_> = rules.iter().map(|rule| &*rule.name).collect();
        fields.mistake(key, format!("has `{value}`, which is no rule: {}", known.join(", ")));
    }
}

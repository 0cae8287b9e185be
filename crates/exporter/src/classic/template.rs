//! The templates of classic names and help texts.
//!
//! A template is text with placeholders such as `{operation}`, each of which stands for
//! the value of that label. A name allows fewer characters than a help text, so the two
//! are filled differently.

use std::borrow::Cow;

/// A part of a template: plain text, or the label of a placeholder.
enum Part<'a> {
    Text(&'a str),
    Label(&'a str),
}

fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    template.split('{').enumerate().flat_map(|(at, text)| match text.split_once('}') {
        Some((label, rest)) if at > 0 => [Part::Label(label), Part::Text(rest)],
        None if at > 0 => [Part::Text("{"), Part::Text(text)],
        _ => [Part::Text(""), Part::Text(text)],
    })
}

/// Returns `true` if the template has a placeholder for the label.
pub(super) fn has_place(template: &str, label: &str) -> bool {
    parts(template).any(|part| matches!(part, Part::Label(place) if place == label))
}

/// Fills the template with the labels' values; a placeholder without a label stays as it is.
pub(super) fn filled(template: &str, labels: &[(&str, &str)]) -> String {
    let part = |part| match part {
        Part::Text(text) => Cow::Borrowed(text),
        Part::Label(place) => {
            value(labels, place).map_or_else(|| format!("{{{place}}}").into(), Cow::Borrowed)
        }
    };
    parts(template).map(part).collect()
}

/// Fills the template as a metric's name; `None` if a label is missing or the name is empty.
///
/// Each character that is not allowed in a name becomes `_`.
pub(super) fn name(template: &str, labels: &[(&str, &str)]) -> Option<String> {
    let part = |part| match part {
        Part::Text(text) => Some(text),
        Part::Label(place) => value(labels, place),
    };
    let filled = parts(template).map(part).collect::<Option<String>>()?;
    let sane = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let mut name: String = filled.chars().map(sane).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    (!name.is_empty()).then_some(name)
}

fn value<'a>(labels: &[(&str, &'a str)], key: &str) -> Option<&'a str> {
    labels.iter().find_map(|(have, value)| (*have == key).then_some(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &[(&str, &str)] = &[("operation", "api:requête"), ("tier", "1")];

    #[test]
    fn a_name_takes_sanitised_values_and_a_help_takes_them_as_they_are() {
        let of = |template| name(template, LABELS);
        assert_eq!(of("latency_ms_{operation}").as_deref(), Some("latency_ms_api_requ_te"));
        assert_eq!(of("{tier}_{operation}_x").as_deref(), Some("_1_api_requ_te_x"));
        assert_eq!(of("a b").as_deref(), Some("a_b"));
        assert_eq!(filled("Of {operation}, {tier}.", LABELS), "Of api:requête, 1.");
    }

    #[test]
    fn a_place_without_a_label_makes_no_name() {
        assert_eq!(name("x_{pool}", LABELS), None);
        assert_eq!(name("", LABELS), None);
        assert_eq!(filled("Of {pool}.", LABELS), "Of {pool}.");
    }

    #[test]
    fn lone_braces_are_text() {
        assert_eq!(filled("a { b } c {tier", LABELS), "a { b } c {tier");
        assert!(has_place("x_{tier}", "tier") && !has_place("x_{tier}", "operation"));
    }
}

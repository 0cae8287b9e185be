//! Texts with placeholders in braces, and numbers as people write them.

use node0_metrics_core::Unit;

/// Replaces each `{name}` by what `of` returns for the name; an unknown one stays as it is.
///
/// ```text
/// render("{queue} holds {value} jobs", …) = "mail holds 120 jobs"
/// ```
pub(crate) fn render<'v>(
    template: &str,
    of: impl Fn(&str) -> Option<std::borrow::Cow<'v, str>>,
) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, name, after)) = next_placeholder(rest) {
        text.push_str(before);
        match of(name) {
            Some(value) => text.push_str(&value),
            None => text.push_str(&rest[before.len()..rest.len() - after.len()]),
        }
        rest = after;
    }
    text + rest
}

/// Returns what is wrong with a text's placeholders, and what to do.
pub(crate) fn broken(template: &str, known: &[&str]) -> Option<String> {
    let mut rest = template;
    while let Some((_, name, after)) = next_placeholder(rest) {
        if !known.contains(&name) {
            let known = known.join("}, {");
            return Some(format!("has `{{{name}}}`, which no alert has: use one of {{{known}}}"));
        }
        rest = after;
    }
    rest.contains('{').then(|| "has a `{` that is not closed: close it, or leave it out".into())
}

/// Splits a text at its first placeholder: the text before it, its name, the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, inside) = text.split_once('{')?;
    let (name, after) = inside.split_once('}')?;
    Some((before, name, after))
}

/// Writes a number with its unit: `1.25 s`, `63.2 %`, `120 MiB`.
pub(crate) fn number(value: f64, unit: Unit) -> String {
    const MEBIBYTE: f64 = (1 << 20) as f64;
    match unit {
        Unit::Seconds if value.abs() < 1.0 => format!("{} ms", short(value * 1e3)),
        Unit::Seconds => format!("{} s", short(value)),
        Unit::Bytes if value.abs() >= MEBIBYTE => format!("{} MiB", short(value / MEBIBYTE)),
        Unit::Bytes => format!("{} bytes", short(value)),
        Unit::Ratio => format!("{} %", short(value * 100.0)),
        _ => short(value),
    }
}

/// Writes a number with at most two decimals, and without zeros at the end.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_and_unknown_ones_stay() {
        let of = |name: &str| (name == "a").then(|| "1".into());
        let check = |template, expected| assert_eq!(render(template, of), expected);
        check("", "");
        check("plain", "plain");
        check("{a}", "1");
        check("x {a} y {a}", "x 1 y 1");
        check("{b}{a}", "{b}1");
        check("{a", "{a");
    }

    #[test]
    fn wrong_placeholders_are_named_with_those_that_exist() {
        let check = |template, expected: Option<&str>| {
            assert_eq!(broken(template, &["a", "b"]).as_deref(), expected);
        };
        check("x {a} y {b}", None);
        check("{c}", Some("has `{c}`, which no alert has: use one of {a}, {b}"));
        check("{a} {", Some("has a `{` that is not closed: close it, or leave it out"));
    }

    #[test]
    fn numbers_are_as_people_write_them() {
        let check = |value, unit, expected| assert_eq!(number(value, unit), expected);
        check(0.1234, Unit::Seconds, "123.4 ms");
        check(1.25, Unit::Seconds, "1.25 s");
        check(0.632, Unit::Ratio, "63.2 %");
        check(1_258_291.2, Unit::Bytes, "1.2 MiB");
        check(512.0, Unit::Bytes, "512 bytes");
        check(6.0, Unit::None, "6");
        check(-0.001, Unit::None, "0");
    }
}

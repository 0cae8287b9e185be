//! The families of a text page that another exporter wrote.
//!
//! A scraper rejects a whole page for one bad line, and node0's families are on the
//! same page. So each line is parsed and written again, and a family with a line that
//! does not parse is skipped.

use std::collections::HashSet;

/// A family of a page.
#[derive(Debug)]
pub(crate) struct Family<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    /// The help text, escaped as on the page.
    pub(crate) help: Option<&'a str>,
    pub(crate) samples: Vec<Sample<'a>>,
    /// `true` if the name is valid, every line was parsed and no line is there twice.
    pub(crate) is_sound: bool,
    /// The names and labels of its lines.
    lines: HashSet<&'a str>,
}

/// A line of a family.
#[derive(Debug)]
pub(crate) struct Sample<'a> {
    /// The part of its name after the family's name.
    pub(crate) suffix: &'static str,
    /// The keys and values, escaped as on the page.
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    pub(crate) value: &'a str,
}

/// The types of families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Untyped,
}

impl Kind {
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "summary" => Self::Summary,
            "untyped" | "unknown" => Self::Untyped,
            _ => return None,
        })
    }

    /// Returns the suffixes that names of its samples have after the family's name.
    pub(crate) fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Histogram => &["_bucket", "_sum", "_count"],
            Self::Summary => &["", "_sum", "_count"],
            Self::Counter | Self::Gauge | Self::Untyped => &[""],
        }
    }
}

/// Parses a page line by line into families.
pub(crate) fn families(page: &str) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    let mut help = None;
    for line in page.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = Some(rest.split_once(' ').unwrap_or((rest, "")));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, word) = rest.split_once(' ').unwrap_or((rest, ""));
            let kind = Kind::of(word.trim());
            let mut family = Family::new(name, kind.unwrap_or(Kind::Untyped), help.take());
            family.is_sound &= kind.is_some();
            families.push(family);
        } else if !line.starts_with('#') {
            add(&mut families, line, &mut help);
        }
    }
    families
}

/// Adds a line to the family above it, or to a new family.
fn add<'a>(families: &mut Vec<Family<'a>>, line: &'a str, help: &mut Option<(&'a str, &'a str)>) {
    let Some(line) = parsed(line) else {
        // A line that does not parse most likely belongs to the family above it.
        match families.last_mut() {
            Some(family) => family.is_sound = false,
            None => families.push(Family::new("", Kind::Untyped, None)),
        }
        return;
    };
    if families.last_mut().is_some_and(|family| family.take(&line)) {
        return;
    }
    let mut family = Family::new(line.name, Kind::Untyped, help.take());
    family.take(&line);
    families.push(family);
}

impl<'a> Family<'a> {
    fn new(name: &'a str, kind: Kind, help: Option<(&'a str, &'a str)>) -> Self {
        let help = help.filter(|(of, _)| *of == name).map(|(_, text)| text);
        let is_sound = is_name(name);
        Self { name, kind, help, samples: Vec::new(), is_sound, lines: HashSet::new() }
    }

    /// Adds a line, if it belongs to the family.
    fn take(&mut self, line: &Line<'a>) -> bool {
        let Some(suffix) = self.suffix_of(line) else { return false };
        self.is_sound &= self.lines.insert(line.series);
        self.samples.push(Sample { suffix, labels: line.labels.clone(), value: line.value });
        true
    }

    fn suffix_of(&self, line: &Line<'_>) -> Option<&'static str> {
        let rest = line.name.strip_prefix(self.name)?;
        let has = |wanted: &str| line.labels.iter().any(|(key, _)| *key == wanted);
        let suffixes = self.kind.suffixes();
        let is_part = matches!(self.kind, Kind::Histogram | Kind::Summary);
        if !rest.is_empty() || !is_part || has("quantile") {
            return suffixes.iter().find(|suffix| **suffix == rest).copied();
        }
        // `metrics-exporter-prometheus` omits a suffix if the name already ends in it.
        let bare = |suffix: &&&str| {
            let ending = suffix.trim_start_matches('_');
            !ending.is_empty() && self.name.ends_with(ending)
        };
        suffixes.iter().find(bare).copied()
    }
}

/// A parsed line with a sample.
struct Line<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    value: &'a str,
    /// The name with the labels, as text.
    series: &'a str,
}

fn parsed(line: &str) -> Option<Line<'_>> {
    let (name, rest) = line.split_at(line.find(['{', ' ', '\t'])?);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let series = line[..line.len() - rest.len()].trim_end();
    // A timestamp is refused: its unit differs between the formats, and the exporter writes none.
    let mut words = rest.split_ascii_whitespace();
    let value = words.next().filter(|value| value.parse::<f64>().is_ok())?;
    let is_whole = is_name(name) && words.next().is_none();
    is_whole.then_some(Line { name, labels, value, series })
}

/// Returns the labels up to the closing brace, and the rest of the line.
fn labels(mut rest: &str) -> Option<(Vec<(&str, &str)>, &str)> {
    let mut labels: Vec<(&str, &str)> = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (key, after) = rest.split_once('=')?;
        let (key, after) = (key.trim(), after.trim_start().strip_prefix('"')?);
        let end = closing_quote(after)?;
        if !is_name(key) || key.contains(':') || labels.iter().any(|(known, _)| *known == key) {
            return None;
        }
        labels.push((key, &after[..end]));
        rest = after[end + 1..].trim_start();
        rest = match rest.strip_prefix(',') {
            Some(rest) => rest,
            None if rest.starts_with('}') => rest,
            None => return None,
        };
    }
}

/// Returns the position of the quote that ends a value; `None` if an escape is unknown.
fn closing_quote(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at),
            b'\\' => matches!(bytes.next()?.1, b'\\' | b'"' | b'n').then_some(())?,
            _ => {}
        }
    }
    None
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || b"_:".contains(&first))
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected kind, help and number of samples; `None` for a family that must be skipped.
    type Seen<'a> = Option<(Kind, Option<&'a str>, usize)>;

    fn check(page: &str, expected: &[(&str, Seen<'_>)]) {
        let found: Vec<_> = families(page)
            .into_iter()
            .map(|family| {
                let seen = (family.kind, family.help, family.samples.len());
                (family.name, family.is_sound.then_some(seen))
            })
            .collect();
        assert_eq!(found, expected, "{page}");
    }

    #[test]
    fn a_family_is_its_head_and_the_lines_below() {
        check(
            "# HELP a Of \\n \"a\".\n# TYPE a counter\na 1\na{x=\"}, \\\"\"} 2\n\n# TYPE b gauge\nb NaN\n",
            &[
                ("a", Some((Kind::Counter, Some("Of \\n \"a\"."), 2))),
                ("b", Some((Kind::Gauge, None, 1))),
            ],
        );
    }

    #[test]
    fn lines_of_no_family_are_untyped_ones() {
        check(
            "a 1\n# comment\n# TYPE b counter\nb 1\nbc 2\nbc{x=\"1\"} 3\n",
            &[
                ("a", Some((Kind::Untyped, None, 1))),
                ("b", Some((Kind::Counter, None, 1))),
                ("bc", Some((Kind::Untyped, None, 2))),
            ],
        );
    }

    #[test]
    fn a_line_that_cannot_be_read_spoils_its_family_only() {
        for bad in [
            "a{x=\"1} 2",
            "a{x=\"\\x\"} 2",
            "a{x=\"1\",x=\"2\"} 2",
            "a{x=\"1\" y=\"2\"} 3",
            "a{1=\"1\"} 2",
            "a one",
            "a 1 2",
            "a",
            "a{x=\"1\"} 1\na{x=\"1\"} 2",
        ] {
            let page = format!("# TYPE a gauge\n{bad}\n# TYPE b gauge\nb 1\n");
            check(&page, &[("a", None), ("b", Some((Kind::Gauge, None, 1)))]);
        }
        check("# TYPE a stateset\na 1\n", &[("a", None)]);
        check("{x 1\n", &[("", None)]);
    }

    #[test]
    fn a_part_whose_suffix_the_exporter_left_out_is_known_by_the_name() {
        let page =
            "# TYPE discount summary\ndiscount{quantile=\"0.5\"} 1\ndiscount_sum 2\ndiscount 3\n";
        let family = &families(page)[0];
        let suffixes: Vec<_> = family.samples.iter().map(|sample| sample.suffix).collect();
        assert_eq!(suffixes, ["", "_sum", "_count"]);
    }
}

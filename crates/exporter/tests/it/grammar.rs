//! A strict parser of the text format 0.0.4.
//!
//! It accepts less than a scraper does: each family has a help and a type, in
//! that order, then its samples and nothing else; no name, series or family
//! occurs twice; histograms add up.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
    pub(crate) timestamp: Option<i64>,
}

/// Parses a page; the error describes its first fault.
pub(crate) fn parse(page: &str) -> Result<BTreeMap<String, Family>, String> {
    let mut families = BTreeMap::<String, Family>::new();
    let mut series = BTreeSet::new();
    let mut current = String::new();
    let lines = match page.strip_suffix('\n') {
        Some(lines) => lines.split('\n').collect(),
        None if page.is_empty() => Vec::new(),
        None => return Err("the last line has no end".into()),
    };
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, family) = head(help, lines.next().unwrap_or_default())?;
            if lines.peek().is_none_or(|line| line.starts_with('#')) {
                return Err(format!("{name} has no samples"));
            }
            if families.insert(name.to_owned(), family).is_some() {
                return Err(format!("{name} comes twice"));
            }
            current = name.to_owned();
            continue;
        }
        let sample = sample(line).map_err(|wrong| format!("{wrong}: {line:?}"))?;
        let family = families.get_mut(&current).ok_or("a sample before the first head")?;
        let suffixes: &[&str] = match &*family.kind {
            "counter" | "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            "summary" => &["", "_sum", "_count"],
            other => return Err(format!("no such type: {other}")),
        };
        if !sample.name.strip_prefix(&*current).is_some_and(|rest| suffixes.contains(&rest)) {
            return Err(format!("{} is no sample of {current}", sample.name));
        }
        if !series.insert((sample.name.clone(), sample.labels.clone())) {
            return Err(format!("a series twice: {line:?}"));
        }
        family.samples.push(sample);
    }
    for (name, family) in &families {
        if family.kind == "histogram" {
            adds_up(name, family)?;
        }
    }
    Ok(families)
}

/// Parses the text after `# HELP ` and the next line, which states the type.
fn head<'a>(help: &'a str, type_line: &str) -> Result<(&'a str, Family), String> {
    let (name, help) = help.split_once(' ').ok_or("a help without text")?;
    is_name(name)?;
    let kind = type_line.strip_prefix("# TYPE ").and_then(|rest| rest.strip_prefix(name));
    let kind = kind.and_then(|rest| rest.strip_prefix(' '));
    let kind = kind.ok_or_else(|| format!("no type after the help of {name}"))?.to_owned();
    Ok((name, Family { kind, help: unescaped(help, "\\n")?, samples: Vec::new() }))
}

/// Checks that bounds ascend, that counts do not fall, and that the infinite bucket's count
/// is the histogram's.
fn adds_up(name: &str, family: &Family) -> Result<(), String> {
    let mut buckets = BTreeMap::<_, Vec<(f64, f64)>>::new();
    let mut counts = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le");
        match (bound, sample.name.strip_prefix(name)) {
            (Some(bound), Some("_bucket")) => {
                let bound = number(&bound)?;
                buckets.entry(labels).or_default().push((bound, sample.value));
            }
            (None, Some("_count")) => drop(counts.insert(labels, sample.value)),
            (None, Some("_sum")) => {}
            other => return Err(format!("{other:?} in the histogram {name}")),
        }
    }
    for (labels, buckets) in &buckets {
        let rising = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let last = buckets.last().copied();
        if !rising || last != counts.get(labels).map(|count| (f64::INFINITY, *count)) {
            return Err(format!("{name}{labels:?} does not add up: {buckets:?}"));
        }
    }
    if buckets.len() == counts.len() { Ok(()) } else { Err(format!("{name} lacks buckets")) }
}

fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("neither labels nor a value")?;
    let (name, rest) = line.split_at(end);
    is_name(name)?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let mut numbers = rest.strip_prefix(' ').ok_or("no space before the value")?.split(' ');
    let value = number(numbers.next().unwrap_or_default())?;
    let timestamp = numbers.next().map(str::parse).transpose();
    let timestamp = timestamp.map_err(|_| "no timestamp in milliseconds")?;
    match numbers.next() {
        Some(_) => Err("more than value and timestamp".into()),
        None => Ok(Sample { name: name.to_owned(), labels, value, timestamp }),
    }
}

/// Parses `key="value",…}`; returns the labels and the rest of the line.
fn labels(mut rest: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    loop {
        let (key, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        if key.contains(':') {
            return Err(format!("not a label: {key:?}"));
        }
        is_name(key)?;
        let end = closing_quote(after).ok_or("no closing quote")?;
        let value = unescaped(&after[..end], "\\n\"")?;
        if labels.insert(key.to_owned(), value).is_some() {
            return Err(format!("{key} twice in one series"));
        }
        rest = &after[end + 1..];
        match rest.split_at_checked(1) {
            Some((",", next)) => rest = next,
            Some(("}", next)) => return Ok((labels, next)),
            _ => return Err("neither `,` nor `}` after a label".into()),
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn unescaped(text: &str, escapes: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let read = match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => '\n',
                Some(c) if escapes.contains(c) => c,
                other => return Err(format!("no such escape: {other:?}")),
            },
            ('"', _) if escapes.contains('"') => return Err("a bare quote".into()),
            (c, _) => c,
        };
        out.push(read);
    }
    Ok(out)
}

fn number(text: &str) -> Result<f64, String> {
    match text {
        "NaN" => Ok(f64::NAN),
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        _ if text.ends_with(|last: char| last.is_ascii_digit()) => {
            text.parse().map_err(|_| format!("not a number: {text:?}"))
        }
        _ => Err(format!("not a number: {text:?}")),
    }
}

fn is_name(text: &str) -> Result<(), String> {
    let sane = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let starts = text.starts_with(|c: char| !c.is_ascii_digit());
    if starts && text.chars().all(sane) { Ok(()) } else { Err(format!("not a name: {text:?}")) }
}

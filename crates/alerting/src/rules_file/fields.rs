//! The fields of a table, read by their types, with the mistakes that are found.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use node0_metrics_core::Timestamp;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Mistake;
use crate::condition::Text;

/// The mistakes of a file, with what is needed to find their lines.
#[derive(Debug)]
pub(super) struct Mistakes<'t> {
    pub(super) text: &'t str,
    pub(super) found: Vec<Mistake>,
}

/// A table of the file, and the keys that were asked for.
#[derive(Debug)]
pub(super) struct Fields<'f, 't> {
    /// The path of the table, such as `rules.HighP95Latency`.
    path: String,
    line: usize,
    table: &'f DeTable<'t>,
    mistakes: &'f mut Mistakes<'t>,
    asked: BTreeSet<&'static str>,
}

impl Mistakes<'_> {
    pub(super) fn add(&mut self, line: usize, field: String, problem: impl Into<String>) {
        self.found.push(Mistake { line, field, problem: problem.into() });
    }

    /// Returns the line of a byte of the file, from 1 on.
    pub(super) fn line(&self, byte: usize) -> usize {
        self.text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
    }
}

impl<'f, 't> Fields<'f, 't> {
    pub(super) fn new(
        path: String,
        line: usize,
        table: &'f DeTable<'t>,
        mistakes: &'f mut Mistakes<'t>,
    ) -> Self {
        Self { path, line, table, mistakes, asked: BTreeSet::new() }
    }

    /// Returns `true` if the table has the key; the key counts as known from then on.
    pub(super) fn has(&mut self, key: &'static str) -> bool {
        self.asked.insert(key);
        self.table.contains_key(key)
    }

    fn get(&mut self, key: &'static str) -> Option<&'f Spanned<DeValue<'t>>> {
        self.asked.insert(key);
        self.table.get(key)
    }

    /// Adds a mistake about a key, at its line or at that of the table.
    pub(super) fn mistake(&mut self, key: &str, problem: impl Into<String>) {
        let line = self.table.get(key).map(|value| self.mistakes.line(value.span().start));
        let field = format!("{}.{key}", self.path);
        self.mistakes.add(line.unwrap_or(self.line), field, problem);
    }

    /// Adds a mistake about a value of another type.
    fn wrong_type<T>(&mut self, key: &str, value: &DeValue<'_>, wanted: &str) -> Option<T> {
        let kind = value.type_str();
        let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
        self.mistake(key, format!("is {article} {kind}: write {wanted}"));
        None
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<Text> {
        let value = self.get(key)?.get_ref();
        match value.as_str() {
            Some(text) => Some(text.to_owned().into()),
            None => self.wrong_type(key, value, "a text in quotes"),
        }
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?.get_ref();
        value.as_bool().or_else(|| self.wrong_type(key, value, "true or false"))
    }

    pub(super) fn number(&mut self, key: &'static str) -> Option<f64> {
        let value = self.get(key)?.get_ref();
        let number = match value {
            DeValue::Integer(integer) => {
                let digits = integer.as_str();
                i64::from_str_radix(digits, integer.radix()).ok().map(|integer| integer as f64)
            }
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => return self.wrong_type(key, value, "a number"),
        };
        match number.filter(|number: &f64| number.is_finite()) {
            Some(number) => Some(number),
            None => {
                self.mistake(key, "is not a finite number: write one");
                None
            }
        }
    }

    pub(super) fn time(&mut self, key: &'static str) -> Option<Duration> {
        const FORM: &str = "a time as text, such as \"30s\", \"5m\" or \"1h\"";
        let value = self.get(key)?.get_ref();
        let Some(text) = value.as_str() else { return self.wrong_type(key, value, FORM) };
        match humantime::parse_duration(text) {
            Ok(time) => Some(time),
            Err(error) => {
                self.mistake(key, format!("is no time ({error}): write {FORM}"));
                None
            }
        }
    }

    /// Returns a wall time, which is written as a date of TOML or as text.
    pub(super) fn moment(&mut self, key: &'static str) -> Option<Timestamp> {
        const FORM: &str = "a time with its zone, such as \"2027-01-04T08:00:00Z\"";
        let value = self.get(key)?.get_ref();
        let timestamp = match value {
            DeValue::Datetime(moment) => timestamp(&moment.to_string()),
            DeValue::String(text) => timestamp(text),
            _ => return self.wrong_type(key, value, FORM),
        };
        if timestamp.is_none() {
            self.mistake(key, format!("is no time of which the zone is known: write {FORM}"));
        }
        timestamp
    }

    /// Returns the value that belongs to the word of a field.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let allowed: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.mistake(key, format!("is \"{text}\": write {}", allowed.join(" or ")));
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<Text>> {
        const FORM: &str = "a list of texts, such as [\"pool\"]";
        let value = self.get(key)?.get_ref();
        let Some(list) = value.as_array() else { return self.wrong_type(key, value, FORM) };
        let texts = list.iter().map(|one| one.get_ref().as_str());
        match texts.map(|text| text.map(|text| text.to_owned().into())).collect() {
            Some(texts) => Some(texts),
            None => {
                self.mistake(key, format!("has an entry that is no text: write {FORM}"));
                None
            }
        }
    }

    /// Returns the pairs of a table of texts.
    pub(super) fn pairs(&mut self, key: &'static str) -> Option<Vec<(Text, Text)>> {
        const FORM: &str = "a table of texts, such as { region = \"eu\" }";
        let value = self.get(key)?.get_ref();
        let Some(table) = value.as_table() else { return self.wrong_type(key, value, FORM) };
        let pairs = table.iter().map(|(name, one)| {
            let text = one.get_ref().as_str()?;
            Some((name.get_ref().to_string().into(), text.to_owned().into()))
        });
        match pairs.collect() {
            Some(pairs) => Some(pairs),
            None => {
                self.mistake(key, format!("has a value that is no text: write {FORM}"));
                None
            }
        }
    }

    /// Reads the table of a key with its own fields.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        form: &str,
        read: impl FnOnce(&mut Fields<'_, 't>) -> T,
    ) -> Option<T> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type(key, value.get_ref(), form);
        };
        let line = self.mistakes.line(value.span().start);
        let path = format!("{}.{key}", self.path);
        let mut inner = Fields::new(path, line, table, self.mistakes);
        let result = read(&mut inner);
        inner.finish();
        Some(result)
    }

    /// Adds a mistake for each key that nobody asked for.
    pub(super) fn finish(self) {
        let known = self.asked.iter().copied().collect::<Vec<_>>().join(", ");
        for key in self.table.keys().filter(|key| !self.asked.contains(&**key.get_ref())) {
            let line = self.mistakes.line(key.span().start);
            let field = format!("{}.{}", self.path, key.get_ref());
            self.mistakes.add(line, field, format!("is no field here: use {known}"));
        }
    }
}

/// Reads a wall time of RFC 3339, not before 1970; `humantime` knows no zone but UTC.
fn timestamp(text: &str) -> Option<Timestamp> {
    let (local, east) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, 0),
        None => {
            let (local, zone) = text.split_at_checked(text.len().checked_sub("+01:00".len())?)?;
            (local, minutes(zone)?)
        }
    };
    let local = humantime::parse_rfc3339_weak(&local.replace('t', "T")).ok()?;
    let local = i64::try_from(local.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
    let millis = local.checked_sub(east * 60_000)?;
    Some(Timestamp::from_millis(millis.try_into().ok()?))
}

/// Reads how far a zone is east of Greenwich, such as `+01:00`.
fn minutes(zone: &str) -> Option<i64> {
    let (sign, zone) = zone.split_at_checked(1)?;
    let (hours, minutes) = zone.split_once(':')?;
    let is_number = |text: &&str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    let [hours, minutes] = [hours, minutes].map(|text| Some(text).filter(is_number));
    let minutes = hours?.parse::<i64>().ok()? * 60 + minutes?.parse::<i64>().ok()?;
    match sign {
        "+" => Some(minutes),
        "-" => Some(-minutes),
        _ => None,
    }
}

//! The counts of all readers.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::plan::Plan;
use crate::report::{Latency, Report};

/// The counts of all readers.
#[derive(Debug)]
pub(crate) struct Tally {
    readers: Vec<Reader>,
    groups: Vec<Group>,
    report: Report,
    millis: Vec<f32>,
    is_counting: bool,
    buffer: Box<[u8]>,
}

/// The state of one reader.
#[derive(Debug, Default, Clone)]
struct Reader {
    group: usize,
    has_started: bool,
    /// The `seq` of the last message that had one.
    last: Option<u64>,
    /// That of the last update or snapshot, which comes after the alerts and findings of its pass.
    numbers: Option<u64>,
    /// The first and the last update that count, and their number.
    first_update: Option<u64>,
    last_update: u64,
    updates: u64,
    /// Its first update may have more than that of others, for which not all is new.
    has_update: bool,
}

impl Reader {
    /// Notes a message of a pass; returns `false` if it should have come earlier.
    fn takes(&mut self, kind: &str, seq: u64) -> bool {
        let goes_on = self.last.is_none_or(|last| seq >= last);
        let is_new = kind != "update" || self.numbers.is_none_or(|numbers| seq > numbers);
        self.last = Some(seq);
        if matches!(kind, "update" | "snapshot") {
            self.numbers = Some(seq);
        }
        goes_on && is_new
    }
}

/// The updates of a group of readers: the hash of each one by its `seq`.
#[derive(Debug, Default)]
struct Group {
    updates: HashMap<u64, Option<u64>>,
}

/// The fields of a message that a reader looks at.
#[derive(Debug, Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: &'a str,
    timestamp: u64,
    seq: Option<u64>,
    #[serde(default)]
    missed: u64,
}

impl Tally {
    pub(crate) fn new(plan: &Plan) -> Self {
        let reader = |index| Reader { group: plan.group(index), ..Reader::default() };
        Self {
            readers: (0..plan.clients).map(reader).collect(),
            groups: plan.paths.iter().map(|_| Group::default()).collect(),
            report: Report { smallest: usize::MAX, ..Report::default() },
            millis: Vec::new(),
            is_counting: false,
            buffer: vec![0; 64 << 10].into(),
        }
    }

    /// Returns the number of readers that have their first message, or were refused.
    pub(crate) fn started(&self) -> usize {
        let refused: usize = self.report.refused.values().sum();
        self.report.connected + refused
    }

    /// Begins to count.
    pub(crate) fn begin(&mut self) {
        self.is_counting = true;
    }

    pub(crate) fn with_buffer<T>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> io::Result<T>,
    ) -> io::Result<T> {
        read(&mut self.buffer)
    }

    /// Notes that a reader is connected; one that reads is when it has a message.
    pub(crate) fn connected(&mut self, index: usize) {
        let Some(reader) = self.readers.get_mut(index) else { return };
        if !std::mem::replace(&mut reader.has_started, true) {
            self.report.connected += 1;
        }
    }

    pub(crate) fn refused(&mut self, status: u16) {
        *self.report.refused.entry(status).or_default() += 1;
    }

    pub(crate) fn closed(&mut self, index: usize, code: u16) {
        self.connected(index);
        *self.report.closed.entry(code).or_default() += 1;
    }

    pub(crate) fn message(&mut self, index: usize, text: &[u8]) {
        let now = now();
        self.connected(index);
        let Ok(head) = Head::parse(text) else {
            self.count_other("unreadable");
            return;
        };
        let Some(reader) = self.readers.get_mut(index) else { return };
        if let Some(seq) = head.seq {
            let is_in_order = reader.takes(head.kind, seq);
            self.report.out_of_order += u64::from(!is_in_order);
        }
        self.report.missed += head.missed;
        if head.kind != "update" || !self.is_counting {
            let kind = head.kind;
            if kind == "update" {
                reader.has_update = true
            } else {
                self.count_other(kind)
            }
            return;
        }
        self.millis.push((now.as_secs_f64() * 1000.0 - head.timestamp as f64) as f32);
        self.update(index, head.seq.unwrap_or_default(), text);
    }

    fn update(&mut self, index: usize, seq: u64, text: &[u8]) {
        let Some(reader) = self.readers.get_mut(index) else { return };
        let Some(group) = self.groups.get_mut(reader.group) else { return };
        self.report.updates += 1;
        self.report.smallest = self.report.smallest.min(text.len());
        self.report.largest = self.report.largest.max(text.len());
        reader.first_update.get_or_insert(seq);
        reader.last_update = seq;
        reader.updates += 1;
        let known = group.updates.entry(seq).or_default();
        if std::mem::replace(&mut reader.has_update, true) {
            let hash = hash(text);
            let is_equal = known.get_or_insert(hash) == &hash;
            self.report.unequal += u64::from(!is_equal);
        }
    }

    fn count_other(&mut self, kind: &str) {
        match self.report.others.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.report.others.insert(kind.to_owned(), 1)),
        }
    }

    pub(crate) fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.latency = Latency::of(self.millis.clone());
        let passes: BTreeMap<u64, ()> = self
            .groups
            .iter()
            .flat_map(|group| group.updates.keys().map(|seq| (*seq, ())))
            .collect();
        report.passes = passes.len();
        report.lost = self.readers.iter().map(|reader| self.lost(reader)).sum();
        report
    }

    /// Returns the updates that a reader has not, between its first and last.
    fn lost(&self, reader: &Reader) -> u64 {
        let (Some(first), Some(group)) = (reader.first_update, self.groups.get(reader.group))
        else {
            return 0;
        };
        let range = first..=reader.last_update;
        let expected = group.updates.keys().filter(|seq| range.contains(seq)).count() as u64;
        expected.saturating_sub(reader.updates)
    }
}

impl<'a> Head<'a> {
    /// Reads the fields before `data`, which is most of a message and is not parsed.
    fn parse(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        const DATA: &[u8] = b",\"data\":";
        let is_short = |kind: &[u8]| text.starts_with(kind);
        if is_short(b"{\"type\":\"update\"")
            && let Some(at) = text.windows(DATA.len()).take(256).position(|window| window == DATA)
            && let Ok(text) = std::str::from_utf8(&text[..at])
        {
            let field = |name: &str| {
                let (_, rest) = text.split_once(name)?;
                rest.split(',').next()?.parse().ok()
            };
            if let (Some(timestamp), Some(seq)) = (field("\"timestamp\":"), field("\"seq\":")) {
                return Ok(Self { kind: "update", timestamp, seq: Some(seq), missed: 0 });
            }
        }
        serde_json::from_slice(text)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock of another process, which it compares with"
)]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_of_a_pass_may_come_before_its_update() {
        let order = |messages: &[(&str, u64)]| {
            let mut reader = Reader::default();
            messages.iter().map(|(kind, seq)| reader.takes(kind, *seq)).collect::<Vec<_>>()
        };
        let all = [("snapshot", 4), ("alert", 5), ("finding", 5), ("update", 5), ("update", 6)];
        assert_eq!(order(&all), [true; 5]);
        assert_eq!(order(&[("snapshot", 4), ("update", 4)]), [true, false], "it is the same");
        assert_eq!(order(&[("update", 5), ("update", 5)]), [true, false], "it came twice");
        assert_eq!(
            order(&[("update", 5), ("alert", 4)]),
            [true, false],
            "it is of an earlier pass"
        );
    }
}

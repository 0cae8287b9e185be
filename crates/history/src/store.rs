//! All series with their past, and the limits of time and memory.

use std::time::Duration;

use node0_metrics_core::{Sample, Series};

use crate::entry::{Entry, Past, Tick, each_past};
use crate::stats::{Stats, TierStats};
use crate::tier::{Plan, Planned, Time};
use crate::timeline::Timeline;
use crate::track::INTERVALS;

/// A tick that took more periods than this is a gap: the process was stopped, or had no processor.
const LONGEST_TICK: u32 = 5;

/// All series with their past.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) plan: Plan,
    pub(crate) tick_length: Duration,
    max_bytes: usize,
    /// Sorted by name, labels and kind; boxed, so that inserting one moves little.
    #[expect(
        clippy::vec_box,
        reason = "an entry has some hundred bytes, and inserting moves half"
    )]
    entries: Vec<Box<Entry>>,
    /// The timelines of the tiers.
    pub(crate) timelines: Vec<Timeline>,
    /// `None` before the first sample.
    pub(crate) time: Option<Time>,
    /// The number of the last tick.
    tick: u64,
    /// The last interval of the first tier.
    pub(crate) interval: u64,
    /// The bytes held after the last tick, and of the series added since.
    bytes: usize,
    pub(crate) evicted: u64,
    /// The time before which blocks were dropped for lack of room.
    evicted_until: u64,
    pub(crate) refused: u64,
}

impl Store {
    pub(crate) fn new(plan: Plan, tick_length: Duration, max_bytes: usize) -> Self {
        let timelines = plan.tiers.iter().map(|_| Timeline::default()).collect();
        Self {
            plan,
            tick_length,
            max_bytes,
            entries: Vec::new(),
            timelines,
            time: None,
            tick: 0,
            interval: 0,
            bytes: 0,
            evicted: 0,
            evicted_until: 0,
            refused: 0,
        }
    }

    /// Adds the tick of a sample. `missed` is the number of samples that were lost before it.
    pub(crate) fn observe(&mut self, sample: &Sample, missed: u64) {
        if sample.tick <= self.tick {
            return;
        }
        let starting = Time::starting(sample.at, sample.uptime);
        let time = self.time.get_or_insert(starting);
        time.compare(sample.at, sample.uptime);
        self.interval = time.interval(sample.uptime, self.plan.base(), self.tick_length);
        self.tick = sample.tick;
        let is_whole = sample.tick_span <= self.tick_length.saturating_mul(LONGEST_TICK);
        if is_whole {
            for (planned, timeline) in self.plan.tiers.iter().zip(&mut self.timelines) {
                timeline.add(planned.of_base(self.interval), sample.tick_span);
            }
        }
        let pace = pace(sample.tick_span, self.tick_length);
        let tick = Tick { is_whole, follows: is_whole && missed == 0, pace };
        let mut at = 0;
        for series in sample.snapshot.series() {
            if let Some(found) = self.find_or_add(at, &series) {
                let Self { entries, plan, interval, .. } = self;
                entries[found].record(&series, tick, plan, *interval);
                entries[found].seen = sample.tick;
                at = found + 1;
            }
        }
        self.retire();
        self.expire();
        self.evict();
    }

    /// Returns the place of a series, which is mostly `at`; `None` if there is no memory for it.
    fn find_or_add(&mut self, at: usize, series: &Series<'_>) -> Option<usize> {
        if self.entries.get(at).is_some_and(|entry| entry.id == series.id) {
            return Some(at);
        }
        let past = Past::of(series, &self.plan, self.entries.len() as u64);
        match self.entries.binary_search_by(|entry| entry.compare(series, &past)) {
            Ok(at) => {
                // The same name and labels, registered again.
                self.entries[at].id = series.id;
                self.entries[at].is_gone = false;
                Some(at)
            }
            Err(at) => {
                let entry = Entry::new(series, past);
                let bytes = entry.bytes() + each_past!(&entry.past, tracks => tracks.soon_bytes());
                if self.bytes + bytes > self.max_bytes {
                    self.refused += 1;
                    return None;
                }
                self.bytes += bytes;
                self.entries.insert(at, Box::new(entry));
                Some(at)
            }
        }
    }

    /// Ends the intervals of series that are gone.
    fn retire(&mut self) {
        let (tick, plan) = (self.tick, &self.plan);
        for entry in self.entries.iter_mut().filter(|entry| !entry.is_gone && entry.seen != tick) {
            entry.is_gone = true;
            each_past!(&mut entry.past, tracks => tracks.end(plan));
        }
    }

    /// Drops what is older than its tier keeps.
    pub(crate) fn expire(&mut self) {
        let now = self.now();
        let plan = &self.plan;
        let first_kept = |tier: usize| plan.tiers[tier].first_kept(now);
        for entry in &mut self.entries {
            each_past!(&mut entry.past, tracks => tracks.expire(first_kept));
        }
        for (tier, timeline) in self.timelines.iter_mut().enumerate() {
            // A block goes as a whole, so its first intervals stay a little longer.
            timeline.expire(first_kept(tier).saturating_sub(2 * INTERVALS));
        }
        self.forget_empty();
    }

    /// Removes gone series of which nothing is left, and counts the bytes of all others.
    fn forget_empty(&mut self) {
        let is_left =
            |entry: &Entry| !entry.is_gone || !each_past!(&entry.past, tracks => tracks.is_empty());
        self.entries.retain(|entry| is_left(entry));
        self.bytes = self.count_bytes();
    }

    /// Drops the oldest blocks if there is too little room for the next tick.
    fn evict(&mut self) {
        let limit = self.max_bytes - self.max_bytes / 16;
        if self.bytes > limit {
            self.drop_oldest();
        }
        if self.bytes > limit {
            // The open blocks alone are too many. A sealed block has no model, and can be dropped.
            for entry in &mut self.entries {
                each_past!(&mut entry.past, tracks => tracks.seal());
            }
            self.bytes = self.count_bytes();
        }
        if self.bytes > limit {
            self.drop_oldest();
        }
    }

    /// Drops the oldest sealed blocks, down to seven eighths of the limit.
    fn drop_oldest(&mut self) {
        // Makes room for a while at once, since it looks at all blocks.
        let mut excess = self.bytes.saturating_sub(self.max_bytes - self.max_bytes / 8);
        let plan = &self.plan;
        let mut blocks: Vec<(u64, usize)> = Vec::new();
        for entry in &self.entries {
            let ends =
                |(tier, last, bytes): (usize, u64, usize)| (plan.tiers[tier].end(last), bytes);
            each_past!(&entry.past, tracks => blocks.extend(tracks.sealed().map(ends)));
        }
        blocks.sort_unstable();
        let oldest = blocks.iter().find(|(_, bytes)| {
            excess = excess.saturating_sub(*bytes);
            excess == 0
        });
        let Some(end) = oldest.or(blocks.last()).map(|(end, _)| *end) else { return };
        let first_kept = |tier: usize| end / plan.tiers[tier].step + 1;
        for entry in &mut self.entries {
            self.evicted += each_past!(&mut entry.past, tracks => tracks.expire(first_kept));
        }
        self.evicted_until = self.evicted_until.max(end);
        self.forget_empty();
    }

    /// The bytes held after the last tick.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of series.
    pub(crate) fn series(&self) -> usize {
        self.entries.len()
    }

    /// The end of the last interval.
    pub(crate) fn now(&self) -> u64 {
        self.interval * self.plan.base()
    }

    /// The time since which a tier has everything that was observed.
    pub(crate) fn kept_since(&self, tier: usize) -> u64 {
        self.now().saturating_sub(self.plan.tiers[tier].keep).max(self.evicted_until)
    }

    /// Returns all series of a metric.
    pub(crate) fn metric(&self, name: &str) -> &[Box<Entry>] {
        let from = self.entries.partition_point(|entry| *entry.name < *name);
        let to = self.entries.partition_point(|entry| *entry.name <= *name);
        &self.entries[from..to]
    }

    /// Returns the names of all metrics.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.entries.iter().map(|entry| entry.name.to_string()).collect();
        names.dedup();
        names
    }

    fn count_bytes(&self) -> usize {
        let entries: usize = self.entries.iter().map(|entry| entry.bytes()).sum();
        let timelines: usize = self.timelines.iter().map(Timeline::heap_bytes).sum();
        entries + self.entries.capacity() * size_of::<Box<Entry>>() + timelines
    }

    /// Returns unused memory, and counts again.
    pub(crate) fn shrink(&mut self) {
        for entry in &mut self.entries {
            each_past!(&mut entry.past, tracks => tracks.shrink());
        }
        self.entries.shrink_to_fit();
        self.bytes = self.count_bytes();
    }

    pub(crate) fn stats(&self) -> Stats {
        let tier = |(tier, planned): (usize, &Planned)| {
            let points = |entry: &Entry| each_past!(&entry.past, tracks => tracks.points(tier));
            let bytes = |entry: &Entry| each_past!(&entry.past, tracks => tracks.data_bytes(tier));
            TierStats {
                step: Duration::from_millis(planned.step),
                keep: Duration::from_millis(planned.keep),
                data_points: self.entries.iter().map(|entry| points(entry)).sum(),
                data_bytes: self.entries.iter().map(|entry| bytes(entry)).sum(),
            }
        };
        let tiers: Vec<TierStats> = self.plan.tiers.iter().enumerate().map(tier).collect();
        Stats {
            series: self.entries.len(),
            data_points: tiers.iter().map(|tier| tier.data_points).sum(),
            bytes: self.count_bytes(),
            max_bytes: self.max_bytes,
            evicted: self.evicted,
            refused: self.refused,
            tiers,
        }
    }
}

/// How many such ticks fit into a period. One that is 1 % off counts as exact, since most are a
/// little off and whole numbers take less memory.
fn pace(span: Duration, period: Duration) -> f64 {
    let pace = period.as_secs_f64() / span.as_secs_f64();
    if pace.is_finite() && (pace - 1.0).abs() > 0.01 { pace } else { 1.0 }
}

#[cfg(test)]
mod tests;

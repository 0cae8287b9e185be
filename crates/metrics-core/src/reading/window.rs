//! Windows over cumulative totals: the last thousand samples, in whole ticks.
//!
//! Recording threads only ever add to cumulative totals; they rotate and clear nothing. Each
//! pass subtracts the totals of the previous pass, and the differences of one tick are its
//! *delta*. The window is the sum of the most recent deltas: those of the running tick and of
//! as many whole ticks before it as are needed for [`Rule::samples`] samples. Ticks older than
//! [`Rule::max_age`] are never in it. So the window of a busy series covers the last second,
//! that of a quiet series its last thousand samples, and that of an idle series is empty.
//!
//! Example with ticks of a second and at least 1000 samples: ticks 7 and 8 have 400 samples
//! each, and the running tick 9 has 300 so far. The window is all three ticks, 1100 samples.
//! Once tick 9 has 600 samples, ticks 8 and 9 suffice: tick 7 leaves, and the window has 1000.
//!
//! A series keeps the deltas of its window ([`SeriesTicks`]). A sample does not copy them: it
//! shares them with the series, and adds them up only when a reader asks for the buckets.
//!
//! Beyond the budget of [memory](crate::recording::memory) a window is *thinned*: the ticks that
//! enter it have an eighth of the buckets, and neighbouring ticks become one. Its count and its
//! sum stay exact, and so do all totals.

mod closed;

use std::sync::Arc;
use std::time::Duration;

use crate::reading::buckets::Buckets;
use crate::reading::delta::Delta;
use crate::reading::histogram::{Base, Published};
use crate::reading::known_counts::KnownCounts;
use crate::reading::timeline::{ClosedTick, PassTime, is_too_old};
use crate::recording::layout::Layout;
use crate::recording::line::fetch;
use crate::recording::memory::{Counted, of_arc, of_list};
use closed::ClosedTicks;

/// The bounds of every window: a minimum of samples and a maximum age.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The number of samples that a window holds at least, unless `max_age` cuts it off.
    pub(crate) samples: u64,
    pub(crate) max_age: Duration,
}

/// The ticks of one series: those in its window, and the running one.
#[derive(Debug)]
pub(crate) struct SeriesTicks {
    layout: Layout,
    /// The start of the tick in which the series was first seen.
    birth: Duration,
    /// The closed ticks in the window, the oldest first. Ticks without records are left out.
    closed: ClosedTicks,
    /// The start and the count of the first entry of `closed`, so that most passes need not read `closed`.
    oldest: Option<(Duration, u64)>,
    /// The count and the sum of `closed`.
    count: u64,
    sum: f64,
    /// The records of the running tick so far; `None` while there are none.
    running: Option<Arc<Delta>>,
    /// The number and the delta of the last closed tick that has records.
    last_closed: Option<(u64, Arc<Delta>)>,
    /// The totals of an expired series that this one continues.
    resumed: Option<Arc<Delta>>,
    /// The totals and the window as of some ticks ago; [`Published`] adds the ticks since then.
    base: Arc<Base>,
    entered: Vec<Arc<Delta>>,
    left: Vec<Arc<Delta>>,
    /// The number of counts in `entered` and `left`.
    changes: usize,
    /// The start of the newest tick in `closed` whose buckets are thin.
    thinned: Option<Duration>,
}

/// What all series of a pass have in common when they close a tick.
pub(crate) struct Closing<'a> {
    pub(crate) tick: ClosedTick,
    pub(crate) rule: Rule,
    /// `true` while the memory of the process is beyond its budget.
    pub(crate) thins: bool,
    /// A buffer for the sum of a window.
    pub(crate) window: &'a mut Buckets,
}

/// The time that a window covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowSpan {
    pub(crate) start: Duration,
    /// The moment at which the window loses its oldest tick by age alone.
    pub(crate) valid_until: Duration,
}

/// The number of deltas beside the base at which they are merged into a new base.
///
/// A trade-off: a new base copies all counts of the series, and a reader has to add up the deltas
/// that are not in the base. With sixteen, the copies are a small part of a pass, and adding up
/// takes a few microseconds.
const MOST_CHANGES: usize = 16;
/// The number of counts in those deltas at which they are merged too.
///
/// More would take more memory than the base: a tick with values in all octaves has a thousand
/// counts.
const MOST_COUNTS: usize = 512;

impl SeriesTicks {
    pub(crate) fn new(birth: Duration, layout: Layout) -> Self {
        Self {
            layout,
            birth,
            closed: ClosedTicks::new(layout),
            oldest: None,
            count: 0,
            sum: 0.0,
            running: None,
            last_closed: None,
            resumed: None,
            base: Arc::new(Base::new(total(KnownCounts::default()), Arc::new(Delta::new(layout)))),
            entered: Vec::new(),
            left: Vec::new(),
            changes: 0,
            thinned: None,
        }
    }

    /// Returns empty data for a sample; [`fill`](Self::fill) writes its values.
    pub(crate) fn unfilled(&self) -> Published {
        Published::new(self.base.clone(), self.resumed.clone())
    }

    /// Returns the delta of the running tick, for a pass to add to.
    ///
    /// The delta is cloned first if a sample still shares it. To avoid the clone, drop such
    /// samples before the call.
    pub(crate) fn running_mut(&mut self) -> &mut Delta {
        let running = self.running.get_or_insert_with(|| Arc::new(Delta::new(self.layout)));
        Arc::make_mut(running)
    }

    /// Fetches what new records in the running tick change or may change.
    pub(crate) fn fetch(&self) {
        self.closed.fetch();
        if let Some(running) = &self.running {
            fetch(&**running);
        }
    }

    /// Fetches what the delta of the running tick points to, after [`Self::fetch`].
    pub(crate) fn fetch_running(&self) {
        self.running().fetch();
    }

    fn running(&self) -> &Delta {
        self.running.as_deref().unwrap_or(Delta::empty(self.layout))
    }

    /// Starts from the totals of a series that expired, which are in no window.
    pub(crate) fn resume(&mut self, mut totals: Delta) {
        totals.seal();
        self.resumed = Some(Arc::new(totals));
    }

    /// Ends a tick after which the cells hold the counts `known`, or those of the base if there are
    /// none; returns `true` if the window changed.
    // Inlined, it makes the pass over idle series slower, which do not call it.
    #[inline(never)]
    pub(crate) fn close(&mut self, known: Option<&KnownCounts>, closing: &mut Closing<'_>) -> bool {
        let Closing { tick, rule, thins, .. } = *closing;
        let recorded = self.running.take_if(|delta| !delta.is_empty());
        let has_records = recorded.is_some();
        if let Some(delta) = recorded {
            self.enter(tick, delta, thins);
        }
        let surplus = self.surplus(0, tick.end, rule);
        self.count -= self.closed.iter().take(surplus).map(|tick| tick.count).sum::<u64>();
        let left = self.left.len();
        self.left.extend(self.closed.take(surplus));
        self.changes += self.left[left..].iter().map(|delta| delta.counts().len()).sum::<usize>();
        if thins {
            self.closed.thin();
            self.thinned = Some(tick.start);
        }
        let changes = has_records || surplus > 0 || thins;
        if changes {
            self.oldest = self.closed.iter().next().map(|oldest| (oldest.start, oldest.count));
            // Summed from scratch: adding and subtracting floats tick after tick would
            // accumulate rounding errors.
            self.sum = self.closed.iter().map(|interval| interval.sum).sum();
            let merges = self.entered.len() + self.left.len() >= MOST_CHANGES;
            if merges || self.changes >= MOST_COUNTS || thins {
                self.rebase(known, thins, closing.window);
            }
        }
        changes
    }

    /// Adds the delta of a tick that ends to the window.
    fn enter(&mut self, tick: ClosedTick, mut delta: Arc<Delta>, thins: bool) {
        // No copy of the delta is made from here on: the window, the totals and all samples
        // share this allocation. A sample of the running tick may share it already.
        if let Some(delta) = Arc::get_mut(&mut delta) {
            delta.seal();
        }
        self.last_closed = Some((tick.number, delta.clone()));
        self.count += delta.count();
        if thins {
            // The totals have it from `rebase`, with all of its buckets.
            let mut thinned = delta.thinned();
            thinned.seal();
            self.closed.push(tick.start, Arc::new(thinned));
        } else {
            self.changes += delta.counts().len();
            self.entered.push(delta.clone());
            self.closed.push(tick.start, delta);
        }
    }

    /// Makes a new base of the counts that the cells hold and of the window.
    fn rebase(&mut self, known: Option<&KnownCounts>, thins: bool, buffer: &mut Buckets) {
        let window = match self.closed.only() {
            Some(Some(only)) => only.clone(),
            Some(None) => Arc::new(Delta::new(self.layout)),
            None => Arc::new(self.window(thins, buffer)),
        };
        let total = known.map_or_else(|| self.base.total.clone(), |known| total(known.clone()));
        self.base = Arc::new(Base::new(total, window));
        self.entered.clear();
        self.left.clear();
        self.changes = 0;
        // New samples share the base instead.
        self.closed.pack();
    }

    /// Adds up the window: from the base, or from its ticks if some became thin since then.
    fn window(&self, thins: bool, buffer: &mut Buckets) -> Delta {
        buffer.clear(self.layout);
        if thins {
            self.closed.oldest(usize::MAX).for_each(|delta| buffer.add_delta(&delta));
        } else {
            buffer.add_delta(&self.base.window);
            // Additions first: a tick that entered and left since the last base can only be
            // subtracted after it was added, since no bucket may fall below zero.
            self.entered.iter().for_each(|delta| buffer.add_delta(delta));
            self.left.iter().for_each(|delta| buffer.subtract_delta(delta));
        }
        let mut window = Delta::from(&*buffer);
        window.set_sum(self.sum);
        window.seal();
        window
    }

    /// Returns `true` if the window has so many ticks that some would be merged.
    pub(crate) fn can_thin(&self) -> bool {
        self.closed.can_thin()
    }

    /// Returns `true` if no closed tick is in the window.
    pub(crate) fn is_empty(&self) -> bool {
        self.closed.iter().len() == 0
    }

    /// Gives back all memory but that of the totals; for a series whose window is empty.
    ///
    /// The totals are `known`, or those of the base if they are there already.
    pub(crate) fn park(&mut self, known: Option<KnownCounts>) {
        let parked = Self::new(self.birth, self.layout);
        let total = known.map_or_else(|| self.base.total.clone(), total);
        let base = Arc::new(Base::new(total, Arc::new(Delta::new(self.layout))));
        let resumed = self.resumed.take();
        *self = Self { base, resumed, ..parked };
    }

    /// The counts of the cells as of the last base.
    pub(crate) fn base_total(&self) -> &KnownCounts {
        &self.base.total
    }

    /// Returns `true` if the window has ticks whose buckets are thin.
    pub(crate) fn is_thinned(&self) -> bool {
        self.thinned.zip(self.oldest).is_some_and(|(newest, (oldest, _))| oldest <= newest)
    }

    /// Returns the bytes of the lists; sealed deltas and the base count themselves.
    pub(crate) fn bytes(&self) -> usize {
        self.closed.bytes() + of_list(&self.entered) + of_list(&self.left)
    }

    /// Returns the number of oldest closed ticks that the window can drop.
    ///
    /// `running` is the number of samples in the running tick, which count for the minimum too.
    fn surplus(&self, running: u64, now: Duration, rule: Rule) -> usize {
        let leaves = |rest: u64, start: Duration| {
            rest >= rule.samples || is_too_old(start, now, rule.max_age)
        };
        // Drops ticks from the oldest on, while the rest still has enough samples or the tick
        // is too old. The first check needs no access to `closed`, and is mostly the only one.
        let mut rest = running + self.count;
        match self.oldest {
            Some((start, count)) if leaves(rest - count, start) => {}
            _ => return 0,
        }
        let surplus = self.closed.iter().take_while(|interval| {
            rest -= interval.count;
            leaves(rest, interval.start)
        });
        surplus.count()
    }

    /// Returns the start of the oldest tick with records in the window that a sample shows.
    pub(crate) fn oldest_shown(&self, at: PassTime<'_>) -> Duration {
        let leaving = self.surplus(self.running().count(), at.now, at.time.rule);
        let oldest = self.closed.iter().nth(leaving).map(|interval| interval.start);
        oldest.unwrap_or(at.time.ticks.running())
    }

    /// Writes the data that a sample shows, and returns the time that its window covers.
    pub(crate) fn fill(&self, published: &mut Published, at: PassTime<'_>) -> WindowSpan {
        let rule = at.time.rule;
        let running = self.running();
        // The running tick may have so many samples that the oldest closed ticks are no longer
        // needed. This sample leaves them out; `closed` keeps them until `close` drops them,
        // because the final count of the running tick is not known before.
        let leaving = self.surplus(running.count(), at.now, rule);
        let stays = self.closed.iter().skip(leaving);
        let (count, sum) = match leaving {
            0 => (self.count, self.sum),
            _ => stays.clone().fold((0, 0.0), |(count, sum), interval| {
                (count + interval.count, sum + interval.sum)
            }),
        };
        published.window_count = count + running.count();
        published.window_sum = sum + running.sum();
        published.share_base(&self.base, &self.entered, &self.left);
        published.share_leaving(self.closed.oldest(leaving));
        published.is_thinned = self.is_thinned();
        published.share_ticks(&self.running, &self.last_closed);
        let oldest = stays.clone().next().map(|interval| interval.start);
        let is_full = published.window_count >= rule.samples;
        WindowSpan {
            // A window with too few samples covers the whole life of the series, up to the
            // longest age.
            start: if is_full { oldest.unwrap_or(at.time.ticks.running()) } else { self.birth },
            valid_until: oldest.map_or(Duration::MAX, |start| start.saturating_add(rule.max_age)),
        }
    }
}

/// Counts the bytes of the totals of a base.
fn total(known: KnownCounts) -> Arc<Counted<KnownCounts>> {
    let bytes = of_arc::<Counted<KnownCounts>>() + known.bytes();
    Arc::new(Counted::new(known, bytes))
}

#[cfg(all(test, not(loom)))]
mod tests;

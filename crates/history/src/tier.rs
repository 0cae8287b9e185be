//! Tiers: for how long the past is kept at which resolution.

use std::time::Duration;

use node0_metrics_core::Timestamp;

/// A resolution at which the past is kept for some time.
///
/// The defaults are intervals of 1 s for 5 minutes, of 10 s for an hour, and of a minute for a day.
/// The first two keep the buckets of a latency as they were recorded. Each further tier joins
/// pairs of them, so the error of a percentile doubles with it.
///
/// ```
/// use node0_history::Tier;
/// use std::time::Duration;
///
/// let [seconds, _, minutes] = Tier::DEFAULT;
/// assert_eq!(seconds, Tier::new(Duration::from_secs(1), Duration::from_secs(300)));
/// assert_eq!(minutes.keep, Duration::from_secs(86_400));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tier {
    /// The length of an interval.
    pub step: Duration,
    /// The time for which intervals are kept, at least.
    pub keep: Duration,
}

impl Tier {
    /// The tiers of a history, unless its builder sets others.
    pub const DEFAULT: [Self; 3] = [
        Self::new(Duration::from_secs(1), Duration::from_secs(300)),
        Self::new(Duration::from_secs(10), Duration::from_secs(3600)),
        Self::new(Duration::from_secs(60), Duration::from_secs(86_400)),
    ];

    /// Creates a tier.
    pub const fn new(step: Duration, keep: Duration) -> Self {
        Self { step, keep }
    }
}

/// The tiers of a history in whole milliseconds, each step a multiple of the one before.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) tiers: Box<[Planned]>,
    /// `true` if an interval of the first tier is one tick.
    pub(crate) is_by_tick: bool,
}

/// One tier of a plan. An interval has the time of its end, which is its number times the step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    pub(crate) step: u64,
    pub(crate) keep: u64,
    /// The number of intervals of the first tier that are one of this.
    ratio: u64,
    /// How often the resolution of buckets was halved.
    pub(crate) halvings: u32,
}

impl Plan {
    /// Plans the tiers for a registry; steps are rounded up as [`HistoryBuilder::tiers`] says.
    ///
    /// [`HistoryBuilder::tiers`]: crate::HistoryBuilder::tiers
    pub(crate) fn new(tiers: &[Tier], tick: Duration) -> Self {
        let mut before = millis(tick).max(1);
        let mut first = None;
        let plan = |(at, tier): (usize, &Tier)| {
            let step = millis(tier.step).clamp(1, LONGEST).max(before).next_multiple_of(before);
            before = step;
            let ratio = step / *first.get_or_insert(step);
            let keep = millis(tier.keep).clamp(step, LONGEST);
            Planned { step, keep, ratio, halvings: at.saturating_sub(1) as u32 }
        };
        let tiers: Box<[Planned]> = tiers.iter().enumerate().map(plan).collect();
        Self { is_by_tick: tiers[0].step == millis(tick).max(1), tiers }
    }

    /// The step of the first tier.
    pub(crate) fn base(&self) -> u64 {
        self.tiers[0].step
    }
}

impl Planned {
    /// Returns the interval of this tier that an interval of the first tier belongs to.
    pub(crate) fn of_base(&self, interval: u64) -> u64 {
        interval.div_ceil(self.ratio)
    }

    /// Returns the interval of this tier that an interval of another, finer tier belongs to.
    pub(crate) fn of_finer(&self, finer: &Self, interval: u64) -> u64 {
        (interval * finer.ratio).div_ceil(self.ratio)
    }

    /// Returns the first interval that is not too old at a time.
    pub(crate) fn first_kept(&self, now: u64) -> u64 {
        now.saturating_sub(self.keep).div_ceil(self.step)
    }
}

/// The longest step and the longest time, a hundred years, so that no sum of them overflows.
pub(crate) const LONGEST: u64 = 100 * 365 * 86_400_000;

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The time of a history: the wall time at its first sample, plus the uptime since then.
///
/// So it neither jumps nor goes back when the wall clock is set. A question in wall time is
/// shifted by the difference to what the wall clock shows now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// The time and the uptime of the first sample.
    origin: u64,
    uptime: Duration,
    /// The difference between the wall clock and this time at the last sample.
    shift: i64,
}

/// A smaller difference to the wall clock is no adjustment, but the clocks' inaccuracy.
const DRIFT: u64 = 500;

impl Time {
    pub(crate) fn starting(at: Timestamp, uptime: Duration) -> Self {
        Self { origin: at.as_millis(), uptime, shift: 0 }
    }

    /// Returns the time since the first sample.
    fn elapsed(&self, uptime: Duration) -> Duration {
        uptime.saturating_sub(self.uptime)
    }

    /// Notes what the wall clock shows.
    pub(crate) fn compare(&mut self, at: Timestamp, uptime: Duration) {
        let now = self.origin + millis(self.elapsed(uptime));
        let shift = at.as_millis().cast_signed().saturating_sub(now.cast_signed());
        if shift.abs_diff(self.shift) > DRIFT {
            self.shift = shift;
        }
    }

    /// Returns the interval in which a tick ended.
    ///
    /// Ticks end a little later or earlier than their period says. So they are counted from the first
    /// one, and rounded: otherwise two of them would now and then fall into one interval, and none
    /// into the next.
    pub(crate) fn interval(&self, uptime: Duration, step: u64, tick: Duration) -> u64 {
        let elapsed = millis(self.elapsed(uptime).saturating_add(tick / 2));
        self.origin / step + elapsed / step
    }

    /// Converts a wall time to the time of the history.
    pub(crate) fn of_wall(&self, at: Timestamp) -> u64 {
        at.as_millis().saturating_add_signed(self.shift.saturating_neg())
    }

    /// Converts a time of the history to the wall time.
    pub(crate) fn to_wall(self, time: u64) -> Timestamp {
        Timestamp::from_millis(time.saturating_add_signed(self.shift))
    }
}

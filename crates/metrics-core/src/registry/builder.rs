//! Settings for a registry, each with its default.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::judging::audience::Audience;
use crate::judging::board::Board;
use crate::judging::guarded_call::Guests;
use crate::judging::guest::{GuestCall, Limits as GuestLimits};
use crate::judging::health::Hysteresis;
use crate::reading::pass::Passes;
use crate::reading::window::Rule;
use crate::recording::context::Context;
use crate::recording::families::{Families, Limits};
use crate::recording::store::Store;
use crate::sync::atomic::{AtomicBool, AtomicU64};
use crate::sync::{self, Mutex};

/// Settings for a [`Registry`].
#[derive(Clone, Debug)]
#[must_use = "call `build` to get a registry"]
pub struct RegistryBuilder {
    clock: Option<Clock>,
    tick: Duration,
    rule: Rule,
    limits: Limits,
    lease_bytes: usize,
    hysteresis: Hysteresis,
    guests: GuestLimits,
}

impl Default for RegistryBuilder {
    fn default() -> Self {
        Self {
            clock: None,
            tick: Duration::from_secs(1),
            rule: Rule { samples: 1000, max_age: Duration::from_secs(300) },
            limits: Limits {
                families: 1000,
                series: 10_000,
                scalars_per_family: 1000,
                histograms_per_family: 500,
            },
            lease_bytes: 64 << 20,
            hysteresis: Hysteresis { ticks: 2, lasting: Duration::from_secs(1) },
            guests: GuestLimits::default(),
        }
    }
}

impl RegistryBuilder {
    /// The clock; [`Clock::tsc`] by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Changes how often the registry is sampled: the length of a tick; 1 s by default, 1 ms at least.
    ///
    /// It is the period of whoever ticks, such as the aggregator's thread. Where nobody does, a
    /// reader ticks when so much time has passed.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick.max(Duration::from_millis(1));
        self
    }

    /// The samples that a window holds at least, if it can; 1000 by default.
    pub fn window_samples(mut self, samples: u64) -> Self {
        self.rule.samples = samples.max(1);
        self
    }

    /// The age that a window never reaches beyond; 5 minutes by default.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.rule.max_age = max_age;
        self
    }

    /// The most metric names; 1000 by default.
    pub fn max_families(mut self, families: usize) -> Self {
        self.limits.families = families;
        self
    }

    /// The most series in all; 10 000 by default. Each family may add one `_other`.
    pub fn max_series(mut self, series: usize) -> Self {
        self.limits.series = series;
        self
    }

    /// The most series of one counter or gauge; 1000 by default, and `_other`.
    pub fn max_scalars_per_family(mut self, series: usize) -> Self {
        self.limits.scalars_per_family = series;
        self
    }

    /// The most series of one latency or distribution; 500 by default, and `_other`.
    pub fn max_histograms_per_family(mut self, series: usize) -> Self {
        self.limits.histograms_per_family = series;
        self
    }

    /// The bytes that threads' own cells may take in the whole process; 64 MiB by default.
    ///
    /// Beyond it records go to shared cells: slower, not lost.
    pub fn lease_bytes(mut self, bytes: usize) -> Self {
        self.lease_bytes = bytes;
        self
    }

    /// How many ticks in a row a topic must be worse than its published status, or better, for a
    /// change to be published; 2 by default.
    pub fn hysteresis(mut self, ticks: u32) -> Self {
        self.hysteresis.ticks = ticks.max(1);
        self
    }

    /// How long a topic's new status must last to be published, from the tick that first saw it; 1 s by default.
    ///
    /// It counts where ticks are shorter than that. Both this and
    /// [`Self::hysteresis`] must be over.
    pub fn min_status_duration(mut self, lasting: Duration) -> Self {
        self.hysteresis.lasting = lasting;
        self
    }

    /// Changes how long a call into code of others may take; twice in a row beyond it, the call is
    /// left out for some ticks.
    ///
    /// By default a poll may take 1 ms, a judgement, a list of readiness checks and a listener
    /// 10 ms, an observer 50 ms, a report 500 ms and a readiness check 1 s. Reports and checks that
    /// overran are counted, and not left out.
    pub fn guest_budget(mut self, call: GuestCall, budget: Duration) -> Self {
        self.guests.set_budget(call, budget);
        self
    }

    /// Changes how long each call into code of others is waited for, but for reports; 100 ms by default.
    ///
    /// A call that takes longer goes on alone, and its guest is called again when it has
    /// returned.
    pub fn guest_patience(mut self, patience: Duration) -> Self {
        self.guests.patience = patience;
        self
    }

    /// Changes how long a reader waits for a report; 5 s by default.
    pub fn report_patience(mut self, patience: Duration) -> Self {
        self.guests.report_patience = patience;
        self
    }

    /// Changes for how many ticks a call is left out after it failed; 10 by default.
    pub fn bench_ticks(mut self, ticks: u64) -> Self {
        self.guests.bench_ticks = ticks;
        self
    }

    /// Makes the registry.
    pub fn build(self) -> Registry {
        let registry = self.build_silent();
        // Refused only where `max_families` is next to nothing: then the core
        // says nothing of itself, and everything else works.
        let _ = registry.engine.register_own();
        registry
    }

    /// Makes a registry that says nothing of itself.
    pub(crate) fn build_silent(self) -> Registry {
        let context = Context {
            clock: self.clock.unwrap_or_else(Clock::tsc),
            lease_bytes: self.lease_bytes,
            enabled: AtomicBool::new(true),
            tick: AtomicU64::new(0),
            clamped: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            together: Mutex::new(()),
        };
        let engine = Engine {
            tick_length: self.tick,
            passes: Passes::new(&context.clock, self.rule),
            guests: Arc::new(Guests::new(context.clock.clone(), self.guests)),
            board: Board::new(self.hysteresis),
            audience: Audience::default(),
            ticking: AtomicBool::new(false),
            store: Arc::new(Store {
                context: sync::Arc::new(context),
                families: Mutex::new(Families::new(self.limits)),
            }),
        };
        Registry { engine: Arc::new(engine) }
    }
}

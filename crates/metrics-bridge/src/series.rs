//! One series of the facade: the registry's cells, and the scale of its values.
//!
//! Values are recorded through the core's handles. These cannot set a counter to a total, as
//! collectors do that copy counts from elsewhere, so this module adds that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{CounterFn, GaugeFn, HistogramFn};
use node0_metrics_core::{AnyMetric, Counter, Distribution, Gauge, Latency};

use crate::unit::Scale;

/// The kinds of metrics that the facade has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Counter,
    Gauge,
    Histogram,
}

/// The cells of one series; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    metric: AnyMetric,
    scale: Scale,
}

impl Series {
    pub(crate) fn new(metric: AnyMetric, scale: Scale) -> Self {
        Self { metric, scale }
    }

    /// Returns a handle of the facade in its own allocation, so that threads that clone their
    /// handles do not contend for one reference count.
    pub(crate) fn counter(self) -> metrics::Counter {
        match (self.metric, self.scale) {
            (AnyMetric::Counter(counter), Scale::Times(factor)) => {
                let highest = AtomicU64::new(0);
                metrics::Counter::from_arc(Arc::new(Counted { counter, factor, highest }))
            }
            _ => metrics::Counter::noop(),
        }
    }

    /// As [`Self::counter`].
    pub(crate) fn gauge(self) -> metrics::Gauge {
        match self.metric {
            AnyMetric::Gauge(gauge) => {
                metrics::Gauge::from_arc(Arc::new(Set { gauge, scale: self.scale }))
            }
            _ => metrics::Gauge::noop(),
        }
    }

    /// As [`Self::counter`].
    pub(crate) fn histogram(self) -> metrics::Histogram {
        let scale = self.scale;
        match self.metric {
            AnyMetric::Latency(latency) => {
                metrics::Histogram::from_arc(Arc::new(Timed { latency, scale }))
            }
            AnyMetric::Distribution(distribution) => {
                metrics::Histogram::from_arc(Arc::new(Spread { distribution, scale }))
            }
            _ => metrics::Histogram::noop(),
        }
    }
}

struct Counted {
    counter: Counter,
    factor: u64,
    /// The highest value that it was set to.
    highest: AtomicU64,
}

/// Locked while a counter is set, so that two threads do not both add the same difference.
static TURN: Mutex<()> = Mutex::new(());

impl CounterFn for Counted {
    #[inline]
    fn increment(&self, value: u64) {
        self.counter.add(value.saturating_mul(self.factor));
    }

    /// Adds the difference to the total.
    fn absolute(&self, value: u64) {
        let value = value.saturating_mul(self.factor);
        // Most collectors set the same value as before.
        if value > self.highest.load(Ordering::Relaxed) {
            let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
            self.counter.add(value.saturating_sub(self.counter.total()));
            self.highest.fetch_max(value, Ordering::Relaxed);
        }
    }
}

struct Set {
    gauge: Gauge,
    scale: Scale,
}

impl GaugeFn for Set {
    #[inline]
    fn increment(&self, value: f64) {
        self.gauge.add(self.scale.apply(value));
    }

    #[inline]
    fn decrement(&self, value: f64) {
        self.gauge.add(-self.scale.apply(value));
    }

    #[inline]
    fn set(&self, value: f64) {
        self.gauge.set(self.scale.apply(value));
    }
}

struct Timed {
    latency: Latency,
    scale: Scale,
}

impl HistogramFn for Timed {
    #[inline]
    fn record(&self, value: f64) {
        let seconds = self.scale.apply(value);
        // NaN is not in the range either.
        if (0.0..1e9).contains(&seconds) {
            self.latency.record(Duration::from_nanos((seconds * 1e9 + 0.5) as u64));
        } else if seconds.is_finite() && seconds > 0.0 {
            self.latency.record(Duration::MAX);
        } else {
            // Counts the value as dropped.
            AnyMetric::Latency(self.latency.clone()).apply(f64::NAN);
        }
    }
}

struct Spread {
    distribution: Distribution,
    scale: Scale,
}

impl HistogramFn for Spread {
    fn record(&self, value: f64) {
        self.distribution.record(self.scale.apply(value));
    }

    fn record_many(&self, value: f64, count: usize) {
        self.distribution.record_n(self.scale.apply(value), count as u64);
    }
}

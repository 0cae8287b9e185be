//! The allowed errors, and the largest that were seen.

use std::time::Duration;

use node0_metrics_core::{Histogram, Layout, Window};
use serde_json::{Value, json};

use super::oracle::{Exact, Oracle, PERMILLES};

/// Below this an error counts in nanoseconds, from here on as a share of the value.
const MICROSECOND: u64 = 1000;

/// The errors of percentiles over all comparisons.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Errors {
    windows: u64,
    samples: u64,
    relative: f64,
    nanos: f64,
}

impl Errors {
    /// Holds a series against its oracle.
    pub(super) fn judge(&mut self, seen: &Histogram, oracle: &Oracle, now: Duration) {
        assert_eq!(seen.total().count(), oracle.count(), "since the start");
        let sum = oracle.sum() as f64 / 1e9;
        assert!(
            (seen.total().sum() - sum).abs() <= sum * 1e-12,
            "{} for {sum}",
            seen.total().sum()
        );
        self.judge_window(&seen.window(), &oracle.window(now));
    }

    fn judge_window(&mut self, seen: &Window, exact: &Exact) {
        assert_eq!(seen.samples(), exact.nanos.len() as u64, "samples");
        assert_eq!(seen.span, exact.span, "span");
        self.windows += 1;
        self.samples += seen.samples();
        for permille in PERMILLES {
            let quantile = seen.buckets().quantile(permille as f64 / 1000.0);
            self.judge_value("percentile", quantile, exact.percentile(permille));
        }
        self.judge_value("min", seen.buckets().min(), exact.nanos.first().copied());
        self.judge_value("max", seen.buckets().max(), exact.nanos.last().copied());
        let (mean, exact) = (seen.buckets().mean().map(|mean| mean * 1e9), exact.mean());
        assert_eq!(mean.is_some(), exact.is_some(), "mean");
        if let (Some(mean), Some(exact)) = (mean, exact) {
            assert!((mean - exact).abs() <= exact * 1e-12, "a mean of {mean} for {exact} ns");
        }
    }

    /// The documented error is allowed, and the last digit of a float.
    fn judge_value(&mut self, what: &str, seconds: Option<f64>, exact: Option<u64>) {
        assert_eq!(seconds.is_some(), exact.is_some(), "{what}");
        let (Some(seconds), Some(nanos)) = (seconds, exact) else { return };
        let exact = nanos as f64;
        let error = (seconds * 1e9 - exact).abs();
        let allowed = Layout::Latency.error_at(exact / 1e9) * 1e9 + exact * 1e-12;
        assert!(error <= allowed, "{what} of {seconds} s for {exact} ns");
        if nanos < MICROSECOND {
            self.nanos = self.nanos.max(error);
        } else {
            self.relative = self.relative.max(error / exact);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.windows += other.windows;
        self.samples += other.samples;
        self.relative = self.relative.max(other.relative);
        self.nanos = self.nanos.max(other.nanos);
    }

    pub(super) fn figures(&self) -> Value {
        json!({
            "windows": self.windows,
            "samples": self.samples,
            "largestRelativeError": self.relative,
            "largestErrorBelowOneMicrosecondNanos": self.nanos,
        })
    }
}

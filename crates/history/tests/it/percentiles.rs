//! Percentiles of merged intervals against those of all recorded values.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use node0_history::Query;
use node0_metrics_core::{Desc, Latency, Layout};
use testbed::tools;

use crate::{Bench, SECOND, values};

const WORK: Desc = Desc::latency("work_seconds", "Time of a piece of work.").labels(&["kind"]);

const QUANTILES: [f64; 8] = [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0];

/// Reads numbers and prints the bounds of the bucket of each quantile, of buckets as narrow as ours.
const BUCKETS: &str = "
import sys
from h2histogram import Histogram
histogram = Histogram(6, 64)
for word in sys.stdin.read().split():
    histogram.increment(int(word))
for quantile in sys.argv[1:]:
    print(*histogram.quantile(float(quantile)).range)
";

/// A kind of work: makes a duration in nanoseconds of a uniform random number.
type Kind = (&'static str, fn(f64) -> f64);

const KINDS: [Kind; 4] = [
    ("even", |u| 1e6 + 9e6 * u),
    ("two-humped", |u| if u < 0.93 { 2e6 + 1e6 * u } else { 4e8 + 1e8 * u }),
    ("long-tailed", |u| 1e5 / (1.0001 - u).powf(1.5)),
    ("almost constant", |u| 5e6 + 100.0 * u),
];

/// A registry with one latency of each kind, and all values that were recorded.
struct Recorded {
    bench: Bench,
    latencies: Vec<Latency>,
    /// The nanoseconds by kind and second.
    seconds: Vec<Vec<Vec<u64>>>,
    random: u64,
}

impl Recorded {
    fn new() -> Self {
        let bench = Bench::new();
        let register =
            |(kind, _): &Kind| bench.registry.latency(&WORK, &[kind]).expect("it is valid");
        let latencies = KINDS.iter().map(register).collect();
        let seconds = vec![Vec::new(); KINDS.len()];
        Self { bench, latencies, seconds, random: 0x9E37_79B9_7F4A_7C15 }
    }

    fn uniform(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Records for some seconds, from none to thirty values of each kind in each.
    fn run(&mut self, seconds: u64) {
        for second in 0..seconds {
            for (at, (_, kind)) in KINDS.iter().enumerate() {
                let count = second * second % 31;
                let nanos: Vec<u64> = (0..count).map(|_| kind(self.uniform()) as u64).collect();
                nanos.iter().for_each(|n| self.latencies[at].record(Duration::from_nanos(*n)));
                self.seconds[at].push(nanos);
            }
            self.bench.tick();
        }
    }

    /// Compares the percentiles of a range, given in seconds before now, with the exact ones.
    fn judge(&self, from: usize, to: usize, error: f64) {
        for (at, (kind, _)) in KINDS.iter().enumerate() {
            let end = self.seconds[at].len() - to;
            let mut exact = self.seconds[at][end + to - from..end].concat();
            exact.sort_unstable();
            for q in QUANTILES {
                let rank = (q * exact.len() as f64).ceil().max(1.0) as usize;
                let exact = exact[rank - 1] as f64 / 1e9;
                let seen = self.quantile(kind, from, to, q);
                let off = (seen - exact).abs() / exact;
                assert!(off <= error, "{kind}: {seen} s for {exact} s at {q}, {from} to {to}");
            }
        }
    }

    /// Compares the percentiles of all steps of a range until now with the exact ones.
    fn judge_steps(&self, range: usize, step: usize, error: f64) {
        for (at, (kind, _)) in KINDS.iter().enumerate() {
            let seconds = &self.seconds[at][self.seconds[at].len() - range..];
            for q in QUANTILES {
                let query = Query::new("work_seconds")
                    .matching(node0_history::Matchers::new().equal("kind", *kind))
                    .last(SECOND * range as u32)
                    .step(SECOND * step as u32)
                    .quantile(q);
                let answer = self.bench.ask(query);
                assert_eq!(values(&answer).len(), range / step);
                for (seen, seconds) in values(&answer).iter().zip(seconds.chunks(step)) {
                    let mut exact = seconds.concat();
                    exact.sort_unstable();
                    let rank = (q * exact.len() as f64).ceil().max(1.0) as usize;
                    let exact = exact.get(rank - 1).map(|nanos| *nanos as f64 / 1e9);
                    let is_near = |seen: f64, exact: f64| (seen - exact).abs() <= error * exact;
                    let is_right = match (*seen, exact) {
                        (Some(seen), Some(exact)) => is_near(seen, exact),
                        (seen, exact) => seen == exact,
                    };
                    assert!(is_right, "{kind}: {seen:?} for {exact:?} at {q}, {step} s of {range}");
                }
            }
        }
    }

    /// Returns a quantile of a kind over a range, as the history has it.
    fn quantile(&self, kind: &str, from: usize, to: usize, q: f64) -> f64 {
        let now = self.seconds[0].len();
        let query = Query::new("work_seconds")
            .matching(node0_history::Matchers::new().equal("kind", kind))
            .from(self.bench.at((now - from) as u64))
            .to(self.bench.at((now - to) as u64))
            .step(SECOND * (from - to) as u32)
            .quantile(q);
        values(&self.bench.ask(query))[0].expect("there were values")
    }
}

#[test]
fn percentiles_of_any_part_of_the_last_hour_are_those_of_all_its_values() {
    let mut recorded = Recorded::new();
    recorded.run(3600);
    let error = Layout::RELATIVE_ERROR * (1.0 + 1e-9);
    assert!(error < 0.01);
    for (from, to) in [(3600, 0), (1800, 0), (900, 0), (60, 0), (7, 0), (3600, 2400), (250, 130)] {
        recorded.judge(from, to, error);
    }
}

#[test]
fn percentiles_of_each_interval_are_those_of_its_values() {
    let mut recorded = Recorded::new();
    recorded.run(7200);
    let error = Layout::RELATIVE_ERROR * (1.0 + 1e-9);
    // The steps of the tiers, of which most percentiles are stored, and some that merge intervals.
    for (range, step, error) in [
        (300, 1, error),
        (3600, 10, error),
        (3600, 60, error),
        (900, 30, error),
        (7200, 60, 2.0 * error),
    ] {
        recorded.judge_steps(range, step, error);
    }
}

#[test]
fn percentiles_across_a_restart_within_an_interval_are_those_of_all_its_values() {
    let mut bench = Bench::new();
    let mut values = Vec::new();
    // Half of the values of these ten seconds come before the restart, and they are the long ones.
    for (seconds, millis) in [(4, 800_u32), (2, 10)] {
        let work = bench.registry.latency(&WORK, &["restarted"]).expect("it is valid");
        for _ in 0..seconds {
            values.push(f64::from(millis) / 1e3);
            work.record(Duration::from_millis(millis.into()));
            bench.tick();
        }
        drop(work);
        // It is sampled once more, and then it is away.
        bench.ticks(2, |_| {});
    }
    values.sort_by(f64::total_cmp);
    for q in QUANTILES {
        let query = Query::new("work_seconds").last(SECOND * 10).step(SECOND * 10).quantile(q);
        let answer = bench.ask(query);
        let exact = values[(q * 6.0).ceil().max(1.0) as usize - 1];
        let seen = crate::values(&answer)[0].expect("there were values");
        assert!(
            (seen - exact).abs() <= exact * Layout::RELATIVE_ERROR,
            "{seen} for {exact} at {q}"
        );
    }
}

#[test]
fn percentiles_of_earlier_hours_have_twice_the_error() {
    let mut recorded = Recorded::new();
    recorded.run(3 * 3600);
    let error = Layout::RELATIVE_ERROR * (1.0 + 1e-9);
    recorded.judge(3600, 0, error);
    recorded.judge(3 * 3600, 2 * 3600, 2.0 * error);
}

#[test]
fn percentiles_are_in_the_buckets_of_another_histogram() {
    let package = testbed::require!(tools::h2histogram());
    let mut recorded = Recorded::new();
    recorded.run(1200);
    for (at, (kind, _)) in KINDS.iter().enumerate() {
        let values = recorded.seconds[at][300..].concat();
        let words: Vec<_> = values.iter().map(u64::to_string).collect();
        let mut command = package.command();
        command.args(["-c", BUCKETS]).args(QUANTILES.map(|q| q.to_string()));
        let printed = text_of(command, &words.join(" "));
        assert_eq!(printed.lines().count(), QUANTILES.len(), "{printed}");
        for (q, line) in QUANTILES.into_iter().zip(printed.lines()) {
            let bounds = line.split_once(' ').expect("two bounds");
            let (low, high) = (bounds.0.parse::<f64>(), bounds.1.parse::<f64>());
            let range = low.expect("a number")..high.expect("a number") + 1.0;
            let seen = 1e9 * recorded.quantile(kind, 900, 0, q);
            assert!(range.contains(&seen), "{kind}: {seen} ns at {q}, another has {range:?}");
        }
    }
}

/// Returns what a command prints for an input.
fn text_of(mut command: Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    // It reads all input before it prints.
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("it prints text")
}

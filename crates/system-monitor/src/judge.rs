//! The judgements of the process and of its runtimes.
//!
//! Lack of memory is one finding, about the process or its cgroup, whichever is nearer to the
//! limit.

use std::time::Duration;

use node0_metrics_core::{Finding, Judgement, LatencySummary};

use crate::reading::{ProcessLevels, Reading, mean};
use crate::thresholds::Thresholds;

/// The penalty of one worker that never sleeps while others do; too small to change the status.
const BUSY_WORKER: u8 = 8;

/// The penalty of a pause of the process; too small to change the status.
const PAUSED: u8 = 8;

/// Judges the process against its limits, and by the longest pause that ended in the last tick.
pub(crate) fn process(
    levels: &ProcessLevels,
    pause: Option<Duration>,
    limits: &Thresholds,
) -> Judgement {
    let memory = memory(levels).map(|(used, _)| used);
    let files = share(levels.open_fds, levels.max_fds);
    let summary = match (memory, files) {
        (Some(memory), _) => format!("Memory usage: {}", percent(memory)),
        (None, Some(files)) => format!("Open files: {}", percent(files)),
        (None, None) => {
            return Judgement::unknown("this platform does not tell what the process uses");
        }
    };
    Judgement::healthy(summary)
        .with_all(high_memory(levels, limits))
        .with_all(many_open_files(levels, limits))
        .with_all(pause.map(paused))
}

/// Judges each runtime by itself.
pub(crate) fn runtimes(runtimes: &[Reading<'_>], limits: &Thresholds) -> Judgement {
    let judged = runtimes.iter().map(|reading| (reading.name.clone(), runtime(reading, limits)));
    Judgement::of_instances("no runtime is attached", judged)
}

fn runtime(runtime: &Reading<'_>, limits: &Thresholds) -> Judgement {
    let stalled = stalled(runtime, limits);
    let lag = LatencySummary::merged(runtime.lag);
    if stalled.is_none() && lag.samples == 0 && mean(runtime.busy.iter().flatten()).is_none() {
        let name = &runtime.name;
        return Judgement::unknown(format!("runtime `{name}` was not seen at work yet"));
    }
    Judgement::healthy("Runtime keeps up")
        .with_all(stalled)
        .with_all(high_lag(runtime, lag, limits))
        .with_all(busy(runtime, limits))
}

/// Returns the used share of the memory limit, by the process or by its cgroup, whichever is more.
fn memory(levels: &ProcessLevels) -> Option<(f64, &'static str)> {
    let of = |used, whose| Some((share(used, levels.memory_limit_bytes)?, whose));
    let both = [
        of(levels.working_set_bytes, "of the cgroup"),
        of(levels.resident_bytes, "of the process"),
    ];
    both.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0))
}

fn high_memory(levels: &ProcessLevels, limits: &Thresholds) -> Option<Finding> {
    let limit = levels.memory_limit_bytes?;
    let (used, whose) = memory(levels)?;
    let finding = near_limit("high_memory", used, limits.memory_warn, limits.memory_fail)?;
    let (used, mebibytes) = (percent(used), limit / f64::from(1 << 20));
    let message = format!("Memory usage {whose}: {used} of {mebibytes:.0} MiB");
    let advice = "find what grows (a heap profile tells), or raise the memory limit";
    Some(finding.component("memory").message(message).advice(advice))
}

fn many_open_files(levels: &ProcessLevels, limits: &Thresholds) -> Option<Finding> {
    let used = share(levels.open_fds, levels.max_fds)?;
    let (warn, fail) = (limits.open_files_warn, limits.open_files_fail);
    let finding = near_limit("many_open_files", used, warn, fail)?;
    let message = format!("{} of {} files are open", levels.open_fds?, levels.max_fds?);
    let advice =
        "look for connections and files that are not closed, or raise the limit (ulimit -n)";
    Some(finding.component("files").message(message).advice(advice))
}

fn paused(pause: Duration) -> Finding {
    let seconds = pause.as_secs_f64();
    let message = format!("the whole process stood still for {seconds:.1} s");
    let advice = "look for a stop signal, a frozen container or a machine without free CPU time";
    let finding = Finding::warning("process_paused").penalty(PAUSED).beyond(seconds, 0.0);
    finding.component("process").message(message).advice(advice)
}

fn stalled(runtime: &Reading<'_>, limits: &Thresholds) -> Option<Finding> {
    let (name, limit) = (&runtime.name, limits.stalled.as_secs_f64());
    let stall = runtime.levels.stall_seconds.filter(|stall| *stall > limit)?;
    let message = format!("runtime `{name}` has woken no task for {stall:.3} s");
    let advice = "find the task that blocks a worker (a stack dump tells) and move its work to spawn_blocking";
    let finding = Finding::critical("runtime_stalled").beyond(stall, limit);
    Some(finding.message(message).advice(advice))
}

fn high_lag(runtime: &Reading<'_>, lag: LatencySummary, limits: &Thresholds) -> Option<Finding> {
    let p99 = lag.if_at_least(limits.min_wake_ups)?.p99?.as_secs_f64();
    let (warn, fail) = (limits.lag_warn.as_secs_f64(), limits.lag_fail.as_secs_f64());
    let name = &runtime.name;
    let message = format!("runtime `{name}`: one task in a hundred is woken {p99:.3} s late");
    let advice = "move work that blocks or computes for long to spawn_blocking";
    Some(above("high_runtime_lag", p99, warn, fail)?.message(message).advice(advice))
}

fn busy(runtime: &Reading<'_>, limits: &Thresholds) -> Option<Finding> {
    let (name, limit) = (&runtime.name, limits.busy_ratio);
    let beyond = |ratio: Option<f64>| ratio.filter(|ratio| *ratio > limit);
    if let Some(ratio) = beyond(mean(runtime.busy.iter().flatten())) {
        let message = format!("runtime `{name}`: its workers are busy for {}", percent(ratio));
        let advice = "shed load, or give the runtime more workers and the service more CPU";
        let finding = Finding::warning("busy_runtime").beyond(ratio, limit);
        return Some(finding.message(message).advice(advice));
    }
    let mut workers = runtime.busy.iter().enumerate();
    let (worker, ratio) = workers.find_map(|(worker, ratio)| Some((worker, beyond(*ratio)?)))?;
    let message = format!("runtime `{name}`: worker {worker} is busy for {}", percent(ratio));
    let advice = "look for a task that computes or blocks for long without an await";
    let finding = Finding::warning("busy_worker").penalty(BUSY_WORKER).beyond(ratio, limit);
    Some(finding.message(message).advice(advice))
}

/// Returns a finding if the used share of a limit is above one of two thresholds; to be at the
/// limit is critical, whatever the thresholds.
fn near_limit(code: &'static str, used: f64, warn: f64, fail: f64) -> Option<Finding> {
    if used >= 1.0 {
        return Some(Finding::critical(code).beyond(used, fail.min(1.0)));
    }
    above(code, used, warn, fail)
}

/// Returns a finding if a value is above the first or the second of two limits.
fn above(code: &'static str, value: f64, warn: f64, fail: f64) -> Option<Finding> {
    if value > fail {
        Some(Finding::critical(code).beyond(value, fail))
    } else if value > warn {
        Some(Finding::warning(code).beyond(value, warn))
    } else {
        None
    }
}

/// Returns the used share of a limit; `None` if either is unknown.
fn share(used: Option<f64>, limit: Option<f64>) -> Option<f64> {
    let (used, limit) = (used?, limit?);
    (limit > 0.0).then(|| used / limit)
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

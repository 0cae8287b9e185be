//! The judgements of the process and of its runtimes.
//!
//! Each finding takes a fixed number of points: a warning as many as make one
//! finding degraded, a failure as many as make it unhealthy. Of the memory of
//! the process and that of its cgroup only the one nearer to the limit is a
//! finding, since both are the same shortage.

use std::borrow::Cow;
use std::time::Duration;

use metrics_core::{Assessment, Issue, Severity};

use crate::metrics::Lag;
use crate::reading::Reading;
use crate::thresholds::Thresholds;
use crate::vitals::Vitals;

const RUNTIMES_HEALTHY: &str = "Runtime keeps up";

/// The points of a warning and of a failure.
const WARNING: u8 = 20;
const FAILURE: u8 = 40;
/// One worker that never sleeps while others do: worth a look, and no status.
const BUSY_WORKER: u8 = 8;

/// The process against its limits.
pub(crate) fn process(vitals: &Vitals, thresholds: &Thresholds) -> Assessment {
    let resident = share(vitals.resident_memory, vitals.memory_limit);
    let files = share(vitals.open_fds, vitals.max_fds);
    let Some(summary) = summary(resident, files) else {
        return Assessment::unknown("this platform does not tell what the process uses");
    };
    let findings = [memory(vitals, resident, thresholds), open_files(vitals, files, thresholds)];
    judge(Assessment::healthy(summary), findings)
}

/// The worst of several runtimes, with the issues of all.
pub(crate) fn runtimes(runtimes: &[Reading<'_>], thresholds: &Thresholds) -> Assessment {
    let judged = runtimes.iter().map(|reading| runtime(reading, thresholds));
    let worst = judged.reduce(Assessment::worst);
    worst.unwrap_or_else(|| Assessment::unknown("no runtime is attached"))
}

/// One runtime.
pub(crate) fn runtime(runtime: &Reading<'_>, thresholds: &Thresholds) -> Assessment {
    let stalled = stalled(runtime, thresholds);
    let wake_ups = runtime.lag.map_or(0, |lag| lag.window().samples());
    if stalled.is_none() && wake_ups == 0 && runtime.busy_ratio().is_none() {
        let unknown = format!("runtime `{}` was not seen at work yet", runtime.name());
        return Assessment::unknown(unknown);
    }
    let lag = (wake_ups >= thresholds.min_wake_ups).then(|| lag(runtime, thresholds)).flatten();
    judge(Assessment::healthy(RUNTIMES_HEALTHY), [stalled, lag, busy(runtime, thresholds)])
}

/// An issue with what it costs and what to do.
struct Finding {
    penalty: u8,
    issue: Issue,
    advice: &'static str,
}

fn judge<const N: usize>(fine: Assessment, findings: [Option<Finding>; N]) -> Assessment {
    findings
        .into_iter()
        .flatten()
        .fold(fine, |judged, finding| judged.with(finding.penalty, finding.issue, finding.advice))
}

fn finding(
    (code, severity, penalty): (&'static str, Severity, u8),
    component: &str,
    (observed, threshold): (f64, f64),
    message: String,
    advice: &'static str,
) -> Finding {
    let component = component.to_owned();
    let issue = Issue { code, severity, component, observed, threshold, message };
    Finding { penalty, issue, advice }
}

/// Which of two rising thresholds a value is above, with what that is and costs.
fn above(value: f64, warn: f64, fail: f64) -> Option<(Severity, u8, f64)> {
    if value > fail {
        Some((Severity::Critical, FAILURE, fail))
    } else if value > warn {
        Some((Severity::Warning, WARNING, warn))
    } else {
        None
    }
}

fn summary(memory: Option<f64>, files: Option<f64>) -> Option<Cow<'static, str>> {
    match (memory, files) {
        (Some(memory), _) => Some(format!("Memory usage: {}", percent(memory)).into()),
        (None, Some(files)) => Some(format!("Open files: {}", percent(files)).into()),
        (None, None) => None,
    }
}

fn memory(vitals: &Vitals, resident: Option<f64>, thresholds: &Thresholds) -> Option<Finding> {
    let cgroup = share(vitals.working_set, vitals.memory_limit).unwrap_or(f64::NAN);
    let resident = resident.unwrap_or(f64::NAN);
    let cgroup_leads = cgroup > resident || resident.is_nan();
    let (used, whose) =
        if cgroup_leads { (cgroup, "of the cgroup") } else { (resident, "of the process") };
    let (severity, penalty, threshold) =
        above(used, thresholds.memory_warn, thresholds.memory_fail)?;
    let limit = vitals.memory_limit? / f64::from(1 << 20);
    Some(finding(
        ("high_memory", severity, penalty),
        "memory",
        (used, threshold),
        format!("Memory usage {whose}: {} of {limit:.0} MiB", percent(used)),
        "find what grows (a heap profile tells), or raise the memory limit",
    ))
}

fn open_files(vitals: &Vitals, used: Option<f64>, thresholds: &Thresholds) -> Option<Finding> {
    let used = used?;
    let (severity, penalty, threshold) =
        above(used, thresholds.open_files_warn, thresholds.open_files_fail)?;
    Some(finding(
        ("many_open_files", severity, penalty),
        "files",
        (used, threshold),
        format!("{} of {} files are open", vitals.open_fds?, vitals.max_fds?),
        "look for connections and files that are not closed, or raise the limit (ulimit -n)",
    ))
}

fn stalled(runtime: &Reading<'_>, thresholds: &Thresholds) -> Option<Finding> {
    let (stall, threshold) = (runtime.stall?, thresholds.stalled);
    (stall > threshold).then(|| {
        finding(
            ("runtime_stalled", Severity::Critical, FAILURE),
            runtime.name(),
            (stall.as_secs_f64(), threshold.as_secs_f64()),
            format!("runtime `{}` has woken no task for {}", runtime.name(), seconds(stall)),
            "find the task that blocks a worker (a stack dump tells) and move its work to spawn_blocking",
        )
    })
}

fn lag(runtime: &Reading<'_>, thresholds: &Thresholds) -> Option<Finding> {
    let p99 = Lag::of(std::slice::from_ref(runtime)).p99?;
    let (warn, fail) = (thresholds.lag_warn.as_secs_f64(), thresholds.lag_fail.as_secs_f64());
    let (severity, penalty, threshold) = above(p99.as_secs_f64(), warn, fail)?;
    Some(finding(
        ("high_runtime_lag", severity, penalty),
        runtime.name(),
        (p99.as_secs_f64(), threshold),
        format!(
            "runtime `{}`: one task in a hundred is woken {} late",
            runtime.name(),
            seconds(p99)
        ),
        "move work that blocks or computes for long to spawn_blocking",
    ))
}

fn busy(runtime: &Reading<'_>, thresholds: &Thresholds) -> Option<Finding> {
    let (ratio, threshold) = (runtime.busy_ratio()?, thresholds.busy_ratio);
    if ratio > threshold {
        return Some(finding(
            ("busy_runtime", Severity::Warning, WARNING),
            runtime.name(),
            (ratio, threshold),
            format!("runtime `{}`: its workers are busy for {}", runtime.name(), percent(ratio)),
            "shed load, or give the runtime more workers and the service more CPU",
        ));
    }
    let workers = runtime.busy.iter().enumerate();
    let (worker, ratio) = workers
        .filter_map(|(worker, ratio)| Some((worker, (*ratio)?)))
        .find(|(_, ratio)| *ratio > threshold)?;
    Some(finding(
        ("busy_worker", Severity::Warning, BUSY_WORKER),
        runtime.name(),
        (ratio, threshold),
        format!("runtime `{}`: worker {worker} is busy for {}", runtime.name(), percent(ratio)),
        "look for a task that computes or blocks for long without an await",
    ))
}

/// The share of a limit that is used; of no limit there is none.
fn share(used: Option<f64>, limit: Option<f64>) -> Option<f64> {
    let (used, limit) = (used?, limit?);
    (limit > 0.0).then(|| used / limit)
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

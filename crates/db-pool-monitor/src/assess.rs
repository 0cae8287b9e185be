//! The judgement of a pool.
//!
//! Each finding takes a fixed number of points, so the same numbers are always
//! judged alike, and the share of failed waits takes more the higher it is: a
//! pool whose waits all fail ends near zero. A short queue is how a pool of the
//! right size works at its limit, so it costs a few points and no status.
//!
//! A pool with no open connection and no recent attempt is unknown: nothing has
//! shown that its database is there. One that is merely idle is judged by what
//! it holds.

use std::time::Duration;

use metrics_core::{Assessment, DEGRADED_FROM, Issue, Severity};

use crate::levels::PoolLevels;
use crate::reading::Reading;

const HEALTHY: &str = "Database pool healthy";

const EXHAUSTED: u8 = 8;
const LONG_QUEUE: u8 = 15;
const STALLED: u8 = 20;
const SLOW: u8 = 20;
const CONNECT_FAILURES: u8 = 15;
const TIMEOUTS: u8 = 15;
const LEAKS: u8 = 20;
/// What the error rate takes from its threshold on, and what it takes more up to 1.
const ERRORS: (f64, f64) = (20.0, 60.0);

/// The worst of several pools, with the issues of all.
pub(crate) fn all(pools: &[Reading<'_>]) -> Assessment {
    let judged = pools.iter().map(pool).reduce(Assessment::worst);
    judged.unwrap_or_else(|| Assessment::unknown("no database pool is attached"))
}

/// One pool.
pub(crate) fn pool(pool: &Reading<'_>) -> Assessment {
    let is_open = pool.levels.size().is_some_and(|size| size > 0);
    let is_asked = pool.recent_attempts() > 0 || oldest_wait(pool).is_some();
    if !is_open && !is_asked {
        let unknown = format!("pool `{}` has no connection and was not asked", pool.name());
        return Assessment::unknown(unknown);
    }
    let findings = [
        errors(pool),
        connect_failures(pool),
        timeouts(pool),
        exhausted(pool),
        long_queue(pool),
        stalled(pool),
        slow(pool),
        leaks(pool),
    ];
    let found = findings.into_iter().flatten();
    let judged = found.fold(Assessment::healthy(HEALTHY), |judged, finding| {
        judged.with(finding.penalty, finding.issue, finding.advice)
    });
    if pool.thresholds().required { judged } else { judged.at_least(DEGRADED_FROM) }
}

/// An issue with what it costs and what to do.
struct Finding {
    penalty: u8,
    issue: Issue,
    advice: &'static str,
}

fn finding(
    pool: &Reading<'_>,
    (code, severity, penalty): (&'static str, Severity, u8),
    (observed, threshold): (f64, f64),
    message: String,
    advice: &'static str,
) -> Finding {
    let issue = Issue {
        code,
        severity,
        component: pool.name().to_owned(),
        observed,
        threshold,
        message: format!("pool `{}`: {message}", pool.name()),
    };
    Finding { penalty, issue, advice }
}

fn errors(pool: &Reading<'_>) -> Option<Finding> {
    let (errors, attempts) = (pool.recent_errors(), pool.recent_attempts());
    let rate = errors as f64 / attempts as f64;
    let threshold = pool.thresholds().error_rate;
    // Without attempts the rate is not a number, which is above nothing.
    (rate > threshold).then(|| {
        let penalty = (ERRORS.0 + ERRORS.1 * rate).round() as u8;
        finding(
            pool,
            ("high_error_rate", Severity::Critical, penalty),
            (rate, threshold),
            format!("{errors} of {attempts} recent waits got no connection"),
            "check that the database is reachable, and that its `max_connections` allows the pool's maximum size",
        )
    })
}

fn connect_failures(pool: &Reading<'_>) -> Option<Finding> {
    let failed = pool.failed.recent;
    (failed > 0).then(|| {
        finding(
            pool,
            ("connect_failures", Severity::Warning, CONNECT_FAILURES),
            (failed as f64, 0.0),
            format!("{failed} recent waits failed because no connection could be opened"),
            "check the database's address and credentials, and its `max_connections`",
        )
    })
}

fn timeouts(pool: &Reading<'_>) -> Option<Finding> {
    let timed_out = pool.timed_out.recent;
    (timed_out > 0).then(|| {
        finding(
            pool,
            ("wait_timeouts", Severity::Warning, TIMEOUTS),
            (timed_out as f64, 0.0),
            format!("{timed_out} recent waits timed out"),
            "look for slow queries and long transactions, or raise the pool's maximum size",
        )
    })
}

fn exhausted(pool: &Reading<'_>) -> Option<Finding> {
    let PoolLevels { used, max, waiting, .. } = pool.levels;
    let (used, max, waiting) = (used?, max?, waiting?);
    (waiting > 0 && pool.levels.size()? >= max).then(|| {
        finding(
            pool,
            ("pool_exhausted", Severity::Warning, EXHAUSTED),
            (used as f64, max as f64),
            format!("all {max} connections are in use and {waiting} callers wait"),
            "hold connections for a shorter time, or raise the pool's maximum size",
        )
    })
}

fn long_queue(pool: &Reading<'_>) -> Option<Finding> {
    let (waiting, threshold) = (pool.levels.waiting?, pool.thresholds().waiting_clients);
    (waiting > threshold).then(|| {
        finding(
            pool,
            ("long_wait_queue", Severity::Critical, LONG_QUEUE),
            (waiting as f64, threshold as f64),
            format!("{waiting} callers wait for a connection"),
            "shed load before the pool, or raise its maximum size",
        )
    })
}

fn stalled(pool: &Reading<'_>) -> Option<Finding> {
    let (waited, threshold) = (oldest_wait(pool)?, pool.thresholds().stalled_wait);
    (waited > threshold).then(|| {
        finding(
            pool,
            ("stalled_wait", Severity::Critical, STALLED),
            (waited.as_secs_f64(), threshold.as_secs_f64()),
            format!("a caller has waited for {}", seconds(waited)),
            "set the pool's wait and create timeouts, and check that the database answers",
        )
    })
}

fn slow(pool: &Reading<'_>) -> Option<Finding> {
    let window = &pool.waits?.window();
    let threshold = pool.thresholds().slow_wait;
    let p95 = Duration::try_from_secs_f64(window.buckets().quantile(0.95)?).ok()?;
    (p95 > threshold && window.samples() >= pool.thresholds().min_waits).then(|| {
        finding(
            pool,
            ("slow_waits", Severity::Warning, SLOW),
            (p95.as_secs_f64(), threshold.as_secs_f64()),
            format!("one wait in twenty takes {} or longer", seconds(p95)),
            "hold connections for a shorter time, or raise the pool's maximum size",
        )
    })
}

fn leaks(pool: &Reading<'_>) -> Option<Finding> {
    let tracked = pool.tracked.as_ref()?;
    let (leaked, threshold) = (tracked.leaked, pool.thresholds().leak_after);
    (leaked > 0).then(|| {
        let oldest = tracked.oldest_use.unwrap_or(threshold);
        finding(
            pool,
            ("leaked_connections", Severity::Warning, LEAKS),
            (oldest.as_secs_f64(), threshold.as_secs_f64()),
            format!(
                "{leaked} connections are held for longer than {}, one for {}",
                seconds(threshold),
                seconds(oldest)
            ),
            "give the connections back (the report's `leaks` name the lines that took them), or raise `leak_after`",
        )
    })
}

fn oldest_wait(pool: &Reading<'_>) -> Option<Duration> {
    pool.tracked.as_ref()?.oldest_wait
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

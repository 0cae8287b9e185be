//! The judgement of pools.
//!
//! Each finding has a fixed penalty, except that of failed waits, which grows with their share: a
//! pool whose waits all fail scores near zero. A short queue is normal for a pool of the right
//! size at its limit, so its penalty is too small to change the status.
//!
//! A pool without open connections and recent attempts is unknown, since nothing shows that its
//! database can be reached. An idle pool with open connections is judged.

use std::time::Duration;

use node0_metrics_core::{DEGRADED_FROM, Finding, Histogram, Judgement, LatencySummary};

use crate::cells::Outcome;
use crate::reading::{Reading, age};

/// The penalty of an error rate at its threshold, and the additional penalty at 1.
const ERRORS: (f64, f64) = (20.0, 60.0);

/// A use that takes so many times longer than 99 of 100 others is stalled.
const FAR_OVER: u32 = 10;

/// Judges pools; the topic gets the score of the worst.
pub(crate) fn all(pools: &[Reading<'_>]) -> Judgement {
    let judged = pools.iter().map(|one| (one.name.clone(), pool(one)));
    Judgement::of_instances("no database pool is attached", judged)
}

fn pool(pool: &Reading<'_>) -> Judgement {
    let is_open = pool.levels.size().is_some_and(|size| size > 0);
    let is_asked = pool.recent_attempts() > 0 || pool.oldest_wait().is_some();
    if !is_open && !is_asked {
        let name = &pool.name;
        return Judgement::unknown(format!("pool `{name}` has no connection and was not asked"));
    }
    let found = [
        errors(pool),
        connect_failures(pool),
        timeouts(pool),
        exhausted(pool),
        long_queue(pool),
        stalled(pool),
        slow_waits(pool),
        slow_uses(pool),
        stalled_use(pool),
        leaks(pool),
    ];
    let judgement = Judgement::healthy("Database pool healthy");
    let judgement = judgement.with_all(found.into_iter().flatten());
    if pool.thresholds.required { judgement } else { judgement.at_least(DEGRADED_FROM) }
}

fn errors(pool: &Reading<'_>) -> Option<Finding> {
    let (name, limit) = (&pool.name, pool.thresholds.error_rate);
    let (errors, attempts) = (pool.recent_errors(), pool.recent_attempts());
    let rate = errors as f64 / attempts as f64;
    // Without attempts the rate is NaN, and the comparison is false.
    (rate > limit).then(|| {
        Finding::critical("high_error_rate")
            .penalty((ERRORS.0 + ERRORS.1 * rate).round() as u8)
            .beyond(rate, limit)
            .message(format!("pool `{name}`: {errors} of {attempts} recent waits got no connection"))
            .advice("check that the database is reachable, and that its `max_connections` allows the pool's maximum size")
    })
}

fn connect_failures(pool: &Reading<'_>) -> Option<Finding> {
    let (name, failed) = (&pool.name, pool.ends.outcomes[Outcome::Failed].recent);
    (failed > 0).then(|| {
        Finding::warning("connect_failures")
            .penalty(15)
            .beyond(failed as f64, 0.0)
            .message(format!(
                "pool `{name}`: {failed} recent waits failed because no connection could be opened"
            ))
            .advice("check the database's address and credentials, and its `max_connections`")
    })
}

fn timeouts(pool: &Reading<'_>) -> Option<Finding> {
    let (name, timed_out) = (&pool.name, pool.ends.outcomes[Outcome::TimedOut].recent);
    (timed_out > 0).then(|| {
        Finding::warning("wait_timeouts")
            .penalty(15)
            .beyond(timed_out as f64, 0.0)
            .message(format!("pool `{name}`: {timed_out} recent waits timed out"))
            .advice("look for slow queries and long transactions, or raise the pool's maximum size")
    })
}

fn exhausted(pool: &Reading<'_>) -> Option<Finding> {
    let (name, levels) = (&pool.name, pool.levels);
    let (used, max, waiting) = (levels.used?, levels.max?, levels.waiting?);
    (waiting > 0 && levels.size()? >= max).then(|| {
        Finding::warning("pool_exhausted")
            .penalty(8)
            .beyond(used as f64, max as f64)
            .message(format!(
                "pool `{name}`: all {max} connections are in use and {waiting} callers wait"
            ))
            .advice("hold connections for a shorter time, or raise the pool's maximum size")
    })
}

fn long_queue(pool: &Reading<'_>) -> Option<Finding> {
    let (name, limit) = (&pool.name, pool.thresholds.waiting_clients);
    let waiting = pool.levels.waiting.filter(|waiting| *waiting > limit)?;
    let finding = Finding::critical("long_wait_queue")
        .penalty(15)
        .beyond(waiting as f64, limit as f64)
        .message(format!("pool `{name}`: {waiting} callers wait for a connection"))
        .advice("shed load before the pool, or raise its maximum size");
    Some(finding)
}

fn stalled(pool: &Reading<'_>) -> Option<Finding> {
    let (name, limit) = (&pool.name, pool.thresholds.stalled_wait);
    let waited = pool.oldest_wait().filter(|waited| *waited > limit)?;
    let finding = Finding::critical("stalled_wait")
        .penalty(20)
        .beyond(waited.as_secs_f64(), limit.as_secs_f64())
        .message(format!("pool `{name}`: a caller has waited for {}", seconds(waited)))
        .advice("set the pool's wait and create timeouts, and check that the database answers");
    Some(finding)
}

fn slow_waits(pool: &Reading<'_>) -> Option<Finding> {
    let (name, limits) = (&pool.name, pool.thresholds);
    let p95 = slow(pool.ends.wait, limits.slow_wait, limits.min_waits)?;
    let finding = Finding::warning("slow_waits")
        .beyond(p95.as_secs_f64(), limits.slow_wait.as_secs_f64())
        .message(format!("pool `{name}`: one wait in twenty takes {} or longer", seconds(p95)))
        .advice("hold connections for a shorter time, or raise the pool's maximum size");
    Some(finding)
}

fn slow_uses(pool: &Reading<'_>) -> Option<Finding> {
    let (name, limits) = (&pool.name, pool.thresholds);
    let p95 = slow(pool.ends.hold, limits.slow_use, limits.min_waits)?;
    let finding = Finding::warning("slow_uses")
        .beyond(p95.as_secs_f64(), limits.slow_use.as_secs_f64())
        .message(format!("pool `{name}`: one use in twenty takes {} or longer", seconds(p95)))
        .advice("look for slow queries and for work that is done while a connection is held, or raise `slow_use`");
    Some(finding)
}

/// Finds a use that goes on far longer than others did; its end would be too late to tell of it.
fn stalled_use(pool: &Reading<'_>) -> Option<Finding> {
    let (name, limits) = (&pool.name, pool.thresholds);
    let oldest = age(pool.tracked.as_ref()?.oldest_use)?;
    let usual = LatencySummary::merged(pool.ends.hold).if_at_least(limits.min_waits)?.p99?;
    let limit = limits.stalled_use.max(usual.saturating_mul(FAR_OVER));
    let (now, usual) = (seconds(oldest), seconds(usual));
    let finding = Finding::warning("stalled_use")
        .penalty(20)
        .beyond(oldest.as_secs_f64(), limit.as_secs_f64())
        .message(format!(
            "pool `{name}`: a connection has been in use for {now}, and 99 of 100 uses take {usual} at most"
        ))
        .advice("check that the database answers, and limit the time of statements on the server and in the client, or raise `stalled_use`");
    (oldest > limit).then_some(finding)
}

/// Returns the 95th percentile if it is longer than the limit.
fn slow(times: Option<&Histogram>, limit: Duration, min: u64) -> Option<Duration> {
    let p95 = LatencySummary::merged(times).if_at_least(min)?.p95;
    p95.filter(|p95| *p95 > limit)
}

fn leaks(pool: &Reading<'_>) -> Option<Finding> {
    let (name, limit) = (&pool.name, pool.thresholds.leak_after);
    let tracked = pool.tracked.as_ref()?;
    let leaked = tracked.leaked.filter(|leaked| *leaked > 0.0)?;
    let oldest = age(tracked.oldest_use).unwrap_or(limit);
    let (longer, one) = (seconds(limit), seconds(oldest));
    let finding = Finding::warning("leaked_connections")
        .beyond(oldest.as_secs_f64(), limit.as_secs_f64())
        .message(format!("pool `{name}`: {leaked} connections are held for longer than {longer}, one for {one}"))
        .advice("give the connections back (the report's `leaks` name the lines that took them), or raise `leak_after`");
    Some(finding)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

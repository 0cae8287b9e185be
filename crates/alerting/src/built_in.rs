//! The rules that come with node0, as one table.
//!
//! Each has a page in `docs/runbooks` with the reason of its threshold. The times are meant
//! for production: long enough that nobody is woken for what passes by itself.

use std::time::Duration;

use node0_metrics_core::Severity;

use crate::condition::{Findings, Metric};
use crate::rule::Rule;

/// The folder with a page for each rule.
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/runbooks");

/// Returns the rules that come with node0, in the order in which they are listed.
///
/// | rule | condition | for |
/// | --- | --- | --- |
/// | `HighP95Latency` | 95th percentile of an operation over 1 s | 5 min |
/// | `ThroughputCollapsed` | rate under a tenth of its hourly mean, which is 1 per second or more | 5 min |
/// | `LowCacheHitRate` | hit rate of a tier under 70 % | 10 min |
/// | `PoolWaitQueue` | more than 5 callers wait for a connection | 2 min |
/// | `PoolFailing` | too large a share of waits fails (finding `high_error_rate`) | 1 min |
/// | `CircuitOpen` | the breaker is open | 1 min |
/// | `CircuitFailureRate` | over 50 % of calls fail or time out | 2 min |
/// | `HighMemory` | over 90 % of the memory limit is in use | 5 min |
/// | `RuntimeLag` | 99th percentile of the lag over 100 ms | 5 min |
/// | `MonitorFinding` | any other finding of a monitor, also of your own | 5 min |
///
/// ```
/// let names: Vec<_> = node0_alerting::built_in().into_iter().map(|rule| rule.name).collect();
/// assert!(names.contains(&"CircuitOpen".into()));
/// ```
pub fn built_in() -> Vec<Rule> {
    let rules = [performance(), cache(), database(), breakers(), system(), others()];
    let linked = rules.into_iter().flatten().map(|rule| {
        let page = format!("{PAGES}/{}.md", rule.name);
        rule.runbook(page)
    });
    linked.collect()
}

fn performance() -> Vec<Rule> {
    let latency = Metric::new("operation_duration_seconds").by(["operation"]).quantile(0.95);
    let throughput = Metric::new("operations_total").by(["operation"]).share_of_hourly_mean();
    vec![
        Rule::new("HighP95Latency", latency.min_data(20.0).above(1.0))
            .group("performance_alerts")
            .topic("performance")
            .lasting(minutes(5))
            .keep_firing_for(minutes(1))
            .severity(Severity::Warning)
            .covers("performance", "slow_operation")
            .summary("`{operation}` takes {value} at the 95th percentile, more than {threshold}")
            .description("One call in twenty of this operation takes this long or longer.")
            .remedy("Look for what became slow with it: the database pool, a cache, a circuit. If nothing did, profile the operation."),
        Rule::new("ThroughputCollapsed", throughput.min_data(1.0).below(0.1))
            .group("performance_alerts")
            .topic("performance")
            .lasting(minutes(5))
            .severity(Severity::Critical)
            .summary("`{operation}` has {value} of its usual traffic")
            .description("Less is done than a tenth of the last hour's mean: callers cannot reach the service, or give up.")
            .remedy("Check what is before the service: the load balancer, its health checks, the callers. Then check the readiness of the service."),
    ]
}

fn cache() -> Vec<Rule> {
    let hits = Metric::new("cache_gets_total")
        .by(["cache", "tier"])
        .share("result", ["hit"], ["hit", "miss"])
        .min_data(20.0);
    vec![
        Rule::new("LowCacheHitRate", hits.below(0.7))
            .group("cache_alerts")
            .topic("cache")
            .lasting(minutes(10))
            .keep_firing_for(minutes(1))
            .severity(Severity::Warning)
            .covers("cache", "low_hit_rate")
            .summary("cache tier {component}: {value} of lookups hit, less than {threshold}")
            .description("What is not in the cache is loaded from slower places, which get more load.")
            .remedy("Raise the entries' time to live or the tier's maximum size, or look for keys that never repeat."),
    ]
}

fn database() -> Vec<Rule> {
    let waiting = Metric::new("db_client_pending_requests").by(["pool"]);
    vec![
        Rule::new("PoolWaitQueue", waiting.above(5.0))
            .group("database_alerts")
            .topic("database")
            .lasting(minutes(2))
            .severity(Severity::Warning)
            .inhibited_by("PoolFailing")
            .covers("database", "long_wait_queue")
            .summary("pool {pool}: {value} callers wait for a connection, more than {threshold}")
            .description("All connections are taken, and requests wait for one before they do anything.")
            .remedy("Look for slow queries and long transactions, shed load before the pool, or raise its maximum size."),
        Rule::new("PoolFailing", Findings::new("database", "high_error_rate"))
            .group("database_alerts")
            .topic("database")
            .lasting(minutes(1))
            .severity(Severity::Critical)
            .description("Callers get errors and timeouts in place of connections.")
            .remedy("Check that the database is reachable, that its `max_connections` allows the pool's maximum size, and for slow queries."),
    ]
}

fn breakers() -> Vec<Rule> {
    let open = Metric::new("circuit_breaker_state").only("state", "open").by(["circuit"]);
    let failures = Metric::new("circuit_breaker_calls_total")
        .by(["circuit"])
        .share("outcome", ["failure", "timeout"], ["success", "failure", "timeout"])
        .min_data(10.0);
    vec![
        Rule::new("CircuitOpen", open.reaching(1.0))
            .group("circuit_breaker_alerts")
            .topic("circuit-breaker")
            .lasting(minutes(1))
            .severity(Severity::Critical)
            .covers("circuit-breaker", "circuit_open")
            .summary("circuit {circuit}: the breaker is open")
            .description("Calls are rejected without being tried, since too many failed before.")
            .remedy("Bring back the service behind the circuit; the breaker tries it again after the wait that it is set to."),
        Rule::new("CircuitFailureRate", failures.above(0.5))
            .group("circuit_breaker_alerts")
            .topic("circuit-breaker")
            .lasting(minutes(2))
            .severity(Severity::Warning)
            .inhibited_by("CircuitOpen")
            .covers("circuit-breaker", "high_failure_rate")
            .summary("circuit {circuit}: {value} of calls fail, more than {threshold}")
            .description("Calls fail or time out, and the breaker is not open.")
            .remedy("Look at the errors of the service behind the circuit, and at the network between."),
    ]
}

fn system() -> Vec<Rule> {
    let memory =
        Metric::new("process_resident_memory_bytes").divided_by("process_memory_limit_bytes");
    let lag = Metric::new("tokio_lag_seconds").by(["runtime"]).quantile(0.99).min_data(100.0);
    vec![
        Rule::new("HighMemory", memory.above(0.9))
            .group("system_alerts")
            .topic("system")
            .component("memory")
            .lasting(minutes(5))
            .severity(Severity::Critical)
            .summary("the process uses {value} of its memory limit, more than {threshold}")
            .description("At the limit the kernel ends the process.")
            .remedy("Find what grows (a heap profile tells), or raise the memory limit."),
        Rule::new("RuntimeLag", lag.above(0.1))
            .group("system_alerts")
            .topic("runtime")
            .lasting(minutes(5))
            .keep_firing_for(minutes(1))
            .severity(Severity::Warning)
            .covers("runtime", "high_runtime_lag")
            .summary("runtime {runtime}: one task in a hundred is woken {value} late")
            .description(
                "Workers are blocked or overloaded, so everything on this runtime is late.",
            )
            .remedy(
                "Move work that blocks or computes for long to `spawn_blocking`, or shed load.",
            ),
    ]
}

fn others() -> Vec<Rule> {
    vec![
        Rule::new("MonitorFinding", Findings::any())
            .group("monitor_alerts")
            .lasting(minutes(5))
            .inhibited_by("HighMemory")
            .inhibited_by("CircuitOpen")
            .inhibited_by("PoolFailing")
            .description("A monitor has reported this finding (`{code}`) for some minutes."),
    ]
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

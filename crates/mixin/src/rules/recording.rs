//! Recording rules: series that are computed once and read often.
//!
//! Boards over days and questions across services read these series in place of every bucket of
//! every instance. A name is `level:metric:operations`: the labels that the series has, the metric
//! without `_total`, and what was done to it, the last operation first. Percentiles cannot be added
//! or averaged, so the buckets are recorded too: sum those, and take the quantile last.

/// A series that Prometheus computes at each evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingRule {
    /// The name of the series.
    pub name: String,
    /// The expression.
    pub expression: String,
}

/// The percentiles that are recorded.
const QUANTILES: [(&str, &str); 3] = [("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99")];

/// The levels: a service, and an instance of it.
const SERVICE: &[&str] = &["namespace", "job"];
const INSTANCE: &[&str] = &["namespace", "job", "instance"];

/// Returns the recording rules; each reads only metrics, or rules before it.
pub fn recording_rules() -> Vec<RecordingRule> {
    let mut rules = latency();
    rules.push(rate(SERVICE, &["operation"], "operations"));
    rules.push(ratio(
        SERVICE,
        &["cache", "tier"],
        "cache_gets:hit_ratio_rate5m",
        |by| format!("sum by ({by}) (rate(cache_gets_total{{result=\"hit\"}}[5m]))"),
        |by| format!("sum by ({by}) (rate(cache_gets_total[5m]))"),
    ));
    rules.push(ratio(
        INSTANCE,
        &["pool"],
        "db_client_connections:used_ratio",
        |by| format!("sum by ({by}) (db_client_connections{{state=\"used\"}})"),
        |by| format!("sum by ({by}) (db_client_connections_max)"),
    ));
    rules.push(ratio(
        INSTANCE,
        &["circuit"],
        "circuit_breaker_calls:failed_ratio_rate5m",
        |by| calls(by, "failure|timeout"),
        |by| calls(by, "success|failure|timeout"),
    ));
    rules.push(ratio(
        INSTANCE,
        &[],
        "process_resident_memory_bytes:limit_ratio",
        |by| format!("sum by ({by}) (process_resident_memory_bytes)"),
        |by| format!("sum by ({by}) (process_memory_limit_bytes)"),
    ));
    rules
}

/// The buckets of operations, summed over the instances, and percentiles of them.
fn latency() -> Vec<RecordingRule> {
    let by = by(SERVICE, &["operation", "le"]);
    let buckets = RecordingRule {
        name: name(SERVICE, &["operation", "le"], "operation_duration_seconds_bucket:sum_rate5m"),
        expression: format!("sum by ({by}) (rate(operation_duration_seconds_bucket[5m]))"),
    };
    let percentiles = QUANTILES.map(|(quantile, word)| RecordingRule {
        name: name(SERVICE, &["operation"], &format!("operation_duration_seconds:{word}_rate5m")),
        // A quantile without traffic is NaN, which is not 0 or more.
        expression: format!("histogram_quantile({quantile}, {}) >= 0", buckets.name),
    });
    [buckets].into_iter().chain(percentiles).collect()
}

fn rate(level: &[&str], labels: &[&str], metric: &str) -> RecordingRule {
    let by = by(level, labels);
    RecordingRule {
        name: name(level, labels, &format!("{metric}:sum_rate5m")),
        expression: format!("sum by ({by}) (rate({metric}_total[5m]))"),
    }
}

/// Returns the rule for a ratio; without a whole it has no result.
fn ratio(
    level: &[&str],
    labels: &[&str],
    rest: &str,
    part: impl Fn(&str) -> String,
    whole: impl Fn(&str) -> String,
) -> RecordingRule {
    let by = by(level, labels);
    RecordingRule {
        name: name(level, labels, rest),
        expression: format!("{} / ({} > 0)", part(&by), whole(&by)),
    }
}

fn calls(by: &str, outcomes: &str) -> String {
    format!("sum by ({by}) (rate(circuit_breaker_calls_total{{outcome=~\"{outcomes}\"}}[5m]))")
}

fn name(level: &[&str], labels: &[&str], rest: &str) -> String {
    format!("{}:{rest}", [level, labels].concat().join("_"))
}

fn by(level: &[&str], labels: &[&str]) -> String {
    [level, labels].concat().join(", ")
}

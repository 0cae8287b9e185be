//! The names in a condition that the service does not have.
//!
//! A rule whose metric has a spelling mistake never fires, and without a word about it would look as
//! good as a rule over a healthy service. The metric may still come, so it is no error either.

use node0_metrics_core::{Family, Kind, Labels, Sample, Snapshot};

use crate::condition::{Condition, Findings, Matcher, Metric, Operator, Statistic};

/// Returns what a condition names and a sample does not have, with what to do.
pub(crate) fn missing(condition: &Condition, sample: &Sample) -> Option<String> {
    match condition {
        Condition::Metric(threshold) => of_metric(&threshold.metric, &sample.snapshot),
        Condition::Finding(findings) => of_findings(findings, sample),
    }
}

fn of_metric(metric: &Metric, snapshot: &Snapshot) -> Option<String> {
    let name = &metric.name;
    let Some(family) = snapshot.family(name) else { return Some(absent(name)) };
    let Some((labels, _)) = family.series().next() else { return Some(absent(name)) };
    if let Some(wanted) = wanted_kind(&metric.statistic, family.desc.kind) {
        return Some(format!("`{name}` has no such statistic: it needs {wanted}"));
    }
    let share = match &metric.statistic {
        Statistic::Share { label, .. } => Some(label),
        _ => None,
    };
    if let Some(key) = metric.by.iter().chain(share).find(|key| labels.get(key).is_none()) {
        let known: Vec<_> = labels.iter().map(|(key, _)| key).collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        return Some(format!("`{name}` has no label `{key}`: it has {known}"));
    }
    if !any_matches(metric, family) {
        return Some(format!("no series of `{name}` has these labels: correct `where`, or wait"));
    }
    let Statistic::DividedBy(divisor) = &metric.statistic else { return None };
    snapshot.family(divisor).is_none().then(|| absent(divisor))
}

fn absent(name: &str) -> String {
    format!("there is no metric `{name}` now: correct the name, or wait until something records it")
}

fn any_matches(metric: &Metric, family: Family<'_>) -> bool {
    // That there are only series which a rule leaves out is no mistake.
    let is_wanted = |matcher: &&Matcher| matcher.operator == Operator::Is;
    let matches = |labels: &Labels| {
        let mut wanted = metric.matchers.iter().filter(is_wanted);
        wanted.all(|matcher| matcher.matches(labels.get(&matcher.key)))
    };
    family.series().any(|(labels, _)| matches(labels))
}

/// Returns the kind of metric that a statistic needs, if it is not this one.
fn wanted_kind(statistic: &Statistic, kind: Kind) -> Option<&'static str> {
    let is_buckets = matches!(kind, Kind::Latency | Kind::Distribution);
    match statistic {
        Statistic::Value | Statistic::DividedBy(_) => {
            is_buckets.then_some("a gauge; of a latency take a quantile or the mean")
        }
        Statistic::Quantile(_) | Statistic::Mean => {
            (!is_buckets).then_some("a latency or distribution")
        }
        Statistic::Rate | Statistic::Share { .. } | Statistic::ShareOfHourlyMean => {
            (kind != Kind::Counter).then_some("a counter")
        }
    }
}

fn of_findings(findings: &Findings, sample: &Sample) -> Option<String> {
    let wanted = findings.topic.as_deref()?;
    let known: Vec<_> = sample.topics.iter().map(|health| health.topic.name).collect();
    (!known.contains(&wanted))
        .then(|| format!("no monitor has the topic `{wanted}`: there are {}", known.join(", ")))
}

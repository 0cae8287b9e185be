//! Rules about one query: names, matchers, functions, ranges, labels.

use promql_parser::parser::{BinaryExpr, Expr, LabelModifier};

use super::Context;
use crate::catalogue::Kind;
use crate::promql::{Expression, Matcher, RATE_INTERVAL, Selector, without_parentheses};

/// The series that Prometheus makes itself, with the labels that it adds.
const OF_PROMETHEUS: &[&str] =
    &["up", "scrape_duration_seconds", "scrape_samples_post_metric_relabeling"];
/// Names that other programs export too, most of all Prometheus itself.
const OF_EVERYBODY: &[&str] = &[
    "process_cpu_seconds_total",
    "process_heap_bytes",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_uptime_seconds",
    "process_virtual_memory_bytes",
    "process_virtual_memory_max_bytes",
];
/// The labels that a scrape adds.
const OF_TARGETS: &[&str] = &["job", "instance", "namespace"];
/// Functions that need a counter.
const OF_COUNTERS: &[&str] = &["rate", "increase", "resets"];

/// Returns what is wrong with a query; one of an alert rule has the ranges of the rule.
pub(super) fn findings(
    expression: &Expression,
    legend: &str,
    is_of_rule: bool,
    context: &Context,
) -> Vec<String> {
    let mut found = Vec::new();
    for selector in expression.selectors() {
        found.extend(names(&selector, context));
        found.extend(targets(&selector));
        found.extend(functions(&selector, is_of_rule, context));
        if !is_guarded(&selector) {
            let name = selector.name;
            found.push(format!(
                "other programs export `{name}` too: join it with a metric that node0 alone exports"
            ));
        }
    }
    for (_, node) in expression.nodes() {
        found.extend(of_node(node, context));
    }
    found.extend(legend_labels(expression, legend, context));
    found
}

/// The metric and the keys of the matchers exist.
pub(crate) fn names(selector: &Selector<'_>, context: &Context) -> Vec<String> {
    let name = selector.name;
    if OF_PROMETHEUS.contains(&name) {
        return Vec::new();
    }
    let Some(metric) = context.catalogue.metric_of(name) else {
        return vec![format!("there is no metric `{name}`")];
    };
    let is_known = |key: &str| {
        metric.labels.iter().any(|label| label == key)
            || OF_TARGETS.contains(&key)
            || (key == "le" && name.ends_with("_bucket"))
    };
    let unknown = selector.matchers.iter().filter(|matcher| !is_known(matcher.key));
    unknown.map(|matcher| format!("`{name}` has no label `{}`", matcher.key)).collect()
}

/// Each selector follows the variables of the board.
fn targets(selector: &Selector<'_>) -> Vec<String> {
    let follows = |key, value| selector.matchers.contains(&Matcher { key, sign: "=~", value });
    if follows("job", "$job") && follows("instance", "$instance") {
        return Vec::new();
    }
    let name = selector.name;
    vec![format!("`{name}` must have `job=~\"$job\", instance=~\"$instance\"`")]
}

/// Counters are under `rate`, gauges are not, and ranges follow the scrape interval.
fn functions(selector: &Selector<'_>, is_of_rule: bool, context: &Context) -> Vec<String> {
    let name = selector.name;
    let mut found = Vec::new();
    let function = match selector.around.last() {
        Some(Expr::Call(call)) => call.func.name,
        _ => "",
    };
    if function == "irate" {
        found.push(format!(
            "`{name}` is under `irate`, which skips all but two samples: use `rate`"
        ));
    }
    if selector.range.is_some_and(|range| range != RATE_INTERVAL)
        && OF_COUNTERS.contains(&function)
        && !is_of_rule
    {
        found.push(format!("`{name}` has a fixed range: use `[$__rate_interval]`"));
    }
    let is_counter = match context.catalogue.metric_of(name) {
        Some(metric) => metric.kind != Kind::Gauge,
        None => return found,
    };
    let is_rated = OF_COUNTERS.contains(&function) || function == "irate";
    match (is_counter, is_rated) {
        (true, false) => found.push(format!("`{name}` only grows: use `rate`")),
        (false, true) => found.push(format!("`{name}` is no counter: `{function}` needs one")),
        _ => {}
    }
    found
}

/// A metric that others export too is joined with one that tells whose it is.
fn is_guarded(selector: &Selector<'_>) -> bool {
    let is_shared = |name: &str| OF_EVERYBODY.contains(&name) || OF_PROMETHEUS.contains(&name);
    if !is_shared(selector.name) {
        return true;
    }
    selector.around.iter().any(|node| match node {
        Expr::Binary(binary) if binary.op.to_string() != "or" => {
            selectors_in(binary).iter().any(|name| !is_shared(name))
        }
        _ => false,
    })
}

fn selectors_in(binary: &BinaryExpr) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![&*binary.lhs, &*binary.rhs];
    while let Some(node) = open.pop() {
        match node {
            Expr::VectorSelector(vector) => names.extend(vector.name.clone()),
            Expr::MatrixSelector(matrix) => names.extend(matrix.vs.name.clone()),
            Expr::Aggregate(it) => open.push(&it.expr),
            Expr::Binary(it) => open.extend([&*it.lhs, &*it.rhs]),
            Expr::Paren(it) => open.push(&it.expr),
            Expr::Subquery(it) => open.push(&it.expr),
            Expr::Unary(it) => open.push(&it.expr),
            Expr::Call(it) => open.extend(it.args.args.iter().map(|argument| &**argument)),
            _ => {}
        }
    }
    names
}

fn of_node(node: &Expr, context: &Context) -> Vec<String> {
    match node {
        Expr::Aggregate(aggregate) => {
            let operator = aggregate.op.to_string();
            let mut found = Vec::new();
            if operator == "avg" || operator == "quantile" {
                found.push(format!(
                    "`{operator}` over instances hides the worst of them: use `max`, or `sum`"
                ));
            }
            let inner = Expression::labels_of(&aggregate.expr, &context.catalogue);
            if let (Some(LabelModifier::Include(keys)), Some(inner)) = (&aggregate.modifier, inner)
            {
                let lost = keys
                    .labels
                    .iter()
                    .filter(|key| !inner.contains(*key) && !OF_TARGETS.contains(&key.as_str()));
                found.extend(
                    lost.map(|key| format!("`{operator} by ({key})`: there is no such label")),
                );
            }
            found
        }
        Expr::Call(call) if call.func.name == "histogram_quantile" => {
            let buckets = call.args.args.get(1).map(|buckets| &**buckets);
            let labels = buckets.map(|it| Expression::labels_of(it, &context.catalogue));
            let has_le = labels.is_none_or(|keys| keys.is_none_or(|keys| keys.contains("le")));
            let quantile = call.args.args.first().map(|it| without_parentheses(it));
            let is_share =
                matches!(quantile, Some(Expr::NumberLiteral(it)) if (0.0..=1.0).contains(&it.val));
            let mut found = Vec::new();
            if !has_le {
                found.push("`histogram_quantile` needs the label `le`".to_owned());
            }
            if !is_share {
                found.push("`histogram_quantile` needs a quantile from 0 to 1".to_owned());
            }
            found
        }
        Expr::Call(call) if call.func.name == "vector" => {
            vec!["`vector` hides that there are no data".to_owned()]
        }
        Expr::Binary(binary) if binary.op.to_string() == "/" => ratio(binary),
        _ => Vec::new(),
    }
}

/// Both sides of a ratio are summed by the same labels, or joined on purpose.
fn ratio(binary: &BinaryExpr) -> Vec<String> {
    let is_joined = binary.modifier.as_ref().is_some_and(|it| it.matching.is_some());
    let (Some(above), Some(below)) = (grouping(&binary.lhs), grouping(&binary.rhs)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if above.0 != below.0 {
        found.push(format!("divides `{}` by `{}`", above.0, below.0));
    }
    if !is_joined && above.1 != below.1 {
        found.push("both sides of a ratio must be summed by the same labels".to_owned());
    }
    found
}

/// Returns the operator and the sorted labels of an aggregation.
fn grouping(node: &Expr) -> Option<(String, Vec<String>)> {
    match without_parentheses(node) {
        Expr::Aggregate(aggregate) => {
            let mut keys = match &aggregate.modifier {
                Some(LabelModifier::Include(keys)) => keys.labels.clone(),
                Some(LabelModifier::Exclude(_)) => return None,
                None => Vec::new(),
            };
            keys.sort();
            Some((aggregate.op.to_string(), keys))
        }
        Expr::Binary(binary) => grouping(&binary.lhs).or_else(|| grouping(&binary.rhs)),
        _ => None,
    }
}

/// The labels that a legend names are in the result.
fn legend_labels(expression: &Expression, legend: &str, context: &Context) -> Vec<String> {
    let Some(labels) = expression.labels(&context.catalogue) else { return Vec::new() };
    let named = legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    let lost = named.map(str::trim).filter(|key| !labels.contains(*key));
    lost.map(|key| format!("the legend names `{key}`, which results do not have")).collect()
}

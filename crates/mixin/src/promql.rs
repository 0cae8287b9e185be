//! PromQL expressions as the lint sees them: selectors, what encloses them, and result labels.
//!
//! The parser checks types, so `rate(sum(x))` is refused here. Variables of Grafana are filled
//! with durations that nobody writes, so that the lint can tell them from fixed ranges.

use std::collections::BTreeSet;
use std::time::Duration;

use promql_parser::label::MatchOp;
use promql_parser::parser::{
    self, BinaryExpr, Expr, LabelModifier, VectorMatchCardinality, VectorSelector,
};

use crate::catalogue::{Catalogue, Kind};

/// The range that stands for `$__rate_interval`.
pub(crate) const RATE_INTERVAL: Duration = Duration::from_millis(61_007);

/// The variables of Grafana that are durations, with what stands for each.
const DURATIONS: [(&str, &str); 3] =
    [("$__rate_interval", "61007ms"), ("$__interval", "15007ms"), ("$__range", "3607007ms")];

/// A parsed expression.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    root: Expr,
}

/// An expression that Prometheus would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no PromQL: {reason}")]
pub(crate) struct ExpressionError {
    text: String,
    reason: String,
}

/// A selector of series, and the nodes around it.
#[derive(Clone, Debug)]
pub(crate) struct Selector<'a> {
    /// The name of the series, empty if there is none.
    pub(crate) name: &'a str,
    /// The matchers: key, sign and value.
    pub(crate) matchers: Vec<Matcher<'a>>,
    /// The range in brackets.
    pub(crate) range: Option<Duration>,
    /// The nodes around the selector, the innermost last.
    pub(crate) around: Vec<&'a Expr>,
}

/// A condition on a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matcher<'a> {
    /// The key of the label.
    pub(crate) key: &'a str,
    /// The comparison: `=`, `!=`, `=~` or `!~`.
    pub(crate) sign: &'static str,
    /// The value or the regular expression.
    pub(crate) value: &'a str,
}

impl Expression {
    /// Parses an expression, and checks the types of its parts.
    ///
    /// # Errors
    /// [`ExpressionError`] with the parser's reason.
    pub(crate) fn parse(text: &str) -> Result<Self, ExpressionError> {
        let filled = DURATIONS.iter().fold(text.to_owned(), |text, (name, duration)| {
            text.replace(&format!("[{name}"), &format!("[{duration}"))
        });
        match parser::parse(&filled) {
            Ok(root) => Ok(Self { root }),
            Err(reason) => Err(ExpressionError { text: text.to_owned(), reason }),
        }
    }

    /// Returns the outermost node.
    pub(crate) fn root(&self) -> &Expr {
        &self.root
    }

    /// Returns all nodes, each with the nodes around it, the innermost last.
    pub(crate) fn nodes(&self) -> Vec<(Vec<&Expr>, &Expr)> {
        let mut found = Vec::new();
        walk(&self.root, &mut Vec::new(), &mut found);
        found
    }

    /// Returns the selectors, in the order of the text.
    pub(crate) fn selectors(&self) -> Vec<Selector<'_>> {
        let nodes = self.nodes().into_iter();
        let selectors = nodes.filter_map(|(around, node)| match node {
            Expr::VectorSelector(vector) => Some(selector(vector, None, around)),
            Expr::MatrixSelector(matrix) => Some(selector(&matrix.vs, Some(matrix.range), around)),
            _ => None,
        });
        selectors.collect()
    }

    /// Returns the keys of the labels that results have, or `None` if they are not known.
    pub(crate) fn labels(&self, catalogue: &Catalogue) -> Option<BTreeSet<String>> {
        labels(&self.root, catalogue)
    }

    /// Returns the keys of the labels of a part of an expression.
    pub(crate) fn labels_of(node: &Expr, catalogue: &Catalogue) -> Option<BTreeSet<String>> {
        labels(node, catalogue)
    }
}

fn selector<'a>(
    vector: &'a VectorSelector,
    range: Option<Duration>,
    around: Vec<&'a Expr>,
) -> Selector<'a> {
    let matchers = vector.matchers.matchers.iter().map(|one| Matcher {
        key: &one.name,
        sign: match one.op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Re(_) => "=~",
            MatchOp::NotRe(_) => "!~",
        },
        value: &one.value,
    });
    let name = vector.name.as_deref().unwrap_or_default();
    Selector { name, matchers: matchers.collect(), range, around }
}

fn walk<'a>(
    node: &'a Expr,
    around: &mut Vec<&'a Expr>,
    found: &mut Vec<(Vec<&'a Expr>, &'a Expr)>,
) {
    found.push((around.clone(), node));
    around.push(node);
    for child in children(node) {
        walk(child, around, found);
    }
    around.pop();
}

fn children(node: &Expr) -> Vec<&Expr> {
    match node {
        Expr::Aggregate(aggregate) => {
            aggregate.param.iter().chain([&aggregate.expr]).map(|child| &**child).collect()
        }
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Call(call) => call.args.args.iter().map(|child| &**child).collect(),
        _ => Vec::new(),
    }
}

/// Returns the expression inside parentheses.
pub(crate) fn without_parentheses(node: &Expr) -> &Expr {
    match node {
        Expr::Paren(paren) => without_parentheses(&paren.expr),
        other => other,
    }
}

fn set(keys: &[String]) -> BTreeSet<String> {
    keys.iter().cloned().collect()
}

fn labels(node: &Expr, catalogue: &Catalogue) -> Option<BTreeSet<String>> {
    match node {
        Expr::VectorSelector(vector) => of_series(vector, catalogue),
        Expr::MatrixSelector(matrix) => of_series(&matrix.vs, catalogue),
        Expr::Aggregate(aggregate) => match &aggregate.modifier {
            Some(LabelModifier::Include(keys)) => Some(set(&keys.labels)),
            Some(LabelModifier::Exclude(keys)) => {
                let inner = labels(&aggregate.expr, catalogue)?;
                Some(&inner - &set(&keys.labels))
            }
            None => Some(BTreeSet::new()),
        },
        Expr::Call(call) => {
            let inner = call.args.args.iter().find_map(|argument| match &**argument {
                Expr::NumberLiteral(_) | Expr::StringLiteral(_) => None,
                vector => Some(labels(vector, catalogue)),
            });
            let mut keys = inner.unwrap_or_else(|| Some(BTreeSet::new()))?;
            match call.func.name {
                "histogram_quantile" => {
                    keys.remove("le");
                }
                "label_replace" | "label_join" => {
                    if let Some(Expr::StringLiteral(key)) = call.args.args.get(1).map(|it| &**it) {
                        keys.insert(key.val.clone());
                    }
                }
                "absent" | "absent_over_time" => return None,
                _ => {}
            }
            Some(keys)
        }
        Expr::Unary(unary) => labels(&unary.expr, catalogue),
        Expr::Paren(paren) => labels(&paren.expr, catalogue),
        Expr::Subquery(subquery) => labels(&subquery.expr, catalogue),
        Expr::Binary(binary) => of_binary(binary, catalogue),
        _ => Some(BTreeSet::new()),
    }
}

fn of_series(vector: &VectorSelector, catalogue: &Catalogue) -> Option<BTreeSet<String>> {
    let name = vector.name.as_deref()?;
    let metric = catalogue.metric_of(name)?;
    let mut keys: BTreeSet<_> = metric.labels.iter().cloned().collect();
    keys.extend(["job".to_owned(), "instance".to_owned()]);
    if metric.kind == Kind::Histogram && name.ends_with("_bucket") {
        keys.insert("le".to_owned());
    }
    Some(keys)
}

fn of_binary(binary: &BinaryExpr, catalogue: &Catalogue) -> Option<BTreeSet<String>> {
    let is_number = |side: &Expr| matches!(without_parentheses(side), Expr::NumberLiteral(_));
    if is_number(&binary.lhs) {
        return labels(&binary.rhs, catalogue);
    }
    let left = labels(&binary.lhs, catalogue)?;
    if is_number(&binary.rhs) {
        return Some(left);
    }
    match binary.op.to_string().as_str() {
        "and" | "unless" => return Some(left),
        // A series has the labels of its side, so only those of both sides are certain.
        "or" => return Some(&left & &labels(&binary.rhs, catalogue)?),
        _ => {}
    }
    let Some(modifier) = &binary.modifier else { return Some(left) };
    match (&modifier.card, &modifier.matching) {
        (VectorMatchCardinality::ManyToOne(more), _) => Some(&left | &set(&more.labels)),
        (VectorMatchCardinality::OneToMany(more), _) => {
            Some(&labels(&binary.rhs, catalogue)? | &set(&more.labels))
        }
        (_, Some(LabelModifier::Include(keys))) => Some(set(&keys.labels)),
        (_, Some(LabelModifier::Exclude(keys))) => Some(&left - &set(&keys.labels)),
        (_, None) => Some(left),
    }
}

/// Adds matchers to each selector of an expression, and leaves its text as it is otherwise.
///
/// # Errors
/// [`ExpressionError`] if the text is no expression.
pub(crate) fn with_matchers(text: &str, matchers: &str) -> Result<String, ExpressionError> {
    let parsed = Expression::parse(text)?;
    let names: BTreeSet<_> = parsed.selectors().iter().map(|it| it.name.to_owned()).collect();
    let mut written = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '$';
        let length = match first {
            // Strings and label lists have no metric names.
            '"' => end_of_string(rest),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        written.push_str(token);
        rest = after;
        if names.contains(token) {
            rest = match rest.trim_start().strip_prefix('{') {
                Some(inside) => {
                    let end = end_of_braces(inside);
                    let own = inside[..end].trim().trim_end_matches(',');
                    let comma = if own.is_empty() { "" } else { ", " };
                    written.push_str(&format!("{{{own}{comma}{matchers}}}"));
                    inside[end..].strip_prefix('}').unwrap_or_default()
                }
                None => {
                    written.push_str(&format!("{{{matchers}}}"));
                    rest
                }
            };
        }
    }
    Ok(written)
}

/// Returns the length of the string literal that `text` begins with.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// Returns the place of the brace that closes a list of matchers.
fn end_of_braces(inside: &str) -> usize {
    let mut at = 0;
    while let Some(next) = inside[at..].find(['"', '}']) {
        at += next;
        if inside[at..].starts_with('}') {
            return at;
        }
        at += end_of_string(&inside[at..]);
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#"job=~"$job""#;

    #[test]
    fn each_selector_gets_the_matchers() {
        let check = |text: &str, expected: &str| {
            assert_eq!(with_matchers(text, OURS).as_deref(), Ok(expected));
        };
        check("up", r#"up{job=~"$job"}"#);
        check(
            r#"sum by (pool) (rate(a_total{x="}", y="a"}[$__rate_interval])) / sum(b{})"#,
            r#"sum by (pool) (rate(a_total{x="}", y="a", job=~"$job"}[$__rate_interval])) / sum(b{job=~"$job"})"#,
        );
        check(r#"sum by (le) (x{le="x"})"#, r#"sum by (le) (x{le="x", job=~"$job"})"#);
    }

    #[test]
    fn wrong_type_is_refused() {
        let error = Expression::parse("rate(sum(a_total))").expect_err("a vector is no range");
        assert!(error.to_string().starts_with("`rate(sum(a_total))` is no PromQL"), "{error}");
        assert!(Expression::parse("nosuch(a)").is_err());
        assert!(Expression::parse(r#"a{b=~"("}"#).is_err());
    }

    #[test]
    fn labels_of_results_follow_from_the_aggregations() {
        let page = "| `w_seconds` | histogram | `pool` |  | W. |\n| `g` | gauge | `pool`, `state` |  | G. |\n";
        let catalogue = Catalogue::parse(page).expect("a page");
        let check = |text: &str, expected: &[&str]| {
            let labels = Expression::parse(text).expect("PromQL").labels(&catalogue);
            let expected = expected.iter().map(|&key| key.to_owned()).collect();
            assert_eq!(labels, Some(expected), "{text}");
        };
        check("g", &["instance", "job", "pool", "state"]);
        check("sum by (pool) (g) / 2", &["pool"]);
        check("histogram_quantile(0.9, sum by (pool, le) (rate(w_seconds_bucket[5m])))", &["pool"]);
        check("max without (instance, job) (g)", &["pool", "state"]);
        check("sum(g) / on () group_left () max(g)", &[]);
        check("g and on (pool) w_seconds_sum", &["instance", "job", "pool", "state"]);
        check("sum by (pool) (g) / on (pool) sum by (pool, state) (g)", &["pool"]);
    }
}

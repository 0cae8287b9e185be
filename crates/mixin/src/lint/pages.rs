//! Rules about documents: a metric that a page names exists.
//!
//! A word in backquotes or in a block of code is taken for a metric of node0 if it looks like one:
//! it begins like a family of metrics, or ends like a counter or a unit.

use crate::catalogue::Catalogue;

/// How metrics of node0 begin.
const BEGINNINGS: &[&str] = &[
    "cgroup_",
    "circuit_breaker_",
    "db_client_",
    "http_server_",
    "node0_",
    "operation_",
    "operations_",
    "process_",
    "tokio_",
];
/// Words that look like metrics and are none: the library that CONTRIBUTING.md adds as an example.
const NO_METRICS: &[&str] = &["node0_lock_monitor"];

/// Returns the metrics that a page names and that do not exist, each with the page and the line.
pub fn page_findings(path: &str, text: &str, catalogue: &Catalogue) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        let code: Vec<&str> =
            if is_code { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for word in code.iter().flat_map(|code| words(code)) {
            if looks_like_a_metric(word) && !exists(word, catalogue) {
                let line = at + 1;
                found.push(format!("{path}:{line}: there is no metric `{word}`"));
            }
        }
    }
    found
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
}

fn looks_like_a_metric(word: &str) -> bool {
    let is_plain = word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let begins = BEGINNINGS.iter().any(|start| word.starts_with(start) && word.len() > start.len());
    is_plain && begins && !word.ends_with('_') && !NO_METRICS.contains(&word)
}

/// A name of a whole family, as in documents about histograms, is one too.
fn exists(word: &str, catalogue: &Catalogue) -> bool {
    catalogue.metric_of(word).is_some() || catalogue.names().any(|name| name == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_that_is_gone_is_found_with_its_line() {
        let page = "| `node0_a_total` | counter |  |  | A. |\n";
        let catalogue = Catalogue::parse(page).expect("a page");
        let text = "Text node0_b.\n`node0_a_total` and `rate(node0_b_total[5m])`\n```promql\nnode0_c\n```\n";
        let findings = page_findings("docs/a.md", text, &catalogue);
        assert_eq!(
            findings,
            [
                "docs/a.md:2: there is no metric `node0_b_total`",
                "docs/a.md:4: there is no metric `node0_c`",
            ]
        );
    }
}

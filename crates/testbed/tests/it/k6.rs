//! The unpacked k6 runs a script and tells its summary.

use testbed::k6::RunError;
use testbed::{k6, tools};

use crate::page;

/// A script whose one check holds if the page has this text.
fn script(text: &str) -> String {
    format!(
        "import http from 'k6/http';\n\
         import {{ check }} from 'k6';\n\
         export const options = {{ thresholds: {{ checks: ['rate==1'] }} }};\n\
         export default () => {{\n\
         const answer = http.get(`http://${{__ENV.ADDRESS}}/`);\n\
         check(answer, {{ page: () => answer.body === '{text}' }});\n\
         }};\n"
    )
}

#[test]
fn script_counts_its_checks_and_a_threshold_fails_the_run() {
    let tool = testbed::require!(tools::k6());
    let address = page::serve("text/plain", "hello");
    let summary = k6::run(&tool, &script("hello"), address, 30).expect("a good run");
    assert_eq!(summary["metrics"]["checks"]["passes"], 1, "{summary}");
    let error = k6::run(&tool, &script("other"), address, 30).expect_err("a failed check");
    assert!(matches!(error, RunError::Failed { .. }), "{error}");
}

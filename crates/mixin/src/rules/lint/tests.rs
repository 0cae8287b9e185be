use super::*;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const METRICS: &str = include_str!("../../../../../docs/metrics.md");

/// Checks what is found in the rule `PoolWaitQueue` after a change.
fn check(change: impl FnOnce(&mut AlertRule), expected: &[&str]) {
    let catalogue = Catalogue::parse(METRICS).expect("the page is well-formed");
    let lint = Lint { root: Path::new(ROOT), catalogue: &catalogue, recorded: BTreeSet::new() };
    let mut rules = alert_rules().into_iter();
    let mut rule = rules.find(|rule| rule.name == "PoolWaitQueue").expect("it is a rule");
    change(&mut rule);
    assert_eq!(lint.alert(&rule), expected);
}

fn check_condition(condition: &str, expected: &[&str]) {
    check(|rule| rule.condition = condition.to_owned(), expected);
}

fn check_recording(name: &str, expression: &str, expected: &[&str]) {
    let catalogue = Catalogue::parse(METRICS).expect("the page is well-formed");
    let lint = Lint { root: Path::new(ROOT), catalogue: &catalogue, recorded: BTreeSet::new() };
    let rule = RecordingRule { name: name.to_owned(), expression: expression.to_owned() };
    assert_eq!(lint.recording(&rule), expected);
}

#[test]
fn shipped_rules_are_clean() {
    let catalogue = Catalogue::parse(METRICS).expect("the page is well-formed");
    assert_eq!(findings(Path::new(ROOT), &catalogue), [] as [String; 0]);
}

#[test]
fn selectors_name_metrics_and_labels_that_exist() {
    check_condition(
        "sum by (namespace, job) (db_waiting) > 5",
        &["names `db_waiting`, which is no metric"],
    );
    check_condition(
        "sum by (namespace, job) (db_client_pending_requests{tier=\"L1\"}) > 5",
        &["matches tier, which `db_client_pending_requests` has not"],
    );
    check_condition(
        "sum by (namespace, job, tier) (db_client_pending_requests) > 5",
        &["groups by tier, which no series has"],
    );
    check_condition(
        "sum by (namespace, job) (db_client_pending_requests{pool=~\"main\"}) > 5",
        &["matches pool by an expression of one value"],
    );
}

#[test]
fn functions_fit_the_kind_of_the_metric() {
    check_condition(
        "sum by (namespace, job) (operations_total) > 5",
        &["reads `operations_total`, a counter, by no function"],
    );
    check_condition(
        "sum by (namespace, job) (rate(db_client_pending_requests[5m])) > 5",
        &["reads `db_client_pending_requests`, a gauge, by rate"],
    );
    check_condition(
        "sum by (namespace, job) (rate(operations_total[1m])) > 5",
        &["has a range of less than four scrapes for `operations_total`"],
    );
}

#[test]
fn alerts_compare_and_keep_services_apart() {
    check_condition(
        "sum by (namespace, job) (db_client_pending_requests)",
        &["compares nothing, so it fires for every series"],
    );
    check_condition(
        "sum by (pool) (db_client_pending_requests) > 5",
        &["groups by [\"pool\"], and so mixes services up"],
    );
    check(
        |rule| rule.lasting = std::time::Duration::from_secs(15),
        &["fires for one bad scrape: give it a `for` of a minute or more"],
    );
}

#[test]
fn texts_are_there_and_name_labels_of_the_result() {
    check(|rule| rule.summary = String::new(), &["has no summary"]);
    check(
        |rule| rule.summary = "{{ $labels.tier }}".to_owned(),
        &["has the label tier in its summary, and not in its result"],
    );
    check(
        |rule| rule.summary = "{{ $value }}".to_owned(),
        &["writes the value in its summary with all digits"],
    );
    check(
        |rule| rule.description = "It is full.".to_owned(),
        &["does not tell the value in its description"],
    );
    check(|rule| rule.severity = "page", &["has the severity page"]);
    check(
        |rule| rule.name = "pool_queue".to_owned(),
        &["is not named in CamelCase", "has no page docs/runbooks/pool_queue.md"],
    );
}

#[test]
fn records_are_named_after_their_labels() {
    check_recording("a:b", "1", &["is not named level:metric:operations"]);
    check_recording(
        "job_pool:db_client_pending_requests:sum",
        "sum by (namespace, job, pool) (db_client_pending_requests)",
        &["groups by [\"namespace\", \"job\", \"pool\"], and its name says job_pool"],
    );
    check_recording(
        "job:x:sum",
        "sum by (job",
        &["`sum by (job` is no PromQL: unclosed left parenthesis"],
    );
}

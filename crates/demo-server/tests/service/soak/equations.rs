//! The equations between the demo's counters and the ledger of its clients, once all is answered.

use std::collections::BTreeMap;

use super::ledger::{Answer, Answers};
use super::page::{Page, label};

/// The causes of a 503 or 500 that the demo tells apart by their messages.
const REJECTED: &str = "payments are off for the moment";
const LATE: &str = "the payment service did not answer within";
const REFUSED: &str = "the payment service answered";
const AWAY: &str = "the payment service does not answer";
const BUSY: &str = "the database is overloaded or unreachable";
const UNANSWERED: &str = "the database gives no answer";

/// Returns the equations that do not hold.
pub(crate) fn broken(page: &Page, answers: &Answers) -> Vec<String> {
    let mut broken = requests(page, answers);
    for (what, ours, theirs) in numbers(page, answers) {
        if ours != theirs {
            broken.push(format!("{what}: {ours} on the page, {theirs} expected"));
        }
    }
    broken.extend(page.miscounted());
    broken
}

/// Compares all requests by method, route and status: none is missing, and none is too many.
fn requests(page: &Page, answers: &Answers) -> Vec<String> {
    let keys = ["http_request_method", "http_route", "http_response_status_code"];
    let counts = page.samples("http_server_request_duration_seconds_count");
    let counts = counts.filter(|(_, count)| *count > 0.0);
    let counted: BTreeMap<_, _> =
        counts.map(|(labels, count)| (keys.map(|key| label(labels, key)), count as u64)).collect();
    let sent = answers.by_status();
    if counted == sent {
        return Vec::new();
    }
    vec![format!("requests: {counted:?} on the page, {sent:?} in the ledger")]
}

/// Returns the equations between two numbers each: on the page, and as they should be.
fn numbers(page: &Page, answers: &Answers) -> Vec<(&'static str, f64, f64)> {
    let count = |is_meant: &dyn Fn(&Answer) -> bool| answers.count(is_meant) as f64;
    let because = |cause: &'static str| count(&move |it| it.message.starts_with(cause));
    let is_order = |it: &Answer| it.route == "/orders";
    let is_read = |it: &Answer| it.route == "/orders/{id}";
    let is_ours = |it: &Answer| matches!(it.route, "/metrics" | "/health/live");
    let (orders, reads) = (count(&is_order), count(&is_read));
    let unpaid = [REJECTED, LATE, REFUSED, AWAY].map(because).iter().sum::<f64>();
    let operation = |name: &str| {
        page.sum("operation_duration_seconds_count", &[&format!("operation=\"{name}\"")])
    };
    let calls = |outcome: &str| {
        let labels = ["circuit=\"payment-service\"", &format!("outcome=\"{outcome}\"")];
        page.sum("circuit_breaker_calls_total", &labels)
    };
    let pool = |name: &str| page.sum(&format!("db_client_{name}"), &["pool=\"main\""]);
    let acquired = page.sum("db_client_acquires_total", &["pool=\"main\"", "outcome=\"acquired\""]);
    let tier = |name: &str, labels: &[&str]| page.sum(&format!("cache_{name}"), labels);
    let (first, second) = ("tier=\"L1\"", "tier=\"L2\"");
    let second_failed = tier("errors_total", &[second, "operation=\"get\""]);
    let second_missed = tier("gets_total", &[second, "result=\"miss\""]) + second_failed;
    let first_missed = tier("gets_total", &[first, "result=\"miss\""]);
    let loads = |outcome: &str| tier("loads_total", &[first, &format!("outcome=\"{outcome}\"")]);
    let lost = count(&|it| is_read(it) && it.status == 404);
    let failed_reads = count(&|it| is_read(it) && it.status != 200);
    vec![
        ("requests of users", operation("http:request"), count(&|it| !is_ours(it))),
        ("orders placed", page.sum("orders_placed_total", &[]), count(&|it| it.status == 201)),
        ("orders lost", lost, 0.0),
        ("orders:create", operation("orders:create"), orders),
        ("orders:read", operation("orders:read"), reads),
        ("payments", calls("success"), orders - unpaid),
        ("payments refused", calls("failure"), because(REFUSED) + because(AWAY)),
        ("payments too late", calls("timeout"), because(LATE)),
        ("payments rejected", calls("rejected"), because(REJECTED)),
        ("payments given up", calls("cancelled"), 0.0),
        (
            "payment calls",
            page.sum("circuit_breaker_call_duration_seconds_count", &[]),
            calls("success") + calls("failure") + calls("timeout"),
        ),
        ("waits for a connection", pool("acquires_total"), orders - unpaid + second_missed),
        ("waits without one", pool("acquires_total") - acquired, because(BUSY)),
        ("waits timed", pool("wait_duration_seconds_count"), pool("acquires_total")),
        ("uses timed", pool("use_duration_seconds_count"), acquired),
        (
            "connections handed out",
            pool("connections_opened_total") + pool("connections_recycled_total"),
            acquired,
        ),
        (
            "connections taken",
            page.sum("db_client_connections_discarded_total", &["pool=\"main\"", "\"taken\""]),
            because(UNANSWERED),
        ),
        ("reads in memory", tier("gets_total", &[first]), reads),
        ("loads", loads("success"), first_missed - failed_reads),
        ("loads that failed", loads("failure"), failed_reads),
        ("lookups in redis", tier("gets_total", &[second]) + second_failed, first_missed),
        (
            "promotions",
            tier("promotions_total", &[first]),
            tier("gets_total", &[second, "result=\"hit\""]),
        ),
        ("scrapes", page.sum("node0_scrapes_total", &[]), count(&|it| it.route == "/metrics")),
        ("refused requests", page.sum("node0_requests_refused_total", &[]), 0.0),
        ("values dropped", page.sum("node0_values_dropped_total", &[]), 0.0),
        ("values clamped", page.sum("node0_values_clamped_total", &[]), 0.0),
        ("panics", page.sum("node0_sampling_panics_total", &[]), 0.0),
        // The scrape itself is not counted yet.
        ("requests under way", page.sum("http_server_active_requests", &[]), 1.0),
        ("connections in use", pool("connections") - idle(page), 0.0),
    ]
}

/// Returns the idle connections to the database.
fn idle(page: &Page) -> f64 {
    page.sum("db_client_connections", &["pool=\"main\"", "state=\"idle\""])
}

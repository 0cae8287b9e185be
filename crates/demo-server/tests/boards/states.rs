//! Each panel in each state of the demo, against the ledger of the load and against the system.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use testbed::prometheus::Prometheus;
use testbed::{prove, tools};

use crate::answers::{self, Answer};
use crate::faults;
use crate::grafana::{self, Board, text};
use crate::ledger::Entry;
use crate::stage::{Actor, OTHERS, Stage, State, WAITING};

/// The values of panels may differ by that share from what is known.
const TOLERANCE: f64 = 0.1;

/// Queries that have no data in the demo while all is well, and why.
const EMPTY_WHILE_OK: &[(&str, &str, &str)] = &[
    ("Alerts of the service", "{{alertname}} ({{severity}})", "no alert fires"),
    ("Findings without an alert of their own", "{{job}} {{instance}}", "there are none"),
    ("Jobs without an instance", "{{job}}", "no job lost its instances"),
    ("Longest wait and use", "{{pool}} wait", "nobody waits at the time of a scrape"),
    ("Longest wait and use", "{{pool}} use", "a use is over before a scrape sees it"),
    ("Evicted bytes", "{{cache}} {{tier}} {{cause}}", "the tiers do not know sizes"),
    ("Cache errors", "{{cache}} {{tier}} {{operation}} failed", "embedded tiers cannot fail"),
    ("Cache errors", "{{cache}} {{tier}} {{operation}} given up", "no operation was given up"),
    ("Writes and promotions", "{{cache}} {{tier}} stale", "no tier serves stale values"),
    ("Series folded and values dropped", "folded {{metric}}", "no family is full"),
    ("Metrics that the bridge refused", "{{metric}} {{reason}}", "the demo has no bridge"),
    ("Metrics that the bridge refused", "left out of an appended page", "the demo has no bridge"),
    ("Deliveries", "{{target}} {{outcome}}", "the demo has no target for alerts"),
    ("Duration of deliveries", "{{target}}", "the demo has no target for alerts"),
    ("Repeated attempts", "{{target}}", "the demo has no target for alerts"),
    ("Memory of the cgroup", "{{job}} heap", "the demo's allocator does not tell"),
    ("Virtual memory", "{{job}} limit", "there is no limit"),
    ("CPU", "{{job}} quota", "there may be no quota"),
    ("Memory of the cgroup", "{{job}} cgroup", "there may be no cgroup with a limit"),
];

/// Of those above, the ones that depend on the machine or on the moment of a scrape.
const OF_THE_MACHINE: [&str; 4] =
    ["CPU", "Virtual memory", "Memory of the cgroup", "Longest wait and use"];

/// Panels that have no data in a state with traffic, and why.
const EMPTY_IN: &[(State, &str, &str)] = &[
    (State::Ok, "Findings", "nothing is wrong"),
    (State::Slow, "Findings", "the demo's limits are not reached"),
    (
        State::PaymentsFail,
        "Circuit breaker failure rate",
        "the breaker lets hardly any call through",
    ),
    (State::PaymentsFail, "Waits that failed", "no order is stored"),
    (State::PaymentsFail, "Wait for a connection", "no order is stored"),
    (State::PaymentsFail, "Time that connections are held", "no order is stored"),
    (State::PaymentsFail, "Compression", "no order is stored"),
    (State::PaymentsFail, "Latency of cache operations", "all reads may hit"),
    (State::CacheCold, "Compression", "nothing is stored"),
    (State::CacheCold, "Writes and promotions", "nothing is found that could be promoted"),
];

/// A known value: the panel, the name of the series, the value, and what it may differ by.
type Known = (&'static str, String, f64, f64);

#[test]
fn each_panel_shows_what_is_true_in_each_state() {
    let tools =
        [testbed::require!(tools::prometheus_2_53()), testbed::require!(tools::prometheus_3_5())];
    let stage = Stage::set(&tools);
    let boards = grafana::boards();
    let mut found = Vec::new();
    let mut compared = 0;
    for server in &stage.servers {
        for board in &boards {
            let panels = mixin::lint::panels_of(&board.json);
            compared += check(&stage, server, (&board.path, &panels), &mut found);
        }
        found.extend(all_jobs(&stage, server, &boards));
    }
    prove::report(&json!({ "values_compared": compared, "findings": found.len() }))
        .expect("the figures can be written");
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
    faults::each_is_found(&stage);
}

/// Runs the queries of these panels in each state; returns how many values were compared.
pub(crate) fn check(
    stage: &Stage,
    server: &Prometheus,
    panels: (&str, &[&Value]),
    found: &mut Vec<String>,
) -> usize {
    let of_actor = stage.actors.iter().map(|actor| {
        let answers = ask(stage, server, panels, actor.state, found);
        compare(stage, actor, &answers, found)
    });
    of_actor.sum()
}

/// Runs all queries of a board over one job; adds what is wrong with the answers.
fn ask(
    stage: &Stage,
    server: &Prometheus,
    (path, panels): (&str, &[&Value]),
    state: State,
    found: &mut Vec<String>,
) -> Vec<Answer> {
    let choices = stage.choices(state.name());
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for panel in panels {
        let answers = answers::of_panel(server, &choices, panel, &mut problems);
        problems.extend(answers.iter().filter_map(|answer| presence(state, panel, answer)));
        all.extend(answers);
    }
    found.extend(problems.into_iter().map(|it| format!("{path} {}: {it}", state.name())));
    all
}

/// Returns what is wrong with an answer's having data or none.
fn presence(state: State, panel: &Value, answer: &Answer) -> Option<String> {
    let (title, legend) = (&answer.panel, &answer.legend);
    let is_listed =
        EMPTY_WHILE_OK.iter().any(|(panel, query, _)| panel == title && query == legend);
    // A busy machine wakes tasks late, and the service says so.
    let is_late = |alert: &String| alert == "RuntimeLag";
    let is_of_the_machine = OF_THE_MACHINE.contains(&&**title)
        || answer.series.iter().all(|it| it.labels.get("alertname").is_some_and(is_late));
    let has_text = !text(&panel["fieldConfig"]["defaults"]["noValue"]).is_empty();
    match (state, answer.has_data()) {
        (State::Ok, true) if is_listed && !is_of_the_machine => {
            Some(format!("`{title}` ({legend}) has data: take it from the list"))
        }
        // With traffic there are data, whatever is wrong.
        (State::Idle | State::JustStarted, false) if has_text => None,
        (state, false) if EMPTY_IN.iter().any(|(of, panel, _)| *of == state && panel == title) => {
            None
        }
        (_, false) if !is_listed || !has_text => Some(format!("`{title}` ({legend}) has no data")),
        _ => None,
    }
}

/// With all jobs chosen, nothing of other programs is shown, and names stay different.
fn all_jobs(stage: &Stage, server: &Prometheus, boards: &[Board]) -> Vec<String> {
    let mut found = Vec::new();
    let choices = stage.choices(".+");
    for board in boards {
        for panel in mixin::lint::panels_of(&board.json) {
            let mut problems = Vec::new();
            let answers = answers::of_panel(server, &choices, panel, &mut problems);
            problems.retain(|problem| !problem.contains("too many"));
            let of_others = |answer: &&Answer| {
                answer.series.iter().any(|one| one.labels.get("job").is_some_and(|it| it == OTHERS))
            };
            let strangers = answers.iter().filter(of_others);
            problems
                .extend(strangers.map(|it| format!("`{}` shows a program of others", it.panel)));
            found.extend(problems.into_iter().map(|it| format!("{} all: {it}", board.path)));
        }
    }
    found
}

/// Compares the answers with what is known; returns how many values were compared.
fn compare(stage: &Stage, actor: &Actor, answers: &[Answer], found: &mut Vec<String>) -> usize {
    let panels: BTreeSet<_> = answers.iter().map(|answer| &*answer.panel).collect();
    let mut known = known(stage, actor);
    known.retain(|(panel, ..)| panels.contains(panel));
    for (panel, name, value, slack) in &known {
        let of_panel = answers.iter().filter(|answer| answer.panel == *panel);
        let values: BTreeMap<_, _> = of_panel.flat_map(Answer::last).collect();
        let state = actor.state.name();
        match values.get(name) {
            Some(shown) if (shown - value).abs() <= slack.max(value.abs() * TOLERANCE) => {}
            Some(shown) => {
                found.push(format!("{state}: `{panel}` {name} is {shown}, the truth is {value}"));
            }
            None => found.push(format!("{state}: `{panel}` has no {name}, only {values:?}")),
        }
    }
    known.len()
}

/// Returns what is known of a demo at the time of the questions.
fn known(stage: &Stage, actor: &Actor) -> Vec<Known> {
    let mut known = of_system(stage, actor);
    if let Some(load) = &actor.load {
        let seconds = stage.choices("").rate_interval().as_secs_f64();
        let entries = load.within(stage.now - seconds, stage.now);
        // Each server scrapes once a second.
        let scrapes = f64::from(u32::try_from(stage.servers.len()).unwrap_or(0));
        known.extend(of_traffic(actor.state, &entries, seconds, scrapes));
        let place = format!("{} {}", actor.demo.address, actor.state.name());
        known.extend(of_resources(actor.state, &place, &entries, seconds));
    }
    known
}

fn of_system(stage: &Stage, actor: &Actor) -> Vec<Known> {
    let pid = actor.demo.process.pid();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|it| it.parse::<f64>().ok()).unwrap_or(f64::NAN)
    };
    let (job, address) = (actor.state.name(), actor.demo.address);
    let health = &actor.demo.json("/health/performance")["score"];
    let workers = actor.demo.json("/metrics/system")["runtime"]["workers"].as_f64();
    let mut known = vec![
        ("Memory", format!("{address} {job}"), field("VmRSS:") * 1024.0, 0.0),
        // Threads for blocking work come and go between a scrape and this reading, each with 64 MiB
        // of address space.
        ("Virtual memory", job.to_owned(), field("VmSize:") * 1024.0, 3.0 * 72e6),
        ("Threads", job.to_owned(), field("Threads:"), 3.0),
        ("Uptime", format!("{address} {job}"), stage.now - actor.started, 2.0),
        ("Last start", job.to_owned(), actor.started * 1000.0, 2000.0),
        ("Scrapes", format!("{address} {job}"), 1.0, 0.0),
        ("Workers", "main workers".to_owned(), workers.unwrap_or(f64::NAN), 0.0),
        ("Versions", format!("{job} 0.1.0 (node0 0.1.0)"), 1.0, 0.0),
        ("Stall", "main".to_owned(), 0.0, 0.1),
    ];
    if let Some(score) = health.as_f64()
        && actor.load.is_some()
    {
        // The score is that of another second, and moves while a fault comes and goes.
        known.push(("System health score", "Health".to_owned(), score, 15.0));
    }
    if actor.state != State::JustStarted {
        let servers = f64::from(u32::try_from(stage.servers.len()).unwrap_or(0));
        known.push(("Pages by format", "openmetrics".to_owned(), servers, 0.2));
        let page = actor.demo.get("/metrics").text();
        let samples = page.lines().filter(|line| !line.starts_with('#')).count();
        let samples = f64::from(u32::try_from(samples).unwrap_or(0));
        known.push(("Samples of a scrape", format!("{address} {job}"), samples, 0.0));
    }
    known
}

fn count<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> f64 {
    f64::from(u32::try_from(entries.into_iter().count()).unwrap_or(u32::MAX))
}

fn of_traffic(state: State, entries: &[Entry], seconds: f64, scrapes: f64) -> Vec<Known> {
    let rate = |is: &dyn Fn(&Entry) -> bool| count(entries.iter().filter(|it| is(it))) / seconds;
    // A range of rates may have one request more or less at each end.
    let edge = 2.0 / seconds;
    let orders = rate(&|it| it.is_order);
    let failed = rate(&|it| it.is_order && it.status >= 500) / orders;
    let mut known = vec![
        ("Throughput", "http:requests".to_owned(), rate(&|_| true) + scrapes, edge),
        ("Requests by route", "POST /orders".to_owned(), orders, edge),
        ("Requests by route", "GET /orders/{id}".to_owned(), rate(&|it| !it.is_order), edge),
        ("Failed requests", "/orders".to_owned(), failed, 0.05),
        ("Failed requests", "/orders/{id}".to_owned(), 0.0, 0.0),
    ];
    for status in [200, 201, 503] {
        let of_status = rate(&|it| it.status == status);
        if of_status > 0.0 {
            let of_status = of_status + if status == 200 { scrapes } else { 0.0 };
            known.push(("Requests by status", status.to_string(), of_status, edge));
        }
    }
    // The latency of the others is less than the time that the client adds.
    if matches!(state, State::Slow | State::PoolFull) {
        let times: Vec<_> = entries.iter().filter(|it| it.is_order).map(|it| it.seconds).collect();
        known.push(("P95 by route", "POST /orders".to_owned(), quantile(0.95, &times), 0.0));
        let name = format!("orders:create {}", state.name());
        known.push(("P95 by operation", name, quantile(0.95, &times), 0.0));
        let all: Vec<_> = entries.iter().map(|it| it.seconds).collect();
        let scraped = std::iter::repeat_n(0.004, times_of(scrapes * seconds)).collect::<Vec<_>>();
        let all = [all, scraped].concat();
        known.push(("Request latency distribution", "P95".to_owned(), quantile(0.95, &all), 0.0));
        known.push(("Request latency distribution", "P99".to_owned(), quantile(0.99, &all), 0.0));
    }
    known
}

/// Returns what is known of the pool, the cache and the breaker of a demo; `place` is its address and
/// its job.
fn of_resources(state: State, place: &str, entries: &[Entry], seconds: f64) -> Vec<Known> {
    let job = state.name();
    let rate = |is: &dyn Fn(&Entry) -> bool| count(entries.iter().filter(|it| is(it))) / seconds;
    let edge = 2.0 / seconds;
    let paid = rate(&|it| it.is_order && it.status == 201);
    let reads = rate(&|it| !it.is_order);
    let first = rate(&|it| it.is_first);
    let mut known = Vec::new();
    let maximum = if state == State::PoolFull { 1.0 } else { 10.0 };
    known.push(("Database pool", "main maximum".to_owned(), maximum, 0.0));
    let full = f64::from(if state == State::PoolFull { WAITING } else { 0 });
    // The first of them may get its connection at the time of the scrape.
    known.push(("Callers waiting for a connection", format!("main {place}"), full, 1.0));
    match state {
        State::Ok => {
            let hits = format!("orders L1 {job}");
            known.push(("Cache hit rates", hits, (reads - first) / reads, 0.0));
            known.push(("Lookups", "orders L1 miss".to_owned(), first, edge));
            known.push(("Lookups", "orders L1 hit".to_owned(), reads - first, edge));
            known.push(("Lookups", "orders L2 hit".to_owned(), first, edge));
            known.push(("Ends of waits", "main acquired".to_owned(), paid, edge));
            known.push(("Calls by their end", "payment-service success".to_owned(), paid, edge));
            known.push(("Waits that failed", format!("main {place}"), 0.0, 0.0));
            let failing = format!("payment-service {place}");
            known.push(("Circuit breaker failure rate", failing, 0.0, 0.0));
        }
        State::CacheCold => {
            known.push(("Cache hit rates", format!("orders L1 {job}"), 0.0, 0.0));
            known.push(("Cache hit rates", format!("orders L2 {job}"), 0.0, 0.0));
            known.push(("Lookups", "orders L1 miss".to_owned(), reads, edge));
            known.push(("Ends of waits", "main acquired".to_owned(), paid + reads, edge));
        }
        State::Slow | State::PoolFull => {
            let times: Vec<_> = entries.iter().filter(|it| it.is_order).map(|_| 0.2505).collect();
            let held = "main P95".to_owned();
            known.push(("Time that connections are held", held, quantile(0.95, &times), 0.0));
        }
        _ => {}
    }
    known.push(("Time in each state", "payment-service half_open".to_owned(), 0.0, 0.2));
    if state != State::PaymentsFail {
        known.push(("Circuit breaker status", "payment-service".to_owned(), 0.0, 0.0));
        known.push(("Time in each state", "payment-service closed".to_owned(), 1.0, 0.0));
    } else {
        let rejected = "payment-service rejected".to_owned();
        let refused = rate(&|it| it.is_order && it.status >= 500);
        // Some of them are tries of the half-open breaker, which fail.
        known.push(("Calls by their end", rejected, refused, refused * 0.35));
        known.push(("Calls by their end", "payment-service success".to_owned(), 0.0, 0.0));
        known.push(("Time in each state", "payment-service open".to_owned(), 1.0, 0.2));
        let kinds = ("Failed requests", "/orders".to_owned(), 1.0, 0.0);
        known.push(kinds);
    }
    known
}

/// Returns the 95th percentile or another, as Prometheus computes it from the exported buckets.
fn quantile(share: f64, times: &[f64]) -> f64 {
    const BOUNDS: [f64; 14] =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    let all = count_of(times, f64::INFINITY);
    let rank = share * all;
    let mut below = (0.0, 0.0);
    for bound in BOUNDS {
        let counted = count_of(times, bound);
        if counted >= rank {
            return below.0 + (bound - below.0) * (rank - below.1) / (counted - below.1);
        }
        below = (bound, counted);
    }
    10.0
}

fn count_of(times: &[f64], bound: f64) -> f64 {
    f64::from(u32::try_from(times.iter().filter(|time| **time <= bound).count()).unwrap_or(0))
}

/// Returns a count as a number of entries.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the count is small and not negative"
)]
fn times_of(count: f64) -> usize {
    count.round() as usize
}

//! `/metrics/history`: the shape of an answer, and an error for each mistake.

use std::time::Duration;

use http::Method;
use node0_history::History;
use node0_metrics_core::{Counter, Desc, Latency, ManualClock, Registry, Ticker};
use serde_json::{Value, json};

use crate::support::Served;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs done.").labels(&["queue"]);
const WORK: Desc = Desc::latency("work_seconds", "Time of a job.").labels(&["queue"]);

/// The wall time at which the clock starts.
const START: u64 = 1_577_836_800_000;

/// A service that did four jobs a second in each of two queues, for a minute.
struct Worked {
    served: Served,
    /// Their series live as long as they do.
    _handles: (Vec<Counter>, Vec<Latency>),
    _ticker: Ticker,
}

impl Worked {
    fn new() -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let history = History::register(&registry).expect("it is the first");
        let queues = ["mail", "thumbnail"];
        let jobs = queues.map(|queue| registry.counter(&JOBS, &[queue]).expect("it is valid"));
        let work = queues.map(|queue| registry.latency(&WORK, &[queue]).expect("it is valid"));
        let mut ticker = registry.ticker().expect("there is none");
        for _ in 0..60 {
            jobs.iter().for_each(|jobs| jobs.add(4));
            work.iter().for_each(|work| work.record(Duration::from_millis(10)));
            clock.advance(Duration::from_secs(1));
            ticker.tick();
        }
        let served = Served::over(clock, registry, |routes| routes.history(&history));
        Self { served, _handles: (jobs.into(), work.into()), _ticker: ticker }
    }

    async fn json(&self, query: &str) -> Value {
        let answer = self.served.get(&format!("/metrics/history?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Asks what is refused, and returns the error.
    async fn refused(&self, status: u16, query: &str) -> Value {
        let answer = self.served.get(&format!("/metrics/history?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        answer.json()["error"].clone()
    }
}

#[tokio::test]
async fn an_answer_has_a_column_for_each_series() {
    let worked = Worked::new();
    let body = worked.json("metric=jobs_total&from=-20s&step=10s").await;
    let series = |queue: &str| {
        json!({
            "labels": { "queue": queue },
            "values": [4.0, 4.0],
            "min": [4.0, 4.0],
            "max": [4.0, 4.0],
            "resolutions": [{ "from": START + 50_000, "resolutionMs": 10_000 }],
        })
    };
    let expected = json!({
        "metric": "jobs_total",
        "statistic": "rate",
        "from": START + 40_000,
        "to": START + 60_000,
        "step": 10_000,
        "timestamps": [START + 50_000, START + 60_000],
        "series": [series("mail"), series("thumbnail")],
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn every_parameter_is_understood() {
    let worked = Worked::new();
    let (from, to) = (START + 30_000, START + 33_000);
    let queue = "%7Bqueue%3D%22mail%22%7D";
    let query =
        format!("metric=work_seconds&match={queue}&from={from}&to={to}&step=1s&quantile=0.5");
    let body = worked.json(&query).await;
    assert_eq!(body["statistic"], "quantile");
    assert_eq!(body["timestamps"], json!([from + 1000, from + 2000, from + 3000]));
    assert_eq!(body["series"].as_array().map(Vec::len), Some(1));
    let median = body["series"][0]["values"][0].as_f64().expect("a value");
    assert!((median - 0.01).abs() < 0.0001, "{median}");

    let without = worked.json("metric=work_seconds&from=-1m&to=-30s&step=30000").await;
    assert_eq!(without["statistic"], "mean");
    let mean = without["series"][1]["values"][0].as_f64().expect("a value");
    assert!((mean - 0.01).abs() < 1e-6, "{mean}");
}

#[tokio::test]
async fn a_matcher_may_have_the_longest_label_values() {
    let worked = Worked::new();
    let value = "x".repeat(256);
    let matchers = format!("queue!=%22{value}%22,other!=%22{value}%22");
    let body = worked.json(&format!("metric=jobs_total&match={matchers}")).await;
    assert_eq!(body["series"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_unknown_metric_gets_the_known_ones() {
    let worked = Worked::new();
    let error = worked.refused(404, "metric=job_total").await;
    assert_eq!((&error["code"], &error["parameter"]), (&json!("unknown_metric"), &json!("metric")));
    let known = error["known"].as_array().expect("a list");
    assert!(known.contains(&json!("jobs_total")) && known.contains(&json!("work_seconds")));
}

#[tokio::test]
async fn each_mistake_gets_an_error_that_names_the_remedy() {
    let worked = Worked::new();
    let check = async |parameter: &str, query: &str, remedy: &str| {
        let error = worked.refused(400, query).await;
        assert_eq!(error["code"], "invalid_parameter", "{query}");
        assert_eq!(error["parameter"], parameter, "{query}");
        let message = error["message"].as_str().expect("a text");
        assert!(message.contains(remedy), "{query}: {message}");
    };
    check("metric", "", "is missing").await;
    check("metric", "metric=", "is empty").await;
    check("metric", "metric=a&metric=b", "more than once").await;
    for parameter in ["match", "from", "to", "step", "quantile"] {
        let metric = "metric=jobs_total";
        check(parameter, &format!("{metric}&{parameter}="), "is empty").await;
        check(parameter, &format!("{metric}&{parameter}=1&{parameter}=1"), "more than once").await;
        let long = "x".repeat(10_000);
        check(parameter, &format!("{metric}&{parameter}={long}"), "longer than").await;
    }
    for wrong in ["soon", "-soon", "-5", "-5w", "1e3", "+5", "99999999999999999999"] {
        // A plus sign in a query is a space.
        let wrong = wrong.replace('+', "%2B");
        if wrong != "-5" {
            check("from", &format!("metric=jobs_total&from={wrong}"), "such as -15m").await;
            check("to", &format!("metric=jobs_total&to={wrong}"), "such as -15m").await;
        }
        check("step", &format!("metric=jobs_total&step={wrong}"), "such as 10s").await;
        if wrong != "-5" && wrong != "%2B5" {
            check("quantile", &format!("metric=work_seconds&quantile={wrong}"), "such as 0.95")
                .await;
        }
    }
    check("step", "metric=jobs_total&step=0", "greater than zero").await;
    check("quantile", "metric=work_seconds&quantile=NaN", "such as 0.95").await;
    check("quantile", "metric=work_seconds&quantile=1.01", "such as 0.95").await;
    check("quantile", "metric=jobs_total&quantile=0.5", "without it").await;
    check("match", "metric=jobs_total&match=queue", "write matchers as {pool=\"main\"").await;
    check("from", &format!("metric=jobs_total&from={}&to=-1m", START + 50_000), "before the end")
        .await;
    check("from", &format!("metric=jobs_total&from={}", START + 90_000), "before the end").await;
    check("step", "metric=jobs_total&from=0&step=1s", "use at least 8000 ms").await;
}

#[tokio::test]
async fn it_is_read_only_and_described() {
    let worked = Worked::new();
    let answer = worked.served.send(Method::POST, "/metrics/history", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD"));
    let head = worked.served.send(Method::HEAD, "/metrics/history?metric=jobs_total", &[]).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("cache-control"), "no-store");
    let description = worked.served.get("/metrics/openapi.json").await.json();
    let described = &description["paths"]["/metrics/history"]["get"];
    assert_eq!(described["parameters"].as_array().map(Vec::len), Some(7));
    assert_eq!(described["parameters"][0]["required"], true);
}

#[tokio::test]
async fn a_flood_of_label_values_leaves_the_past_readable_within_its_memory() {
    const LIMIT: usize = 1_000_000;
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let history = History::builder().max_bytes(LIMIT).register(&registry).expect("it is the first");
    let steady = registry.counter(&JOBS, &["mail"]).expect("it is valid");
    let mut ticker = registry.ticker().expect("there is none");
    for second in 0..60 {
        steady.add(4);
        // After a while, three thousand names that never come again, where a thousand have room.
        for n in 0..if second < 3 { 0 } else { 3000 } {
            let name = format!("user-{}", second * 3000 + n);
            registry.counter(&JOBS, &[&name]).expect("what has no room is folded").inc();
        }
        clock.advance(Duration::from_secs(1));
        ticker.tick();
        assert!(history.stats().bytes <= LIMIT, "in second {second}");
    }
    let served = Served::over(clock, registry, |routes| routes.history(&history));
    let ask = async |query: &str| {
        let answer = served.get(&format!("/metrics/history?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let only =
        |queue: &str| format!("metric=jobs_total&match=%7Bqueue%3D%22{queue}%22%7D&from=-5s");
    let mail = ask(&only("mail")).await;
    assert_eq!(mail["series"][0]["values"], json!([4.0, 4.0, 4.0, 4.0, 4.0]));
    let folded = ask(&only("_other")).await;
    let rates = folded["series"][0]["values"].as_array().expect("a column").clone();
    assert!(rates.iter().all(|rate| rate.as_f64() >= Some(2000.0)), "{rates:?}");
    let bytes = ask("metric=node0_history_bytes&from=-60s&step=60s").await;
    let most = bytes["series"][0]["max"][0].as_f64().expect("it is known");
    assert!(most > 0.0 && most <= LIMIT as f64, "{most} bytes");
}

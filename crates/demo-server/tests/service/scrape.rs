//! Real Prometheus servers scrape the demo for a minute, while another process, the judge,
//! times the same requests; the test compares the two.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testbed::deadline::pause;
use testbed::http::Request;
use testbed::prometheus::{Prometheus, ScrapeJob};
use testbed::{Deadline, tools};

use crate::demo::Demo;

/// The bounds of `http_server_request_duration_seconds`, as the demo exports them.
const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The counters of a Prometheus server that rise when a page is malformed.
const COMPLAINTS: [&str; 4] = [
    "prometheus_target_scrapes_sample_duplicate_timestamp_total",
    "prometheus_target_scrapes_sample_out_of_order_total",
    "prometheus_target_scrapes_sample_out_of_bounds_total",
    "prometheus_target_scrapes_exceeded_sample_limit_total",
];

/// A request as the judge saw it.
struct Seen {
    ended: f64,
    took: f64,
    status: u16,
}

/// A process that sends paced requests and times them.
struct Judge(Child);

impl Judge {
    fn start(demo: &Demo, path: &str, per_second: u32, seconds: u32) -> Self {
        let mut program = PathBuf::from(env!("CARGO_BIN_EXE_node0-demo"));
        program.set_file_name("examples");
        let mut load = Command::new(program.join("load"));
        load.args([&demo.address.to_string(), path, &per_second.to_string(), &seconds.to_string()]);
        Self(
            load.stdout(Stdio::piped())
                .spawn()
                .expect("`cargo build --example load` builds the judge, as `cargo test` does"),
        )
    }

    fn finish(self) -> Vec<Seen> {
        let output = self.0.wait_with_output().expect("the judge ends");
        assert!(output.status.success(), "{}", output.status);
        let text = String::from_utf8(output.stdout).expect("it prints numbers");
        let seen = text.lines().map(|line| {
            let fields: Vec<f64> = line.split(' ').filter_map(|field| field.parse().ok()).collect();
            let [ended, took, status] = fields[..] else { panic!("{line}") };
            Seen { ended, took, status: status as u16 }
        });
        seen.collect()
    }
}

/// Returns the nearest-rank quantile of the judge's times.
fn quantile(seen: &[Seen], q: f64) -> f64 {
    let mut times: Vec<f64> = seen.iter().map(|request| request.took).collect();
    times.sort_by(f64::total_cmp);
    times[((q * times.len() as f64).ceil() as usize).clamp(1, times.len()) - 1]
}

/// Returns the bounds of the bucket that holds a time.
fn around(time: f64) -> (f64, f64) {
    let at = BOUNDS.partition_point(|bound| *bound < time);
    let low = if at == 0 { 0.0 } else { BOUNDS[at - 1] };
    (low, BOUNDS.get(at).copied().unwrap_or(f64::INFINITY))
}

/// Returns the distance of a time from the nearer bound of its bucket, relative to the time.
fn clearance(time: f64) -> f64 {
    let (low, high) = around(time);
    (time - low).min(high - time) / time
}

fn one_number(prometheus: &Prometheus, query: &str) -> f64 {
    let found = prometheus.query(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(found.len(), 1, "{query}");
    found[0].last().unwrap_or_else(|| panic!("{query} is empty"))
}

/// Compares a server's figures for the last 20 seconds with the judge's.
fn compare(prometheus: &Prometheus, seen: &[Seen]) {
    const SPAN: f64 = 20.0;
    // By now every request that ended before this time has been scraped.
    let until = seen.iter().map(|request| request.ended).fold(0.0, f64::max) - 2.0;
    let judged: Vec<&Seen> = seen
        .iter()
        .filter(|request| request.ended > until - SPAN && request.ended <= until)
        .collect();
    let series = r#"http_server_request_duration_seconds_count{http_route="/orders/{id}"}"#;
    let rate = one_number(prometheus, &format!("sum(rate({series}[20s] @ {until:.3}))"));
    let expected = judged.len() as f64 / SPAN;
    assert!((rate - expected).abs() <= 0.03 * expected, "rate {rate}, the judge saw {expected}");

    // The judge's clock starts before the request is sent, so the judge's time may lie just
    // above a bound and the demo's just below. Only a quantile well inside a bucket can be
    // compared.
    let clear = [0.5, 0.6, 0.75, 0.9]
        .into_iter()
        .max_by(|a, b| clearance(quantile(seen, *a)).total_cmp(&clearance(quantile(seen, *b))));
    let q = clear.expect("there are four");
    let (low, high) = around(quantile(seen, q));
    let buckets = r#"http_server_request_duration_seconds_bucket{http_route="/orders/{id}"}"#;
    let query = format!("histogram_quantile({q}, sum by (le) (rate({buckets}[20s] @ {until:.3})))");
    let told = one_number(prometheus, &query);
    assert!(low <= told && told <= high, "quantile {q}: {told}, the judge saw {low} to {high}");
}

#[test]
fn three_releases_of_prometheus_agree_with_a_judge_for_a_minute() {
    let tools = [
        testbed::require!(tools::prometheus_2_42()),
        testbed::require!(tools::prometheus_2_53()),
        testbed::require!(tools::prometheus_3_5()),
    ];
    let demo = Demo::start(&["--naming", "both"]);
    let path = format!("/orders/{}", demo.order());
    let job = ScrapeJob::new("demo", demo.address).interval(Duration::from_secs(1));
    let servers =
        tools.map(|tool| Prometheus::start(&tool, std::slice::from_ref(&job)).expect("it starts"));
    for server in &servers {
        let scraped = Deadline::seconds(30)
            .until(|| server.query("up{job=\"demo\"} == 1").is_ok_and(|found| !found.is_empty()));
        assert!(scraped, "never scraped: {}", server.log());
    }

    let fast = Judge::start(&demo, &path, 50, 26).finish();
    assert_eq!(demo.send(&Request::new("POST", "/chaos/slow-database")).status, 200);
    let slow = Judge::start(&demo, &path, 20, 26).finish();
    assert_eq!(demo.send(&Request::new("DELETE", "/chaos")).status, 200);
    pause(Duration::from_secs(3));

    for server in &servers {
        for seen in [&fast, &slow] {
            assert!(seen.iter().all(|request| request.status == 200));
            compare(server, seen);
        }
        let up = server.query("up{job=\"demo\"}[2m]").expect("a range of samples");
        let points = &up[0].points;
        assert!(points.len() >= 50, "{} scrapes in a minute", points.len());
        let down = points.iter().skip(1).filter(|point| point.value != 1.0).count();
        assert_eq!(down, 0, "`up` fell: {}", server.log());
        for complaint in COMPLAINTS {
            assert_eq!(server.own_metric(complaint).expect("its own metrics"), 0.0, "{complaint}");
        }
    }
}

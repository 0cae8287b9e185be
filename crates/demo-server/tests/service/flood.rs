//! A flood of requests for paths without a route.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::demo::Demo;

/// The number of requests that are sent at once on the connection.
const BATCH: u64 = 100;

/// Returns the demo's resident memory in kilobytes.
fn resident(demo: &Demo) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", demo.process.pid()));
    let status = status.expect("the demo runs on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok()).expect("it is a number")
}

/// Sends GETs for random paths, pipelined, and reads all answers.
fn flood(stream: &mut TcpStream, numbers: std::ops::Range<u64>) {
    let mut requests = String::new();
    for number in numbers.clone() {
        let scrambled = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        requests.push_str(&format!(
            "GET /{scrambled:x}/%C3%BC?{number} HTTP/1.1\r\nhost: localhost\r\n\r\n"
        ));
    }
    stream.write_all(requests.as_bytes()).expect("the demo reads");
    let (mut answers, mut text, mut buffer) = (0, Vec::new(), [0; 16 << 10]);
    while answers < numbers.end - numbers.start {
        let read = stream.read(&mut buffer).expect("the demo answers");
        assert!(read > 0, "the demo hung up");
        text.extend_from_slice(&buffer[..read]);
        // A read may cut a status line in two, so its possible beginning is kept.
        let found = text.windows(12).filter(|window| window == b"HTTP/1.1 404").count();
        answers += found as u64;
        let kept = text.len().saturating_sub(11);
        text.drain(..kept);
    }
}

#[test]
fn a_hundred_thousand_random_paths_are_one_series_and_no_memory() {
    const REQUESTS: u64 = 100_000;
    let demo = Demo::start(&[]);
    let id = demo.order();
    let mut stream = TcpStream::connect(demo.address).expect("the demo listens");
    let mut settled = 0;
    for start in (0..REQUESTS).step_by(BATCH as usize) {
        flood(&mut stream, start..start + BATCH);
        if start == 10_000 {
            settled = resident(&demo);
        }
    }
    let grown = resident(&demo).saturating_sub(settled);
    assert!(grown <= 4 << 10, "grew by {grown} kB");

    let page = demo.get("/metrics?naming=standard").text();
    let counts: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("http_server_request_duration_seconds_count{"))
        .collect();
    let unmatched: Vec<_> = counts.iter().filter(|line| line.contains("404")).collect();
    assert_eq!(unmatched.len(), 1, "{unmatched:?}");
    assert!(unmatched[0].ends_with(&format!(" {REQUESTS}")), "{unmatched:?}");
    assert!(counts.len() < 10, "{counts:?}");
    assert_eq!(demo.get(&format!("/orders/{id}")).status, 200);
}

//! Clients in a real Chromium.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Value, json};
use testbed::chromium::Browser;
use testbed::nginx::Nginx;
use testbed::tools::{self, ToolError};

use super::{assert_valid, code, proxy};
use crate::demo::Demo;

/// The client example that node0 was asked for; its `send` waits until the socket is open.
const EXAMPLE: &str = include_str!("example.js");

/// What the pages of all tests need.
const TOOLS: &str = "
    const heard = [];
    const pause = (millis) => new Promise((done) => setTimeout(done, millis));
    async function until(condition) {
        const limit = Date.now() + 20_000;
        while (!condition() && Date.now() < limit) await pause(10);
    }
    function order() {
        const body = JSON.stringify({ customer: 'ann', items: [{ sku: 'tea', quantity: 1 }] });
        const headers = { 'content-type': 'application/json' };
        return fetch('/orders', { method: 'POST', headers, body });
    }
    const traffic = setInterval(order, 50);
";

fn browser() -> Result<Browser, ToolError> {
    Ok(Browser::new(tools::chromium()?, tools::playwright()?))
}

/// Runs a script in a page of the service, with the tools above.
fn run(browser: &Browser, address: SocketAddr, script: &str) -> Value {
    let script = format!("{TOOLS}\n{script}");
    let argument = json!({ "address": address });
    browser
        .run_in_page(&format!("http://{address}/endpoints"), &script, &argument, 60)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A line that the example printed.
#[derive(Debug, Deserialize)]
struct Line {
    /// Milliseconds since the page was opened.
    at: f64,
    text: String,
    data: Value,
}

impl Line {
    fn is_update_of(&self, topic: &str) -> bool {
        self.text == "Metric update:" && self.data.get(topic).is_some()
    }
}

#[test]
fn the_client_example_gets_what_it_asks_for() {
    let browser = testbed::require!(browser());
    let demo = Demo::start(&[]);
    let script = format!(
        "
        const print = (text, data) => heard.push({{ at: performance.now(), text, data }});
        const console = {{ log: print, warn: print }};
        {}
        const updates = (topic) => heard.filter((line) => line.text === 'Metric update:' && line.data[topic]);
        await until(() => updates('performance').length >= 6);
        const chaos = performance.now();
        await fetch('/chaos/failing-payments', {{ method: 'POST' }});
        // The breaker opens when half of the last calls have failed.
        setInterval(order, 10);
        await until(() => heard.some((line) => line.text === 'Alert:'));
        return {{ heard, chaos }};
        ",
        EXAMPLE.replace("localhost:3000", &demo.address.to_string())
    );
    let answer = run(&browser, demo.address, &script);
    let heard: Vec<Line> = serde_json::from_value(answer["heard"].clone()).expect("lines");
    let snapshot = &heard[0];
    assert_eq!(snapshot.text, "Initial snapshot:");
    for topic in ["performance", "cache"] {
        assert!(snapshot.data[topic].is_object(), "{snapshot:?}");
    }

    let slow: Vec<f64> =
        heard.iter().filter(|line| line.is_update_of("performance")).map(|line| line.at).collect();
    // The first one comes at the next whole second.
    let distances: Vec<f64> = slow.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(distances.len() >= 5, "{slow:?}");
    assert!(distances.iter().all(|millis| (millis - 1000.0).abs() <= 250.0), "{distances:?}");

    let fast: Vec<f64> = heard
        .iter()
        .filter(|line| line.is_update_of("circuit-breaker"))
        .map(|line| line.at)
        .collect();
    let in_five_seconds = fast.iter().filter(|at| **at <= fast[0] + 5000.0).count();
    assert!(in_five_seconds >= 8, "{fast:?}");

    let chaos = answer["chaos"].as_f64().expect("a time");
    let alert = heard.iter().find(|line| line.text == "Alert:").expect("an alert");
    assert!(alert.at - chaos <= 5000.0, "{alert:?} {chaos}");
    assert_eq!(alert.data["state"], "firing");
}

#[test]
fn through_nginx_each_message_is_in_the_browser_within_a_second() {
    let tool = testbed::require!(tools::nginx());
    let browser = testbed::require!(browser());
    let demo = Demo::start(&[]);
    let nginx = Nginx::start(&tool, |address| proxy::configuration(demo.address, address));
    let nginx = nginx.expect("nginx starts");
    let client = code("client").replace("export ", "");
    let script = format!(
        "
        {client}
        const note = (way) => (message) => heard.push({{ way, late: Date.now() - message.timestamp, message }});
        const stop = follow(`ws://${{argument.address}}/metrics/stream`, note('socket'));
        const events = new EventSource('/metrics/stream?metrics=cache&interval=500');
        for (const type of ['snapshot', 'update']) {{
            events.addEventListener(type, (event) => note('events')(JSON.parse(event.data)));
        }}
        const count = (way) => heard.filter((it) => it.way === way).length;
        await until(() => count('socket') >= 12 && count('events') >= 8);
        stop();
        events.close();
        return heard;
        "
    );
    let heard = run(&browser, nginx.address(), &script);
    let heard = heard.as_array().expect("messages");
    for (way, least) in [("socket", 12), ("events", 8)] {
        let of_way = heard.iter().filter(|it| it["way"] == way).count();
        assert!(of_way >= least, "{of_way} messages came by {way}: {}", nginx.said());
    }
    let late: Vec<&Value> =
        heard.iter().filter(|it| it["late"].as_f64() > Some(1000.0) && is_live(it)).collect();
    assert!(late.is_empty(), "{late:#?}");
    assert_valid(heard.iter().map(|it| &it["message"]));
}

/// A snapshot is of the last sample, which may be a second old.
fn is_live(heard: &Value) -> bool {
    heard["message"]["type"] != "snapshot"
}

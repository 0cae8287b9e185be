//! A running demo, for tests that talk to it over HTTP.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::http::{self, Request, Response};
use testbed::process::Process;

/// The longest time until the demo is ready, a first `initdb` included.
pub(crate) const START: Duration = Duration::from_secs(60);

/// A demo that is ready.
pub(crate) struct Demo {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// The only line that the demo prints on stdout.
    pub(crate) ready: String,
}

/// Returns a command that runs the demo on a free port, without its own traffic, and
/// without settings from the environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    prepared(Command::new(env!("CARGO_BIN_EXE_node0-demo")), arguments)
}

/// Prepares a command that ends in the program's path, such as one that changes the user.
pub(crate) fn prepared(mut command: Command, arguments: &[&str]) -> Command {
    command.args(["--listen", "127.0.0.1:0", "--load", "0"]).args(arguments);
    for variable in ["DATABASE_URL", "REDIS_URL"] {
        command.env_remove(variable);
    }
    for variable in ["LISTEN", "LOAD", "DATABASE", "REDIS", "CHAOS"] {
        command.env_remove(format!("NODE0_{variable}"));
    }
    command
}

impl Demo {
    /// Starts the demo on the embedded database.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(command(&[&["--database", "embedded"], arguments].concat()))
    }

    /// Runs a command and waits for its ready line.
    pub(crate) fn spawn(command: Command) -> Self {
        let mut process = Process::spawn(command).expect("the demo starts");
        let ready = process
            .wait_for_line("node0-demo ready ", Deadline::after(START))
            .unwrap_or_else(|error| panic!("{error}"));
        let address = field(&ready, "url").strip_prefix("http://").map(str::parse);
        let address = address.and_then(Result::ok).expect("the line has the address");
        Self { process, address, ready }
    }

    /// Returns a field of the ready line.
    pub(crate) fn said(&self, key: &str) -> &str {
        field(&self.ready, key)
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        http::get(self.address, target).unwrap_or_else(|error| panic!("GET {target}: {error}"))
    }

    pub(crate) fn send(&self, request: &Request) -> Response {
        request.send(self.address).unwrap_or_else(|error| panic!("{request:?}: {error}"))
    }

    pub(crate) fn json(&self, target: &str) -> Value {
        self.get(target).json().unwrap_or_else(|error| panic!("GET {target}: {error}"))
    }

    /// Places an order and returns its key.
    pub(crate) fn order(&self) -> String {
        let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
        let response = self.send(&Request::new("POST", "/orders").json(&order));
        assert_eq!(response.status, 201, "{}", response.text());
        let body = response.json().expect("an order is JSON");
        body["id"].as_str().expect("an order has a key").to_owned()
    }
}

fn field<'a>(line: &'a str, key: &str) -> &'a str {
    let fields = line.split(' ').filter_map(|field| field.split_once('='));
    fields.filter(|(name, _)| *name == key).map(|(_, value)| value).next().unwrap_or_default()
}

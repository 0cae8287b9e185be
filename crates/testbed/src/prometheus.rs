//! A real Prometheus server on a free loopback port, which ends with its guard.
//!
//! The server chooses its port itself and prints it, so two tests never race for one. Its
//! data are in a temporary folder. The first scrape happens five to six seconds after the
//! start, for any scrape interval, because target discovery has a fixed interval. So
//! start the server early, and ignore the time before the first sample.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Deadline;
use crate::http::{self, HttpError, encode_query};
use crate::process::{Process, ProcessError};
use crate::tools::PrometheusTool;

mod answer;

pub use self::answer::{Exemplar, Point, Series, TargetState};

/// The longest time that the server may take to be ready.
const START_SECONDS: u64 = 30;

/// One scrape job of the server's configuration.
#[derive(Debug, Clone)]
#[must_use = "a job does nothing until a server is started with it"]
pub struct ScrapeJob {
    config: BTreeMap<String, Value>,
}

impl ScrapeJob {
    /// Creates a job that scrapes `/metrics` of `address` every second.
    pub fn new(name: &str, address: impl ToString) -> Self {
        let targets = json!([{ "targets": [address.to_string()] }]);
        let config = [("job_name", json!(name)), ("static_configs", targets)];
        let config = config.map(|(key, value)| (key.to_owned(), value)).into();
        Self { config }.interval(Duration::from_secs(1))
    }

    /// Scrapes at this interval and with a timeout of the same length; one second by default.
    pub fn interval(self, interval: Duration) -> Self {
        let text = json!(format!("{}ms", interval.as_millis()));
        self.option("scrape_interval", text.clone()).option("scrape_timeout", text)
    }

    /// Scrapes this path; `/metrics` by default.
    pub fn path(self, path: &str) -> Self {
        self.option("metrics_path", json!(path))
    }

    /// Adds any other option of a scrape configuration, such as `scrape_protocols`.
    pub fn option(mut self, key: &str, value: Value) -> Self {
        self.config.insert(key.to_owned(), value);
        self
    }
}

/// What a server is started with.
#[derive(Debug, Default)]
struct Setup<'s> {
    jobs: &'s [ScrapeJob],
    /// The text of a rules file.
    rules: &'s str,
    alertmanager: Option<SocketAddr>,
    flags: &'s [&'s str],
    /// A folder of blocks that is moved into the server's.
    blocks: Option<&'s Path>,
}

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    // Declared first, so that the server ends before its folder is removed.
    process: Process,
    address: SocketAddr,
    _data: TempDir,
}

/// A server that did not start, or a request that it did not answer as expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrometheusError {
    /// The temporary folder or configuration could not be written.
    #[error("the server's temporary folder cannot be used")]
    Folder(#[source] std::io::Error),
    /// The server could not be started or ended too early.
    #[error("the server did not start")]
    Process(#[source] ProcessError),
    /// The server never became ready.
    #[error("the server was not ready in time; it said:\n{output}")]
    NotReady {
        /// The whole output of the server.
        output: String,
    },
    /// An exchange with the server failed.
    #[error("the request to the server failed")]
    Http(#[source] HttpError),
    /// The server refused a request.
    #[error("the server refused {target}: {reason}")]
    Refused {
        /// The path and query of the request.
        target: String,
        /// The server's message.
        reason: String,
    },
    /// The answer has a shape that this module does not know.
    #[error("the server's answer to {target} has an unknown shape")]
    Shape {
        /// The path and query of the request.
        target: String,
    },
}

impl Prometheus {
    /// Starts a server with these jobs and waits until it answers.
    ///
    /// # Errors
    ///
    /// Fails when the server does not start; the error holds its output.
    pub fn start(tool: &PrometheusTool, jobs: &[ScrapeJob]) -> Result<Self, PrometheusError> {
        Self::start_with(tool, jobs, &[])
    }

    /// Starts a server with further command line flags.
    ///
    /// # Errors
    ///
    /// Fails when the server does not start; the error holds its output.
    pub fn start_with(
        tool: &PrometheusTool,
        jobs: &[ScrapeJob],
        flags: &[&str],
    ) -> Result<Self, PrometheusError> {
        Self::launch(tool, Setup { jobs, flags, ..Setup::default() })
    }

    /// Starts a server that scrapes nothing, over blocks that `promtool tsdb create-blocks-from`
    /// wrote into this folder; it moves the folder.
    ///
    /// # Errors
    ///
    /// Fails when the server does not start; the error holds its output.
    pub fn start_over(tool: &PrometheusTool, blocks: &Path) -> Result<Self, PrometheusError> {
        Self::launch(tool, Setup { blocks: Some(blocks), ..Setup::default() })
    }

    /// Starts a server that also evaluates these alerting rules, each second.
    ///
    /// # Errors
    ///
    /// Fails when the server does not start; the error holds its output.
    pub fn start_with_rules(
        tool: &PrometheusTool,
        jobs: &[ScrapeJob],
        rules: &[Value],
    ) -> Result<Self, PrometheusError> {
        let group = json!({ "name": "test", "rules": rules });
        let rules = json!({ "groups": [group] }).to_string();
        Self::launch(tool, Setup { jobs, rules: &rules, ..Setup::default() })
    }

    /// Starts a server that evaluates the rules of a file each second, and sends their alerts to
    /// an Alertmanager.
    ///
    /// # Errors
    ///
    /// Fails when the server does not start; the error holds its output.
    pub fn start_alerting(
        tool: &PrometheusTool,
        jobs: &[ScrapeJob],
        rules: &str,
        alertmanager: SocketAddr,
    ) -> Result<Self, PrometheusError> {
        let alertmanager = Some(alertmanager);
        Self::launch(tool, Setup { jobs, rules, alertmanager, ..Setup::default() })
    }

    fn launch(tool: &PrometheusTool, setup: Setup<'_>) -> Result<Self, PrometheusError> {
        let data = tempfile::Builder::new().prefix("node0-prometheus-").tempdir();
        let data = data.map_err(PrometheusError::Folder)?;
        let config = data.path().join("prometheus.yml");
        let jobs: Vec<_> = setup.jobs.iter().map(|job| &job.config).collect();
        let managers = setup.alertmanager.iter().map(SocketAddr::to_string).collect::<Vec<_>>();
        // The configuration language is a superset of JSON.
        let text = json!({
            "global": { "evaluation_interval": "1s" },
            "scrape_configs": jobs,
            "rule_files": ["rules.yml"],
            "alerting": { "alertmanagers": [{ "static_configs": [{ "targets": managers }] }] },
        });
        std::fs::write(&config, text.to_string()).map_err(PrometheusError::Folder)?;
        let rules = data.path().join("rules.yml");
        let none = "groups: []";
        let text = if setup.rules.is_empty() { none } else { setup.rules };
        std::fs::write(rules, text).map_err(PrometheusError::Folder)?;
        if let Some(blocks) = setup.blocks {
            std::fs::rename(blocks, data.path().join("tsdb")).map_err(PrometheusError::Folder)?;
        }
        let command = command(tool, data.path(), &config, setup.flags);
        let mut process = Process::spawn(command).map_err(PrometheusError::Process)?;
        let deadline = Deadline::seconds(START_SECONDS);
        let line = process.wait_for_line("msg=\"Listening on\"", deadline);
        let line = line.map_err(PrometheusError::Process)?;
        let address = line.split_once("address=").and_then(|(_, rest)| {
            rest.split_whitespace().next()?.trim_matches('"').parse::<SocketAddr>().ok()
        });
        let ready = |address: &SocketAddr| {
            let is_ready =
                || http::get(*address, "/-/ready").is_ok_and(|answer| answer.status == 200);
            deadline.until(is_ready)
        };
        match address.filter(ready) {
            Some(address) => Ok(Self { process, address, _data: data }),
            None => Err(PrometheusError::NotReady { output: process.output() }),
        }
    }

    /// Returns the address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns everything the server logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Evaluates `promql` now; each series has one point.
    ///
    /// # Errors
    ///
    /// Fails when the server refuses the expression or does not answer.
    pub fn query(&self, promql: &str) -> Result<Vec<Series>, PrometheusError> {
        let target = format!("/api/v1/query?query={}", encode_query(promql));
        answer::series(&self.api(&target)?).ok_or(PrometheusError::Shape { target })
    }

    /// Evaluates `promql` at a time in epoch seconds; each series has one point.
    ///
    /// # Errors
    ///
    /// Fails when the server refuses the expression or does not answer.
    pub fn query_at(&self, promql: &str, time: f64) -> Result<Vec<Series>, PrometheusError> {
        let target = format!("/api/v1/query?query={}&time={time}", encode_query(promql));
        answer::series(&self.api(&target)?).ok_or(PrometheusError::Shape { target })
    }

    /// Evaluates `promql` over a span of epoch seconds.
    ///
    /// # Errors
    ///
    /// Fails when the server refuses the expression or does not answer.
    pub fn query_range(
        &self,
        promql: &str,
        span: std::ops::RangeInclusive<f64>,
        step: Duration,
    ) -> Result<Vec<Series>, PrometheusError> {
        let (query, step) = (encode_query(promql), step.as_secs_f64());
        let (start, end) = (span.start(), span.end());
        let target =
            format!("/api/v1/query_range?query={query}&start={start}&end={end}&step={step}");
        answer::series(&self.api(&target)?).ok_or(PrometheusError::Shape { target })
    }

    /// Returns the exemplars of the series that `promql` selects, of all times; the server needs
    /// the feature `exemplar-storage`.
    ///
    /// # Errors
    ///
    /// Fails when the server refuses the expression or does not answer.
    pub fn exemplars(&self, promql: &str) -> Result<Vec<Exemplar>, PrometheusError> {
        let query = encode_query(promql);
        let target = format!("/api/v1/query_exemplars?query={query}&start=0&end=9999999999");
        answer::exemplars(&self.api(&target)?).ok_or(PrometheusError::Shape { target })
    }

    /// Returns the active targets with the outcome of their last scrape.
    ///
    /// # Errors
    ///
    /// Fails when the server does not answer.
    pub fn targets(&self) -> Result<Vec<TargetState>, PrometheusError> {
        let target = "/api/v1/targets?state=active".to_owned();
        answer::targets(&self.api(&target)?).ok_or(PrometheusError::Shape { target })
    }

    /// Returns the sum of one of the server's metrics about itself, zero if it has none.
    ///
    /// These metrics count the samples that it dropped from scrapes, for example
    /// `prometheus_target_scrapes_sample_duplicate_timestamp_total`.
    ///
    /// # Errors
    ///
    /// Fails when the server does not answer.
    pub fn own_metric(&self, name: &str) -> Result<f64, PrometheusError> {
        let page = http::get(self.address, "/metrics").map_err(PrometheusError::Http)?;
        Ok(answer::sum_of(&page.text(), name))
    }

    /// Sends a GET to the API and returns the `data` of its answer.
    ///
    /// # Errors
    ///
    /// Fails when the server refuses the request or does not answer.
    pub fn api(&self, target: &str) -> Result<Value, PrometheusError> {
        let response = http::get(self.address, target).map_err(PrometheusError::Http)?;
        let target = target.to_owned();
        let Ok(mut body) = response.json() else {
            return Err(PrometheusError::Refused { target, reason: response.text() });
        };
        match body.get("error").and_then(Value::as_str) {
            Some(reason) => Err(PrometheusError::Refused { target, reason: reason.to_owned() }),
            None => Ok(body["data"].take()),
        }
    }
}

fn command(tool: &PrometheusTool, data: &Path, config: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(tool.server());
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.join("tsdb").display()))
        .arg("--web.listen-address=127.0.0.1:0")
        .args(flags);
    command
}

//! Seven demos, each in a state of its own, and two releases of Prometheus that scrape them all.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use testbed::Deadline;
use testbed::deadline::{Stopwatch, epoch_seconds, pause};
use testbed::http::Request;
use testbed::prometheus::{Prometheus, ScrapeJob};
use testbed::prove::Length;
use testbed::tools::PrometheusTool;

use crate::demo::Demo;
use crate::grafana::Choices;
use crate::ledger::Load;

/// A state of the demo; its name is that of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Ok,
    Slow,
    PoolFull,
    PaymentsFail,
    CacheCold,
    Idle,
    JustStarted,
}

impl State {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ok,
        Self::Slow,
        Self::PoolFull,
        Self::PaymentsFail,
        Self::CacheCold,
        Self::Idle,
        Self::JustStarted,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Slow => "slow",
            Self::PoolFull => "pool-full",
            Self::PaymentsFail => "payments-fail",
            Self::CacheCold => "cache-cold",
            Self::Idle => "idle",
            Self::JustStarted => "just-started",
        }
    }

    const fn faults(self) -> &'static [&'static str] {
        match self {
            Self::Slow => &["slow-database"],
            Self::PoolFull => &["slow-database", "small-pool"],
            Self::PaymentsFail => &["failing-payments"],
            Self::CacheCold => &["cold-cache"],
            Self::Ok | Self::Idle | Self::JustStarted => &[],
        }
    }

    /// Returns the threads of the load and the time between two orders of a thread.
    pub(crate) const fn load(self) -> Option<(u32, Duration)> {
        match self {
            Self::Ok | Self::PaymentsFail | Self::CacheCold => {
                Some((2, Duration::from_millis(500)))
            }
            // An order takes a quarter of a second.
            Self::Slow => Some((4, Duration::from_millis(1000))),
            // Each thread orders again at once, so that all but one wait.
            Self::PoolFull => Some((WAITING + 1, Duration::ZERO)),
            Self::Idle | Self::JustStarted => None,
        }
    }
}

/// The job of a program that is not ours.
pub(crate) const OTHERS: &str = "others";

/// The callers that wait for the only connection of the full pool.
pub(crate) const WAITING: u32 = 8;

/// A demo in a state.
pub(crate) struct Actor {
    pub(crate) state: State,
    pub(crate) demo: Demo,
    pub(crate) load: Option<Load>,
    /// The time of the start, in epoch seconds.
    pub(crate) started: f64,
}

/// All demos after a steady time, and the servers.
pub(crate) struct Stage {
    pub(crate) actors: Vec<Actor>,
    pub(crate) servers: Vec<Prometheus>,
    /// The time of the questions, in epoch seconds.
    pub(crate) now: f64,
    /// The scrape interval that Grafana is told; a range of rates has four.
    scrape_interval: Duration,
}

impl Stage {
    /// Starts everything, and waits until the load was steady for a range of rates.
    pub(crate) fn set(tools: &[PrometheusTool]) -> Self {
        let scrape_interval = Duration::from_secs(Length::of_this_run().pick(5, 15));
        let mut actors: Vec<_> = State::ALL[..6].iter().map(|state| start(*state)).collect();
        // It is scraped from the start, and started when the others are steady.
        let late = free_address();
        let mut jobs: Vec<_> = actors
            .iter()
            .map(|actor| ScrapeJob::new(actor.state.name(), actor.demo.address))
            .collect();
        jobs.push(ScrapeJob::new(State::JustStarted.name(), late));
        let mut servers: Vec<Prometheus> = Vec::new();
        for tool in tools {
            let mut jobs = jobs.clone();
            // A program of others, whose process no board of ours may show.
            jobs.extend(servers.first().map(|other| ScrapeJob::new(OTHERS, other.address())));
            servers.push(Prometheus::start(tool, &jobs).expect("it starts"));
        }
        for actor in &mut actors {
            let known = actor.demo.order();
            for fault in actor.state.faults() {
                let request = Request::new("POST", &format!("/chaos/{fault}"));
                assert_eq!(actor.demo.send(&request).status, 200);
            }
            let load = actor.state.load();
            actor.load = load
                .map(|(threads, period)| Load::start(actor.demo.address, &known, threads, period));
        }
        let steady = Stopwatch::start();
        for server in &servers {
            let are_up =
                || server.query(r#"sum(up{job!="others"}) == 6"#).is_ok_and(|up| !up.is_empty());
            assert!(Deadline::seconds(30).until(are_up), "{}", server.log());
        }
        // The first scrapes are in the middle of the start.
        pause((scrape_interval * 4 + Duration::from_secs(8)).saturating_sub(steady.elapsed()));
        actors.push(start_at(State::JustStarted, late));
        for server in &servers {
            let are_up =
                || server.query(r#"sum(up{job!="others"}) == 7"#).is_ok_and(|up| !up.is_empty());
            assert!(Deadline::seconds(30).until(are_up), "{}", server.log());
        }
        // Two scrapes, so that rates have a value.
        pause(Duration::from_secs(3));
        Self { actors, servers, now: epoch_seconds(), scrape_interval }
    }

    /// Returns what a user chooses who looks at one job, or `.+` for all.
    pub(crate) fn choices(&self, job: &str) -> Choices {
        Choices {
            job: job.to_owned(),
            instance: ".+".to_owned(),
            now: self.now,
            range: self.scrape_interval * 4,
            scrape_interval: self.scrape_interval,
            step: Duration::from_secs(5),
            scaled: Some(self.scrape_interval * 4),
        }
    }
}

fn start(state: State) -> Actor {
    start_at(state, SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn start_at(state: State, address: SocketAddr) -> Actor {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node0-demo"));
    command.args(["--listen", &address.to_string(), "--load", "0", "--naming", "standard"]);
    command.args(["--database", "embedded", "--redis", "embedded"]);
    let started = epoch_seconds();
    Actor { state, demo: Demo::spawn(command), load: None, started }
}

/// Returns an address for a server that starts later.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it has an address")
}

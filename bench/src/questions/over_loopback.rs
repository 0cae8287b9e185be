//! Measures the rows of one service over loopback, in turn.
//!
//! A batch is some milliseconds of requests, and the median of many batches does not see what
//! happens once a second. So the pass of the sampling thread and a scrape are measured apart and
//! charged: the page is fetched each second, and all processor time of this process counts that
//! neither the client nor the requests have used, the scrape included. A second's worth of it is
//! divided among the requests that one busy core answers in a second. A server with fewer requests
//! spends the same share of a core.

use std::time::{Duration, Instant};

use anyhow::Result;
use node0::{Measuring, Monitoring, Registry};

use super::request::NODE0;
use crate::rounds::Entry;
use rig::http::{Form, Loopback, Server, Toggled};
use rig::stats::Estimate;
use rig::stopwatch;

/// As `node0`, with its share of the sampling and of a scrape each second.
pub(crate) const SCRAPED: &str = "node0, sampled and scraped";

const PAGE: &str = "/metrics";
const INTERVAL: Duration = Duration::from_secs(1);

/// A row of the one service: the form that answers, and node0's switch.
#[derive(Clone, Copy)]
pub(super) struct Side {
    pub(super) name: &'static str,
    form: Form,
    measuring: Measuring,
}

impl Side {
    pub(super) const fn new(name: &'static str, form: Form, measuring: Measuring) -> Self {
        Self { name, form, measuring }
    }

    /// Makes the service answer in this form.
    pub(super) fn choose(self, registry: &Registry) {
        registry.set_measuring(self.measuring);
        self.form.choose();
    }

    /// Measures a batch.
    fn measure(
        self,
        registry: &Registry,
        loopback: &mut Loopback,
        each: usize,
        write: impl FnMut(&mut Vec<u8>),
    ) -> Result<f64> {
        registry.set_measuring(self.measuring);
        let took = loopback.send(self.form, each, write);
        registry.set_measuring(Measuring::On);
        took
    }
}

/// The size of a race.
#[derive(Clone, Copy)]
pub(super) struct Size {
    /// How often the server starts.
    pub(super) starts: usize,
    /// The rounds of each start.
    pub(super) rounds: usize,
    /// Each connection's requests in a batch.
    pub(super) each: usize,
}

/// A service with its server.
#[derive(Clone, Copy)]
pub(super) struct Served<'a> {
    pub(super) monitoring: &'a Monitoring,
    pub(super) service: &'a Toggled,
    pub(super) server: Server,
}

impl Served<'_> {
    /// Measures all sides.
    ///
    /// # Errors
    /// Fails when the server does not answer.
    pub(super) fn measure(
        self,
        sides: &[Side],
        size: Size,
        mut write: impl FnMut(&mut Vec<u8>),
    ) -> Result<Vec<Entry>> {
        self.measure_starts(sides, size, |loopback, entries| {
            self.in_turn(loopback, sides, entries, size, |_| Ok(()), &mut write)
        })
    }

    /// As [`Served::measure`], with the row [`SCRAPED`] in addition.
    ///
    /// # Errors
    /// Fails when the server does not answer.
    pub(super) fn measure_scraped(
        self,
        sides: &[Side],
        size: Size,
        mut write: impl FnMut(&mut Vec<u8>),
    ) -> Result<Vec<Entry>> {
        let mut scraped = Entry::named(SCRAPED);
        let mut entries = self.measure_starts(sides, size, |loopback, entries| {
            let mut background = Background::start(loopback)?;
            let scrape = |loopback: &mut Loopback| background.scrape_if_due(loopback);
            self.in_turn(loopback, sides, entries, size, scrape, &mut write)?;
            if let Some(share) = background.share(loopback)?
                && let Some(recorded) = entries.iter().find(|entry| entry.name == NODE0)
            {
                let rounds = &recorded.rounds[scraped.rounds.len()..];
                scraped.rounds.extend(rounds.iter().map(|nanos| nanos * (1.0 + share)));
            }
            Ok(())
        })?;
        // Without a clock of processes there is none.
        entries.extend(Some(scraped).filter(|scraped| !scraped.rounds.is_empty()));
        Ok(entries)
    }

    fn measure_starts(
        self,
        sides: &[Side],
        size: Size,
        mut measure: impl FnMut(&mut Loopback, &mut [Entry]) -> Result<()>,
    ) -> Result<Vec<Entry>> {
        let mut entries: Vec<_> = sides.iter().map(|side| Entry::named(side.name)).collect();
        for start in 0..size.starts {
            let mut loopback = Loopback::start(self.server, self.service.clone())?;
            if start % 2 == 1 {
                loopback.exchange();
            }
            measure(&mut loopback, &mut entries)?;
        }
        Ok(entries)
    }

    fn in_turn(
        self,
        loopback: &mut Loopback,
        sides: &[Side],
        entries: &mut [Entry],
        size: Size,
        mut before: impl FnMut(&mut Loopback) -> Result<()>,
        mut write: impl FnMut(&mut Vec<u8>),
    ) -> Result<()> {
        in_turn(entries, size.rounds, |at| {
            before(loopback)?;
            sides[at].measure(self.monitoring.registry(), loopback, size.each, &mut write)
        })
    }
}

/// Measures the sides in turn, in an order that rotates and turns round from round to round.
pub(super) fn in_turn(
    sides: &mut [Entry],
    rounds: usize,
    mut measure: impl FnMut(usize) -> Result<f64>,
) -> Result<()> {
    let count = sides.len();
    // The first batches teach routes and warm caches.
    for side in 0..count {
        measure(side)?;
    }
    for round in 0..rounds {
        for place in 0..count {
            // In one direction, each side would always follow the same other side.
            let place = if round % 2 == 0 { place } else { count - 1 - place };
            let side = (round + place) % count;
            sides[side].rounds.push(measure(side)?);
        }
    }
    Ok(())
}

/// What this process works beside the requests.
struct Background {
    start: Instant,
    /// The processor time before: of everything but the client and the server.
    before: Option<f64>,
    last_scrape: Instant,
    /// The time of the server's thread for each scrape.
    scrapes: Vec<f64>,
}

impl Background {
    fn start(loopback: &mut Loopback) -> Result<Self> {
        let (start, before) = (stopwatch::now(), others(loopback)?);
        Ok(Self { start, before, last_scrape: start, scrapes: Vec::new() })
    }

    fn scrape_if_due(&mut self, loopback: &mut Loopback) -> Result<()> {
        if self.last_scrape.elapsed() >= INTERVAL {
            self.last_scrape += INTERVAL;
            let before = loopback.server_time()?;
            loopback.fetch(PAGE)?;
            self.scrapes.push(loopback.server_time()? - before);
        }
        Ok(())
    }

    /// Returns the share of one core that the background takes.
    ///
    /// `None` without a clock of processes, or when the run was too short for a scrape.
    fn share(&self, loopback: &mut Loopback) -> Result<Option<f64>> {
        let nanos = self.start.elapsed().as_secs_f64() * 1e9;
        let others = others(loopback)?.zip(self.before).map(|(after, before)| after - before);
        let Some(others) = others.filter(|_| !self.scrapes.is_empty()) else { return Ok(None) };
        let scrape = Estimate::of(&self.scrapes).high / INTERVAL.as_nanos() as f64;
        Ok(Some(others / nanos + scrape))
    }
}

/// Returns the processor time of all threads of this process but the client and the server.
fn others(loopback: &mut Loopback) -> Result<Option<f64>> {
    let server = loopback.server_time()?;
    let client = stopwatch::thread_nanos() as f64;
    Ok(stopwatch::process_nanos().map(|all| all as f64 - server - client))
}

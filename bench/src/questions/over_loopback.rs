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
use rig::http::{Form, Loopback};
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

/// Measures all sides in rounds, with as many requests per connection in a batch as is said.
///
/// # Errors
/// Fails when the server does not answer.
pub(super) fn measure(
    monitoring: &Monitoring,
    loopback: &mut Loopback,
    sides: &[Side],
    (rounds, each): (usize, usize),
    mut write: impl FnMut(&mut Vec<u8>),
) -> Result<Vec<Entry>> {
    let mut entries: Vec<_> = sides.iter().map(|side| Entry::named(side.name)).collect();
    in_turn(&mut entries, rounds, |at| {
        sides[at].measure(monitoring.registry(), loopback, each, &mut write)
    })?;
    Ok(entries)
}

/// As [`measure`], with the row [`SCRAPED`] in addition.
///
/// # Errors
/// Fails when the server does not answer.
pub(super) fn measure_scraped(
    monitoring: &Monitoring,
    loopback: &mut Loopback,
    sides: &[Side],
    (rounds, each): (usize, usize),
    mut write: impl FnMut(&mut Vec<u8>),
) -> Result<Vec<Entry>> {
    let mut entries: Vec<_> = sides.iter().map(|side| Entry::named(side.name)).collect();
    let mut background = Background::start(loopback)?;
    in_turn(&mut entries, rounds, |at| {
        background.scrape_if_due(loopback)?;
        sides[at].measure(monitoring.registry(), loopback, each, &mut write)
    })?;
    if let Some(share) = background.share(loopback)?
        && let Some(recorded) = entries.iter().find(|entry| entry.name == NODE0)
    {
        let rounds = recorded.rounds.iter().map(|nanos| nanos * (1.0 + share)).collect();
        entries.push(Entry { rounds, ..Entry::named(SCRAPED) });
    }
    Ok(entries)
}

/// Measures the sides in turn, in an order that rotates from round to round.
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

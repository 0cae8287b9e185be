//! The question: the cost of a stream's readers, to the service that they read.
//!
//! Workload: 100, 1000 and 10 000 readers over loopback, each of which gets an update of 4 KiB once
//! a second. The service has one core and the readers have the other, in a process of their own that
//! takes frames apart by itself; they note the time of the sampling pass and of the arrival. If they
//! are busy for most of a second, the question has no answer.
//!
//! The figures are the processor time for one update, the kernel's part included: that of the whole
//! process, less what it takes while nobody reads, which in node0 is the sampling; the time until
//! 99 of 100 updates are there; and the resident memory of a connection.
//!
//! The floor is a task for each connection, which writes a finished frame. The peer is what a
//! service writes in ten minutes: axum's WebSocket and tokio's broadcast, with axum's buffers and
//! with small ones. Neither reads the numbers that it sends: its update is a text.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use stream_load::{Elsewhere, Plan, raise_descriptor_limit};

use crate::rounds::{Effort, Race, Unit};
use crate::specimen::{self, Specimen};
use crate::streams::{self, Served, Side};
use rig::memory::Memory;
use rig::stopwatch;

/// The races, by the number of readers.
const SIZES: [(&str, usize); 3] =
    [("stream/100", 100), ("stream/1000", 1000), ("stream/10000", 10_000)];

pub(crate) const SPECIMENS: &[Specimen] = &[
    Specimen { race: SIZES[0].0, measure: |name| measure(name, SIZES[0].1) },
    Specimen { race: SIZES[1].0, measure: |name| measure(name, SIZES[1].1) },
    Specimen { race: SIZES[2].0, measure: |name| measure(name, SIZES[2].1) },
];

/// The argument with which this program plays the readers.
pub(crate) const READERS: &str = "readers";

/// The time in which updates are counted, and the time for which the readers stay.
const COUNTED: Duration = Duration::from_secs(5);
const CONNECTED: Duration = Duration::from_secs(7);
/// The share of a core beyond which the readers would be the limit.
const BUSIEST: f64 = 0.8;
/// The descriptors beside those of the connections.
const DESCRIPTORS: u64 = 500;

/// The figures of a contender, in this order.
const FIGURES: [(&str, &str, Unit); 3] = [
    ("cpu", "processor time of an update", Unit::Nanoseconds),
    ("delivery", "99 of 100 updates are there", Unit::Nanoseconds),
    ("memory", "resident memory of a connection", Unit::Bytes),
];

pub(crate) fn ask(effort: Effort) -> Result<Vec<Race>> {
    if !effort.has_loopback() || Memory::now().is_none() {
        return Ok(Vec::new());
    }
    let names = streams::SIDES.map(|side| side.name);
    let mut races = Vec::new();
    for (race, readers) in SIZES {
        let figures = specimen::in_rounds(race, &names, effort)?;
        for (entries, (name, title, unit)) in figures.into_iter().zip(FIGURES) {
            let title = format!("A stream of {readers} readers, 4 KiB a second: {title}");
            races.push(Race { id: format!("{race}/{name}"), title, unit, entries });
        }
    }
    Ok(races)
}

/// Plays the readers, on a core of their own.
pub(crate) fn play() -> Result<()> {
    rig::pin(1);
    ensure!(stream_load::play()?, "only the question `stream` starts the readers");
    Ok(())
}

fn measure(name: &str, readers: usize) -> Result<Vec<f64>> {
    raise_descriptor_limit(readers as u64 + DESCRIPTORS)?;
    let side = streams::SIDES.iter().find(|side| side.name == name);
    let side: &Side = side.with_context(|| format!("nobody is called `{name}`"))?;
    let served = serve(side)?;
    let plan = |clients, time: Duration| {
        Plan::new(served.address, streams::PATH, clients, time.as_millis() as u64)
    };
    // What the first connection loads and registers is nobody's memory.
    let first = plan(1, Duration::from_secs(2));
    Elsewhere::start_with(&first, &[READERS])?.report()?;
    let (start, end) = (sample(&served)?, after(COUNTED, &served)?);
    let without = end.nanos - start.nanos;

    // What the history has kept until now is nobody's memory either.
    let before = Memory::now().context("this system does not tell it")?;
    let running = Elsewhere::start_with(&plan(readers, CONNECTED), &[READERS])?;
    let (start, end) = (sample(&served)?, after(COUNTED, &served)?);
    let resident = Memory::now().context("this system does not tell it")?.since(before);
    let report = running.report()?;
    let busy = report.cpu_seconds / report.seconds;
    ensure!(busy < BUSIEST, "the readers were busy for {busy:.2} of the time: {report:?}");
    let faults = (report.lost, report.unequal, report.out_of_order);
    ensure!(faults == (0, 0, 0) && report.smallest >= streams::BYTES, "{report:?}");
    let updates = end.updates - start.updates;
    ensure!(updates >= readers as u64, "{updates} updates were sent");
    let nanos = (end.nanos - start.nanos).saturating_sub(without) as f64 / updates as f64;
    Ok(vec![nanos, report.latency.p99 * 1e6, resident.of_one(readers).resident])
}

/// The processor time and the updates of the service until now.
struct Sampled {
    nanos: u128,
    updates: u64,
}

fn sample(served: &Served) -> Result<Sampled> {
    let nanos = stopwatch::process_nanos().context("this system does not tell it")?;
    Ok(Sampled { nanos, updates: (served.sent)() })
}

fn after(time: Duration, served: &Served) -> Result<Sampled> {
    thread::sleep(time);
    sample(served)
}

/// Serves on a thread of its own until the process ends. The service's other threads, which this one
/// starts, stay on its core; the readers' process, which the main thread starts, does not.
fn serve(side: &'static Side) -> Result<Served> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        rig::pin(0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let served = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
            runtime.block_on(async {
                let (served, work) = (side.serve)().await?;
                // The other side waits for it.
                let _ = sender.send(Ok(served));
                work.await
            })
        });
        let _ = sender.send(served.and_then(|()| bail!("the service ended")));
    });
    receiver.recv().context("the service did not start")?
}

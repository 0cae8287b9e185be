//! The process's numbers against those of `ps` and of its own folder, one time after the other.
//!
//! Each reading of ours lies between two of theirs, so it must lie within them as a number too,
//! and a single one that does not is a failure. Nothing else may happen meanwhile: threads and
//! files of other tests would come and go between the three looks. So this is a process of its
//! own with one test, on whose thread everything is opened and begun between readings only. A
//! machine that is busy with others makes the three looks take longer, and of what is compared
//! only the CPU time goes on by itself.
#![cfg(target_os = "linux")]

#[path = "support/ask.rs"]
mod ask;
#[path = "support/computing.rs"]
mod computing;

use std::fs::{self, File};
use std::process;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use node0_metrics_core::{Clock, GuestCall, Registry, Ticker};
use node0_system_monitor::SystemMonitor;
use testbed::Deadline;

use crate::ask::ask;
use crate::computing::Computing;

/// The number of readings that must all agree.
const READINGS: usize = 10;
/// The number of repeats allowed because the tools' numbers before and after ours differed too much.
const REPEATS: usize = 10;

/// The compared columns: a name, and the allowed difference as a share and in units.
///
/// Memory is counted by the kernel in batches, and CPU time by `ps` in whole seconds. Of threads
/// and files each one counts.
const COLUMNS: [(&str, f64, f64); 5] = [
    ("rss in KiB", 0.02, 1.0),
    ("vsz in KiB", 0.02, 1.0),
    ("threads", 0.0, 0.0),
    ("CPU seconds", 0.02, 1.0),
    ("open files", 0.0, 0.0),
];

type Numbers = [f64; COLUMNS.len()];

/// Memory, files and threads that grow.
#[derive(Default)]
struct Load {
    memory: Vec<Vec<u8>>,
    files: Vec<File>,
    /// Threads end when their sender is dropped.
    threads: Vec<(Sender<()>, JoinHandle<()>)>,
}

impl Load {
    /// More than the tolerances, so that numbers of the last reading would be wrong.
    fn grow(&mut self) {
        self.memory.push(vec![1; 16 << 20]);
        self.files.extend((0..7).map(|_| File::open("/dev/null").expect("it is there")));
        let (stop, stopped): (_, Receiver<()>) = channel();
        let (begin, begun) = channel();
        let thread = thread::spawn(move || {
            begin.send(()).expect("somebody waits for it");
            // Dropping the other end is the only message.
            let _ = stopped.recv();
        });
        begun.recv().expect("the thread begins");
        self.threads.push((stop, thread));
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for (stop, thread) in self.threads.drain(..) {
            drop(stop);
            thread.join().expect("it only waits");
        }
    }
}

/// Reads the numbers of `ps` and of the listing.
fn theirs() -> Numbers {
    let pid = process::id().to_string();
    let said = ask("ps", &["-o", "rss=,vsz=,nlwp=,cputimes=", "-p", &pid]).expect("it was there");
    let [rss, vsz, threads, cpu] = said[..] else { panic!("ps says {said:?}") };
    // One of those listed is the listing.
    let files = fs::read_dir("/proc/self/fd").expect("this runs on Linux").count() - 1;
    [rss as f64, vsz as f64, threads as f64, cpu as f64, files as f64]
}

fn ours(ticker: &mut Ticker) -> Numbers {
    let sample = ticker.tick().sample;
    let number = |name| sample.snapshot.value(name, &[]).map_or(f64::NAN, |value| value.as_f64());
    [
        number("process_resident_memory_bytes") / 1024.0,
        number("process_virtual_memory_bytes") / 1024.0,
        number("process_threads"),
        number("process_cpu_seconds_total"),
        number("process_open_fds"),
    ]
}

/// Returns `true` if the tools' two readings are close enough to compare with.
fn is_narrow(before: &Numbers, after: &Numbers) -> bool {
    let apart = before.iter().zip(after).map(|(a, b)| ((a - b).abs(), a.max(*b)));
    apart.into_iter().all(|(apart, most)| apart <= (most * 0.05).max(1.0))
}

/// Returns our numbers that are not between the tools' two readings.
fn wrong(before: &Numbers, ours: &Numbers, after: &Numbers) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, (name, share, units)) in COLUMNS.iter().enumerate() {
        let (least, most) = (before[at].min(after[at]), before[at].max(after[at]));
        let slack = (most * share).max(*units);
        if !(least - slack..=most + slack).contains(&ours[at]) {
            wrong.push(format!("{name}: {} is not in {least}..={most}", ours[at]));
        }
    }
    wrong
}

/// Not a test beside the other, whose thread would end in the middle of it.
fn numbers_outside_of_theirs_are_wrong() {
    let theirs = [100_000.0, 300_000.0, 5.0, 3.0, 20.0];
    assert!(wrong(&theirs, &theirs, &theirs).is_empty());
    for (at, off) in [(0, 2_500.0), (1, -6_500.0), (2, 1.0), (3, 1.5), (4, -1.0), (2, f64::NAN)] {
        let mut ours = theirs;
        ours[at] += off;
        assert_eq!(wrong(&theirs, &ours, &theirs).len(), 1, "{off} to {}", COLUMNS[at].0);
    }
}

#[test]
fn numbers_agree_with_ps_under_load() {
    numbers_outside_of_theirs_are_wrong();
    testbed::require!(ask("ps", &["-o", "rss=", "-p", "1"]));
    let _computing = Computing::start();
    let minute = Duration::from_secs(60);
    // A machine that is busy with others leaves out no poll.
    let builder = Registry::builder().clock(Clock::std()).guest_timeout(minute);
    let registry = builder.guest_budget(GuestCall::Poll, minute).build();
    let _monitor = SystemMonitor::register(&registry).expect("a new registry has none");
    let mut ticker = registry.ticker().expect("a new registry has none");
    // The thread that polls begins with the first tick.
    ticker.tick();
    let mut load = Load::default();
    load.grow();
    // Of less, a second is too much.
    assert!(Deadline::seconds(60).until(|| theirs()[3] >= 3.0), "nothing computes");
    let mut repeats = 0;
    for reading in 0..READINGS {
        load.grow();
        loop {
            let (before, ours, after) = (theirs(), ours(&mut ticker), theirs());
            if !is_narrow(&before, &after) {
                repeats += 1;
                assert!(repeats <= REPEATS, "{before:?} became {after:?}");
                continue;
            }
            let wrong = wrong(&before, &ours, &after);
            assert!(wrong.is_empty(), "reading {reading}: {}", wrong.join(", "));
            break;
        }
    }
}

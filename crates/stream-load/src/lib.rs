//! Thousands of readers of a node0 stream, which check what they read.
//!
//! The proofs and the bench put a stream under load from another process. A client library would
//! cost more than the server it measures, so the readers take frames apart by themselves: they
//! look at `type`, `seq` and `timestamp` and hash the rest. All run on one thread, so that the load
//! takes one core at most, and [`Report::cpu_seconds`] shows whether it was the bottleneck.
//!
//! The readers find out, of every update, whether it is in order, whether it equals that of the
//! other readers of its group, whether one is missing, and how late it is.

mod elsewhere;
mod plan;
mod report;

mod client;
mod frames;
mod tally;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

pub use crate::elsewhere::{Elsewhere, play};
pub use crate::plan::{Behaviour, Plan};
pub use crate::report::{Latency, Report};

use crate::tally::Tally;

/// The descriptors that are needed beside those of the readers.
const SPARE_DESCRIPTORS: u64 = 100;
/// The readers that connect at once.
const CONNECTING: usize = 100;
/// The longest time until all readers have their first message.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a load to its end; `ready` is called when all readers are connected.
///
/// Blocks the thread. Raises the limit of descriptors of the process if it is too low.
///
/// # Errors
///
/// Fails when the limit cannot be raised, or not all readers are connected within a minute.
pub fn run(plan: &Plan, ready: impl FnOnce()) -> io::Result<Report> {
    raise_descriptor_limit(plan.clients as u64 + SPARE_DESCRIPTORS)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, load(plan, ready))
}

async fn load(plan: &Plan, ready: impl FnOnce()) -> io::Result<Report> {
    let tally = Rc::new(RefCell::new(Tally::new(plan)));
    for index in 0..plan.clients {
        let places_are_taken = || index - tally.borrow().started() >= CONNECTING;
        while places_are_taken() {
            sleep(Duration::from_millis(1)).await;
        }
        tokio::task::spawn_local(client::run(plan.clone(), index, tally.clone()));
    }
    let all_started = async {
        while tally.borrow().started() < plan.clients {
            sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(PATIENCE, all_started).await.is_err() {
        let message = format!("not all readers were connected: {:?}", tally.borrow().report());
        return Err(io::Error::new(io::ErrorKind::TimedOut, message));
    }
    tally.borrow_mut().begin();
    ready();
    let cpu_before = cpu_time();
    sleep(Duration::from_millis(plan.millis)).await;
    let mut report = tally.borrow().report();
    report.seconds = plan.millis as f64 / 1000.0;
    report.cpu_seconds = (cpu_time() - cpu_before).as_secs_f64();
    Ok(report)
}

/// Raises the limit of descriptors of this process to what it needs.
///
/// # Errors
///
/// Fails when the hard limit is lower, with a message that says so.
pub fn raise_descriptor_limit(needed: u64) -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        let maximum = limit.maximum.unwrap_or_default();
        let message = format!(
            "{needed} file descriptors are needed and {maximum} are allowed: raise the hard limit, \
             for example by `ulimit -Hn {needed}` as root"
        );
        return Err(io::Error::other(message));
    }
    limit.current = Some(needed);
    Ok(setrlimit(Resource::Nofile, limit)?)
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

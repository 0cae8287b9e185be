//! The load's own ledger: what was asked, when it ended, how it ended, how long it took.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use testbed::deadline::{Stopwatch, epoch_seconds, pause};
use testbed::http::Request;

/// The times that an order is read after it was placed.
const READS: usize = 4;

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The end, in epoch seconds.
    pub(crate) at: f64,
    pub(crate) seconds: f64,
    pub(crate) is_order: bool,
    /// `true` for the first read of an order, which the first tier does not have yet.
    pub(crate) is_first: bool,
    pub(crate) status: u16,
}

/// Threads that place orders and read them until the load is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    entries: Arc<Mutex<Vec<Entry>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts this many threads, each of which places an order in every `period` and reads it; if it
    /// is refused, the threads read the `known` one.
    pub(crate) fn start(address: SocketAddr, known: &str, threads: u32, period: Duration) -> Self {
        let (entries, stop) = (Arc::<Mutex<Vec<Entry>>>::default(), Arc::<AtomicBool>::default());
        let threads = (0..threads).map(|number| {
            let (entries, stop, known) = (entries.clone(), stop.clone(), known.to_owned());
            // Threads begin one after the other, so that the load is even.
            let delay = period * number / threads.max(1);
            std::thread::spawn(move || {
                pause(delay);
                run(address, &known, period, &stop, &entries);
            })
        });
        Self { threads: threads.collect(), entries, stop }
    }

    /// Returns the requests that ended in a span of epoch seconds.
    pub(crate) fn within(&self, from: f64, to: f64) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter(|entry| (from..to).contains(&entry.at)).copied().collect()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that panicked has told so on stderr.
            let _ = thread.join();
        }
    }
}

fn run(
    address: SocketAddr,
    known: &str,
    period: Duration,
    stop: &AtomicBool,
    entries: &Mutex<Vec<Entry>>,
) {
    let order = json!({ "customer": "ann", "items": [{ "sku": "tea", "quantity": 2 }] });
    let clock = Stopwatch::start();
    for cycle in 1.. {
        let request = Request::new("POST", "/orders").json(&order);
        let placed = send(address, &request, Kind::Order, entries);
        let id = placed.as_ref().and_then(|body| body["id"].as_str()).map(str::to_owned);
        for read in 0..READS {
            let kind = if id.is_some() && read == 0 { Kind::FirstRead } else { Kind::Read };
            let target = format!("/orders/{}", id.as_deref().unwrap_or(known));
            send(address, &Request::get(&target), kind, entries);
        }
        pause((period * cycle).saturating_sub(clock.elapsed()));
        if stop.load(Ordering::Relaxed) {
            return;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Order,
    FirstRead,
    Read,
}

fn send(
    address: SocketAddr,
    request: &Request,
    kind: Kind,
    entries: &Mutex<Vec<Entry>>,
) -> Option<serde_json::Value> {
    let watch = Stopwatch::start();
    let response = request.send(address).ok()?;
    let entry = Entry {
        at: epoch_seconds(),
        seconds: watch.elapsed().as_secs_f64(),
        is_order: kind == Kind::Order,
        is_first: kind == Kind::FirstRead,
        status: response.status,
    };
    entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    (response.status < 300).then(|| response.json().ok()).flatten()
}

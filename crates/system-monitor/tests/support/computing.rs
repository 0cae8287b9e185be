//! Threads that compute.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Keeps two threads computing until it is dropped.
pub(crate) struct Computing {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Computing {
    pub(crate) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let compute = |_| {
            let stop = stop.clone();
            thread::spawn(move || while !stop.load(Ordering::Relaxed) {})
        };
        Self { threads: (0..2).map(compute).collect(), stop }
    }
}

impl Drop for Computing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("it only computes");
        }
    }
}

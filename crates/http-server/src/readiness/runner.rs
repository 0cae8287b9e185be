//! The background task that runs all checks at a fixed interval; each run is a round.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_metrics_core::{
    GuardedCall, GuestCall, GuestError, NotReady, ReadinessCheck, Registry, Waiter, discard,
};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use super::board::{Board, CheckStatus};
use super::listing::{Checks, Listing};
use super::lock;
use super::thread::CheckThread;

pub(super) struct Runner {
    registry: Registry,
    listing: Arc<Listing>,
    /// The task that still makes the list, if it takes longer than the last round waited for it.
    listed: Option<JoinHandle<()>>,
    board: Arc<Mutex<Board>>,
    timeout: Duration,
    /// The threads of the checks that have run, by name; `None` if all run on the current runtime.
    threads: Option<BTreeMap<String, CheckThread>>,
    /// The guarded call of each check by name; it counts the check's failures.
    guards: BTreeMap<String, Arc<GuardedCall>>,
    /// The checks that run at the moment, by name.
    running: BTreeMap<String, RunningCheck>,
}

/// The task of a check; dropping it aborts the task.
struct RunningCheck {
    task: JoinHandle<Result<(), String>>,
    /// Counts the check as hung if its task cannot be waited for any longer.
    waiter: Option<Waiter>,
}

impl Drop for RunningCheck {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Runner {
    pub(super) fn new(
        registry: Registry,
        own: Vec<Arc<dyn ReadinessCheck>>,
        board: Arc<Mutex<Board>>,
        timeout: Duration,
        threads: Option<BTreeMap<String, CheckThread>>,
    ) -> Self {
        let listing = Arc::new(Listing::new(registry.clone(), own));
        let (guards, running) = (BTreeMap::new(), BTreeMap::new());
        Self { registry, listing, listed: None, board, timeout, threads, guards, running }
    }

    /// Adds the checks to the board before the first round, so that the service is not ready before
    /// each of them has a result.
    pub(super) fn announce(&self) {
        self.listing.renew();
        let names: Vec<String> = self.listing.known().into_keys().collect();
        lock(&self.board).follow(&names);
    }

    /// Makes the list of checks again on a blocking thread, and returns it.
    ///
    /// If the new list is not ready in time, for example because the host keeps all blocking
    /// threads busy, this returns the previous list.
    async fn list(&mut self) -> Checks {
        let mut listed = self.listed.take().unwrap_or_else(|| {
            let listing = self.listing.clone();
            spawn_blocking(move || listing.renew())
        });
        match timeout(self.timeout, &mut listed).await {
            Ok(ended) => discard(ended),
            Err(_) => self.listed = Some(listed),
        }
        self.listing.known()
    }

    pub(super) async fn run(mut self, every: Duration) {
        let mut rounds = interval(every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            self.round().await;
        }
    }

    async fn round(&mut self) {
        let checks = self.list().await;
        let names: Vec<String> = checks.keys().cloned().collect();
        lock(&self.board).follow(&names);
        self.running.retain(|name, check| checks.contains_key(name) && !check.task.is_finished());
        self.guards.retain(|name, _| checks.contains_key(name));
        if let Some(threads) = &mut self.threads {
            threads.retain(|name, _| checks.contains_key(name));
        }
        // The checks run concurrently, so that a round takes no longer than the slowest one.
        let deadline = Instant::now() + self.timeout;
        let mut stuck = Vec::new();
        for (name, check) in checks {
            if self.running.contains_key(&name) {
                // It blocks its thread and cannot be cancelled; a second call would block another one.
                stuck.push(name);
                // It may be the last one of a check that is not listed any more.
                discard(check);
                continue;
            }
            let running = self.start(&name, check, deadline);
            self.running.insert(name, running);
        }
        for name in &stuck {
            self.note(
                name,
                Err("still running since an earlier round: the check blocks its thread".to_owned()),
            );
        }
        for name in names.iter().filter(|name| !stuck.contains(name)) {
            let result = self.result(name, deadline).await;
            self.note(name, result);
        }
    }

    /// Starts a check that runs until the deadline.
    fn start(
        &mut self,
        name: &str,
        check: Arc<dyn ReadinessCheck>,
        deadline: Instant,
    ) -> RunningCheck {
        let handle = self.handle(name);
        // `check` is called inside a future, so that a panic before it returns its own is contained too.
        let run = async move { check.check().await };
        let timeout = self.timeout;
        let Some(guard) = self.guard(name) else {
            let run = async move { message(timeout_at(deadline, run).await.map(Ok), timeout) };
            return RunningCheck { task: handle.spawn(run), waiter: None };
        };
        let run = guard.contain(run);
        let waiter = Some(run.waiter());
        let run = async move { message(timeout_at(deadline, run).await, timeout) };
        RunningCheck { task: handle.spawn(run), waiter }
    }

    /// Returns the runtime for a check: that of its own thread if it has one and can have one.
    fn handle(&mut self, name: &str) -> Handle {
        let Some(threads) = &mut self.threads else { return Handle::current() };
        if !threads.contains_key(name)
            && let Ok(thread) = CheckThread::start()
        {
            threads.insert(name.to_owned(), thread);
        }
        threads.get(name).map_or_else(Handle::current, |own| own.handle().clone())
    }

    /// Waits for the result of a check that was started in this round.
    async fn result(&mut self, name: &str, deadline: Instant) -> Result<(), String> {
        let Some(check) = self.running.get_mut(name) else {
            return Err("the check was not started".to_owned());
        };
        // The task ends at its deadline by itself, unless the check blocks its thread.
        match timeout_at(deadline + self.timeout / 10, &mut check.task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => {
                discard(error);
                Err("the check panicked or was aborted".to_owned())
            }
            Err(_) => {
                if let Some(waiter) = &check.waiter {
                    waiter.give_up();
                }
                Err(late(self.timeout))
            }
        }
    }

    /// Returns the guarded call of a check; `None` if its series cannot be registered.
    fn guard(&mut self, name: &str) -> Option<Arc<GuardedCall>> {
        if !self.guards.contains_key(name) {
            let guard = self.registry.guard(name, GuestCall::Check).ok()?;
            self.guards.insert(name.to_owned(), Arc::new(guard));
        }
        self.guards.get(name).cloned()
    }

    fn note(&self, name: &str, result: Result<(), String>) {
        let message = result.as_ref().err().cloned().unwrap_or_default();
        let changed = lock(&self.board).note(name, result, Instant::now());
        let Some(status) = changed else { return };
        let check = name.to_owned();
        node0_log_relay::log(move || match status {
            CheckStatus::Fail => tracing::warn!(check, message, "readiness check fails"),
            _ => tracing::info!(check, "readiness check passes"),
        });
    }
}

/// Converts what became of a check into its result; an error is the message for the probe.
fn message(
    ended: Result<Result<Result<(), NotReady>, GuestError>, Elapsed>,
    timeout: Duration,
) -> Result<(), String> {
    match ended {
        Ok(Ok(result)) => result.map_err(|not_ready| not_ready.to_string()),
        Ok(Err(error)) => Err(format!("the check {error}")),
        Err(_) => Err(late(timeout)),
    }
}

fn late(timeout: Duration) -> String {
    format!("no answer within {} ms", timeout.as_millis())
}

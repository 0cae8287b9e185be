//! The background task that runs the checks, round after round.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_core::{GuardedCall, GuestCall, ReadinessCheck, Registry};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use super::board::{Board, CheckStatus};
use super::listing::{Checks, Listing};
use super::lock;
use super::thread::CheckThread;

pub(super) struct Runner {
    registry: Registry,
    listing: Arc<Listing>,
    /// The list still being made, if it took longer than the last round waited.
    listed: Option<JoinHandle<()>>,
    board: Arc<Mutex<Board>>,
    timeout: Duration,
    /// The thread of the checks; without one they are asked on the current runtime.
    thread: Option<CheckThread>,
    /// The guarded call of each check, which counts its outcomes, by name.
    guards: BTreeMap<String, Arc<GuardedCall>>,
    /// Checks that were asked and have not answered, by name.
    asked: BTreeMap<String, Asked>,
}

/// A check that is being asked; forgetting it stops it.
struct Asked(JoinHandle<Result<(), String>>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Runner {
    pub(super) fn new(
        registry: Registry,
        own: Vec<Arc<dyn ReadinessCheck>>,
        board: Arc<Mutex<Board>>,
        timeout: Duration,
        thread: Option<CheckThread>,
    ) -> Self {
        let listing = Arc::new(Listing::new(registry.clone(), own));
        let (guards, asked) = (BTreeMap::new(), BTreeMap::new());
        Self { registry, listing, listed: None, board, timeout, thread, guards, asked }
    }

    /// Adds the checks to the board before their first round, so that the service is not ready without them.
    pub(super) fn announce(&self) {
        self.listing.renew();
        let names: Vec<String> = self.listing.known().into_keys().collect();
        lock(&self.board).follow(&names);
    }

    /// Makes the list of checks again on a blocking thread, and returns the checks known then.
    ///
    /// While the host keeps all blocking threads busy, the checks of the last list are asked.
    async fn list(&mut self) -> Checks {
        let mut listed = self.listed.take().unwrap_or_else(|| {
            let listing = self.listing.clone();
            spawn_blocking(move || listing.renew())
        });
        if timeout(self.timeout, &mut listed).await.is_err() {
            self.listed = Some(listed);
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
        self.asked.retain(|name, asked| checks.contains_key(name) && !asked.0.is_finished());
        self.guards.retain(|name, _| checks.contains_key(name));
        // All at once, so that a round takes no longer than the slowest check.
        let deadline = Instant::now() + self.timeout;
        let mut stuck = Vec::new();
        for (name, check) in checks {
            if self.asked.contains_key(&name) {
                // A check that blocks its thread cannot be cancelled; a second one would block another thread.
                stuck.push(name);
                continue;
            }
            let answer = ask(self.guard(&name), check, deadline, self.timeout);
            let asked = match &self.thread {
                Some(thread) => thread.handle().spawn(answer),
                None => Handle::current().spawn(answer),
            };
            self.asked.insert(name, Asked(asked));
        }
        for name in &stuck {
            self.note(name, Err("still busy with an earlier round: it blocks".to_owned()));
        }
        for name in names.iter().filter(|name| !stuck.contains(name)) {
            let result = self.answer(name, deadline).await;
            self.note(name, result);
        }
    }

    async fn answer(&mut self, name: &str, deadline: Instant) -> Result<(), String> {
        let Some(asked) = self.asked.get_mut(name) else {
            return Err("it was not asked".to_owned());
        };
        // The task ends at its deadline by itself, unless the check blocks its thread.
        match timeout_at(deadline + self.timeout / 10, &mut asked.0).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("it was stopped".to_owned()),
            Err(_) => {
                if let Some(guard) = self.guards.get(name) {
                    guard.give_up();
                }
                Err(late(self.timeout))
            }
        }
    }

    /// Returns the guarded call of a check; `None` if the registry is out of names.
    fn guard(&mut self, name: &str) -> Option<Arc<GuardedCall>> {
        if !self.guards.contains_key(name) {
            let guard = self.registry.guard(name, GuestCall::Check).ok()?;
            self.guards.insert(name.to_owned(), Arc::new(guard));
        }
        self.guards.get(name).cloned()
    }

    fn note(&self, name: &str, result: Result<(), String>) {
        let message = result.as_ref().err().cloned().unwrap_or_default();
        match lock(&self.board).note(name, result, Instant::now()) {
            Some(CheckStatus::Fail) => tracing::warn!(check = name, message, "readiness lost"),
            Some(_) => tracing::info!(check = name, "readiness check passes"),
            None => {}
        }
    }
}

/// Runs a check, and returns the reason in words if it does not pass.
async fn ask(
    guard: Option<Arc<GuardedCall>>,
    check: Arc<dyn ReadinessCheck>,
    deadline: Instant,
    timeout: Duration,
) -> Result<(), String> {
    let asked = async { check.check().await };
    let answer = match &guard {
        Some(guard) => timeout_at(deadline, guard.contain(asked)).await,
        None => timeout_at(deadline, asked).await.map(Ok),
    };
    match answer {
        Ok(Ok(answer)) => answer.map_err(|not_ready| not_ready.to_string()),
        Ok(Err(error)) => Err(format!("it {error}")),
        Err(_) => Err(late(timeout)),
    }
}

fn late(timeout: Duration) -> String {
    format!("no answer within {} ms", timeout.as_millis())
}

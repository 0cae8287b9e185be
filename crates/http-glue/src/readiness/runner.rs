//! The background task that runs the checks, round after round.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_core::{NotReady, ReadinessCheck, Registry};
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::board::{Board, CheckStatus};
use super::lock;

pub(super) struct Runner {
    registry: Registry,
    own: Vec<Arc<dyn ReadinessCheck>>,
    board: Arc<Mutex<Board>>,
    timeout: Duration,
    /// Checks that run, by name.
    asked: BTreeMap<String, Asked>,
}

/// A check that runs; dropping this cancels it.
struct Asked(JoinHandle<Result<Result<(), NotReady>, Elapsed>>);

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
    ) -> Self {
        Self { registry, own, board, timeout, asked: BTreeMap::new() }
    }

    /// Puts the checks on the board before their first round, so that the service is not ready without them.
    pub(super) fn announce(&self) {
        let names: Vec<String> = self.checks().into_keys().collect();
        lock(&self.board).follow(&names);
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
        let checks = self.checks();
        let names: Vec<String> = checks.keys().cloned().collect();
        lock(&self.board).follow(&names);
        self.asked.retain(|name, asked| checks.contains_key(name) && !asked.0.is_finished());
        // All checks start at once, so that a round takes no longer than the slowest.
        let deadline = Instant::now() + self.timeout;
        let mut stuck = Vec::new();
        for (name, check) in checks {
            if self.asked.contains_key(&name) {
                // A check that blocks its thread cannot be cancelled; a second one would block another thread.
                stuck.push(name);
                continue;
            }
            let task = async move { timeout_at(deadline, check.check()).await };
            self.asked.insert(name, Asked(tokio::spawn(task)));
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
            Ok(Ok(Ok(answer))) => answer.map_err(|not_ready| not_ready.to_string()),
            Ok(Err(_)) => Err("it panicked".to_owned()),
            Ok(Ok(Err(_))) | Err(_) => {
                Err(format!("no answer within {} ms", self.timeout.as_millis()))
            }
        }
    }

    fn note(&self, name: &str, result: Result<(), String>) {
        let message = result.as_ref().err().cloned().unwrap_or_default();
        match lock(&self.board).note(name, result, Instant::now()) {
            Some(CheckStatus::Fail) => tracing::warn!(check = name, message, "readiness lost"),
            Some(_) => tracing::info!(check = name, "readiness check passes"),
            None => {}
        }
    }

    /// Returns all checks by name; of two with one name, the later gets a number.
    fn checks(&self) -> BTreeMap<String, Arc<dyn ReadinessCheck>> {
        let mut checks = BTreeMap::new();
        let monitors = self.registry.monitors();
        // Code of others: one that panics has no checks in this round.
        let of_monitors = monitors.iter().flat_map(|monitor| {
            catch_unwind(AssertUnwindSafe(|| monitor.readiness())).unwrap_or_default()
        });
        for check in self.own.iter().cloned().chain(of_monitors) {
            // A check whose name panics still runs: without it the service would seem ready.
            let name = catch_unwind(AssertUnwindSafe(|| check.name().to_owned()));
            let name = name.unwrap_or_else(|_| "unnamed".to_owned());
            let mut unique = name.clone();
            let mut number = 1;
            while checks.contains_key(&unique) {
                number += 1;
                unique = format!("{name} ({number})");
            }
            checks.insert(unique, check);
        }
        checks
    }
}

//! The list of checks by name, made anew for each round.
//!
//! Making it calls each monitor for its checks and each check for its name. Both are code
//! of others, so this may fail or take long. Until a new list is ready, the checks of the
//! previous one run; otherwise probes would get old results for as long as the list hangs.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex};

use node0_metrics_core::{GuardedCall, GuestCall, ReadinessCheck, Registry, contain, lock};

/// Checks by name.
pub(super) type Checks = BTreeMap<String, Arc<dyn ReadinessCheck>>;

/// The name of a check whose own name cannot be read.
const UNNAMED: &str = "unnamed";

pub(super) struct Listing {
    registry: Registry,
    /// The checks that the host added.
    own: Vec<Arc<dyn ReadinessCheck>>,
    /// Guards the calls that read the names; `None` if its series could not be registered.
    guard: Option<GuardedCall>,
    known: Arc<Mutex<Checks>>,
}

impl Listing {
    pub(super) fn new(registry: Registry, own: Vec<Arc<dyn ReadinessCheck>>) -> Self {
        let guard = registry.guard("readiness", GuestCall::Readiness).ok();
        Self { registry, own, guard, known: Arc::default() }
    }

    /// Returns the last list that could be made.
    pub(super) fn known(&self) -> Checks {
        lock(&self.known).clone()
    }

    /// Makes the list again; waits at most for the timeouts of the guarded calls.
    pub(super) fn renew(&self) {
        let given: Vec<_> =
            self.own.iter().cloned().chain(self.registry.readiness_checks()).collect();
        let (checks, known) = (given.clone(), self.known.clone());
        let list = move || {
            let named = by_name(checks.into_iter().map(|check| (name_of(&*check), check)));
            // The last list is dropped outside the lock: dropping a check may run guest code.
            let before = mem::replace(&mut *lock(&known), named);
            drop(before);
        };
        match &self.guard {
            // The guard counts a failure.
            Some(guard) => drop(guard.run(list)),
            None => list(),
        }
        let mut known = lock(&self.known);
        if known.is_empty() {
            // The very first list could not be made. The checks run without their names:
            // without any check the service would count as ready.
            *known = by_name(given.into_iter().map(|check| (UNNAMED.to_owned(), check)));
        }
    }
}

fn name_of(check: &dyn ReadinessCheck) -> String {
    contain(|| check.name().to_owned()).unwrap_or_else(|_| UNNAMED.to_owned())
}

/// Collects checks by name; a second check of the same name gets a number, such as `db (2)`.
fn by_name(named: impl Iterator<Item = (String, Arc<dyn ReadinessCheck>)>) -> Checks {
    let mut checks = Checks::new();
    for (name, check) in named {
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

//! The results of the checks, and the status that they give.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// The number of contradicting results in a row that changes the status of a check.
const STREAK: u32 = 2;

/// The length in bytes to which the message of a check is cut.
const MAX_MESSAGE_BYTES: usize = 256;

/// The readiness of a service for traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReadinessStatus {
    /// A check has no result yet, or the host has not called
    /// [`Readiness::started`](crate::Readiness::started) as it said it would.
    Starting,
    /// The service has started and no check fails.
    Ready,
    /// A check fails.
    NotReady,
    /// [`Readiness::drain`](crate::Readiness::drain) was called: the service is about to stop.
    Draining,
}

/// The status of a check; it changes after two results in a row that contradict it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CheckStatus {
    /// The check has no result yet.
    Unknown,
    /// The check succeeds.
    Pass,
    /// The check returns an error, exceeds its timeout or panics, or its last result is too old.
    Fail,
}

/// The body of `/health/ready`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReadinessReport {
    /// The status of the service.
    pub status: ReadinessStatus,
    /// The checks by name.
    pub checks: BTreeMap<String, CheckReport>,
}

/// A check in the body of `/health/ready`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckReport {
    /// The status of the check.
    pub status: CheckStatus,
    /// The message of the last failure, until the next success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The age of the last result, in milliseconds in JSON; `None` before the first.
    #[serde(rename = "ageMs", serialize_with = "as_millis")]
    pub age: Option<Duration>,
}

fn as_millis<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Draining,
}

#[derive(Debug)]
pub(super) struct Board {
    phase: Phase,
    /// The time for which a result counts.
    lasting: Duration,
    /// `true` once the service was ready. Before that, a check without a result keeps the status
    /// at `Starting`. Afterwards it does not, so that a check may be added at any time.
    was_ready: bool,
    checks: BTreeMap<String, Standing>,
}

#[derive(Debug)]
struct Standing {
    status: CheckStatus,
    /// Results in a row that contradict the status.
    contradictions: u32,
    message: Option<String>,
    checked: Option<Instant>,
}

impl Standing {
    /// Returns `true` if the last result has lasted for too long.
    fn is_stale(&self, lasting: Duration) -> bool {
        self.checked.is_some_and(|checked| checked.elapsed() > lasting)
    }

    fn status(&self, lasting: Duration) -> CheckStatus {
        if self.is_stale(lasting) { CheckStatus::Fail } else { self.status }
    }

    fn message(&self, lasting: Duration) -> Option<String> {
        if self.is_stale(lasting) {
            let lasting = lasting.as_secs_f32();
            return Some(format!(
                "no result for more than {lasting} s: the checks' runtime has ended or is blocked"
            ));
        }
        self.message.clone()
    }
}

impl Board {
    pub(super) fn new(lasting: Duration) -> Self {
        Self { phase: Phase::Starting, lasting, was_ready: false, checks: BTreeMap::new() }
    }

    pub(super) fn start(&mut self) {
        if self.phase == Phase::Starting {
            self.phase = Phase::Running;
        }
    }

    pub(super) fn drain(&mut self) {
        self.phase = Phase::Draining;
    }

    /// Adds the checks in `names` that are new, and removes those that are not in it.
    pub(super) fn follow(&mut self, names: &[String]) {
        self.checks.retain(|name, _| names.contains(name));
        for name in names {
            self.checks.entry(name.clone()).or_insert(Standing {
                status: CheckStatus::Unknown,
                contradictions: 0,
                message: None,
                checked: None,
            });
        }
    }

    /// Takes in a result; returns the new status of the check if it changed.
    pub(super) fn note(
        &mut self,
        name: &str,
        result: Result<(), String>,
        now: Instant,
    ) -> Option<CheckStatus> {
        let standing = self.checks.get_mut(name)?;
        let found = if result.is_ok() { CheckStatus::Pass } else { CheckStatus::Fail };
        standing.checked = Some(now);
        standing.message = result.err().map(|mut message| {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
            message
        });
        if found == standing.status {
            standing.contradictions = 0;
            return None;
        }
        standing.contradictions += 1;
        if standing.status != CheckStatus::Unknown && standing.contradictions < STREAK {
            return None;
        }
        standing.contradictions = 0;
        standing.status = found;
        Some(found)
    }

    pub(super) fn status(&mut self) -> ReadinessStatus {
        let any = |status| self.checks.values().any(|check| check.status(self.lasting) == status);
        let status = match self.phase {
            Phase::Draining => ReadinessStatus::Draining,
            Phase::Starting => ReadinessStatus::Starting,
            Phase::Running if any(CheckStatus::Fail) => ReadinessStatus::NotReady,
            Phase::Running if !self.was_ready && any(CheckStatus::Unknown) => {
                ReadinessStatus::Starting
            }
            Phase::Running => ReadinessStatus::Ready,
        };
        self.was_ready |= status == ReadinessStatus::Ready;
        status
    }

    pub(super) fn report(&mut self) -> ReadinessReport {
        let status = self.status();
        let checks = self.checks.iter().map(|(name, standing)| {
            let report = CheckReport {
                status: standing.status(self.lasting),
                message: standing.message(self.lasting),
                age: standing.checked.map(|checked| checked.elapsed()),
            };
            (name.clone(), report)
        });
        ReadinessReport { status, checks: checks.collect() }
    }
}

//! Switches that inject faults, so that a user can watch findings appear and disappear.
//!
//! A switch is only a flag: the code that a fault affects reads it on each call, so a fault
//! starts and ends at once and the rest of the demo needs no restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

/// The time that each query takes longer while the database is slow.
const SLOW: Duration = Duration::from_millis(250);
/// The number of connections while the pool is small.
const SMALL: usize = 1;
/// The time that each query takes longer while the pool is small: few callers are too many then.
const BUSY: Duration = Duration::from_millis(300);
/// The time that each payment takes longer while payments are slow; an order waits less.
const SLOW_PAYMENT: Duration = Duration::from_millis(1500);

/// A fault that can be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Every query takes a quarter of a second longer.
    SlowDatabase,
    /// The pool has one connection, which is in use most of the time.
    SmallPool,
    /// The payment service answers with 500.
    FailingPayments,
    /// Payments take longer than an order waits for them.
    SlowPayments,
    /// Every lookup in the cache misses.
    ColdCache,
}

impl Fault {
    /// All faults, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::SlowDatabase,
        Self::SmallPool,
        Self::FailingPayments,
        Self::SlowPayments,
        Self::ColdCache,
    ];

    /// Returns the fault's word in the path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SlowDatabase => "slow-database",
            Self::SmallPool => "small-pool",
            Self::FailingPayments => "failing-payments",
            Self::SlowPayments => "slow-payments",
            Self::ColdCache => "cold-cache",
        }
    }

    /// Describes the effect of the fault for people.
    pub const fn effect(self) -> &'static str {
        match self {
            Self::SlowDatabase => "every query takes 250 ms longer",
            Self::SmallPool => "the pool has one connection, and a query takes 300 ms longer",
            Self::FailingPayments => "the payment service answers with 500",
            Self::SlowPayments => "a payment takes 1.5 s, and an order waits for it for 1 s",
            Self::ColdCache => "both tiers of the cache forget what they are given",
        }
    }

    /// Returns the fault with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

/// The switches of all faults; clones share them.
#[derive(Clone, Debug)]
pub struct Chaos(Arc<Switches>);

#[derive(Debug)]
struct Switches {
    on: [AtomicBool; Fault::ALL.len()],
    pool_size: usize,
}

impl Chaos {
    /// Creates the switches, all off, for a pool of this size.
    pub fn new(pool_size: usize) -> Self {
        Self(Arc::new(Switches { on: Default::default(), pool_size }))
    }

    /// Returns `true` if the fault is on.
    pub fn is_on(&self, fault: Fault) -> bool {
        self.0.on[fault as usize].load(Ordering::Relaxed)
    }

    /// Turns a fault on or off.
    pub fn set(&self, fault: Fault, to: bool) {
        self.0.on[fault as usize].store(to, Ordering::Relaxed);
    }

    /// Returns the time that each query is to take longer.
    pub fn database_delay(&self) -> Option<Duration> {
        let busy = self.is_on(Fault::SmallPool).then_some(BUSY);
        busy.or(self.is_on(Fault::SlowDatabase).then_some(SLOW))
    }

    /// Returns the time that each payment is to take longer.
    pub fn payment_delay(&self) -> Option<Duration> {
        self.is_on(Fault::SlowPayments).then_some(SLOW_PAYMENT)
    }

    /// Returns the number of connections that the pool is to have.
    pub fn pool_size(&self) -> usize {
        if self.is_on(Fault::SmallPool) { SMALL } else { self.0.pool_size }
    }
}

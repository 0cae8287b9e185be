//! The guests of a registry, and the faults that they can have.

use std::panic::panic_any;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use node0::breaker::{Circuit, State};
use node0::{Desc, Monitoring};
use testbed::deadline::pause;
use tokio::runtime::Runtime;

/// Declares an enum, and the list of all its values.
macro_rules! table {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $value:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$doc])* $value,)*
        }

        impl $name {
            pub(crate) const ALL: [Self; [$(stringify!($value)),*].len()] = [$(Self::$value),*];

            /// The value whose name is this.
            pub(crate) fn named(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| format!("{value:?}") == name)
            }
        }
    };
}

table! {
    /// A place in which a host's code is called.
    Guest {
        Poll,
        Judge,
        Report,
        Readiness,
        Observe,
        Listen,
        Check,
        CacheSource,
        PoolSource,
        HeapSource,
        Appendix,
    }
}

table! {
    /// What it does there.
    Fault {
        Panics,
        /// Takes longer than any budget, and returns.
        Overruns,
        Hangs,
        /// Panics with a payload that panics when it is dropped.
        PanicsInDrop,
        /// Uses the monitoring that calls it.
        Reenters,
        /// Drops the last handle to a monitoring.
        DropsMonitoring,
        /// Drops a runtime.
        DropsRuntime,
    }
}

const INSIDE: Desc = Desc::counter("inside_total", "Calls of the guest.").labels(&["call"]);

/// A fault that a guest has whenever it is called.
pub(crate) struct Trap {
    pub(crate) fault: Fault,
    /// The monitoring that calls the guest, once it is built.
    pub(crate) monitoring: Mutex<Option<(Monitoring, Circuit)>>,
    /// Dropped by the guest.
    pub(crate) other: Mutex<Option<Monitoring>>,
    pub(crate) runtime: Mutex<Option<Runtime>>,
    /// `true` once the service runs: some guests are called while it is built, too.
    pub(crate) is_set: AtomicBool,
    /// The number of calls.
    pub(crate) sprung: AtomicU64,
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("told to, in a destructor");
    }
}

impl Trap {
    pub(crate) fn new(fault: Fault) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
        Self {
            fault,
            monitoring: Mutex::default(),
            other: Mutex::default(),
            runtime: Mutex::new(runtime.ok()),
            is_set: AtomicBool::new(false),
            sprung: AtomicU64::new(0),
        }
    }

    /// Does what the fault says.
    pub(crate) fn spring(&self) {
        if !self.is_set.load(Ordering::Relaxed) {
            return;
        }
        self.sprung.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fault::Panics => panic!("told to"),
            Fault::Overruns => pause(Duration::from_millis(60)),
            Fault::Hangs => loop {
                std::thread::park();
            },
            Fault::PanicsInDrop => panic_any(Grenade),
            Fault::Reenters => self.reenter(),
            Fault::DropsMonitoring => drop(taken(&self.other)),
            Fault::DropsRuntime => drop(taken(&self.runtime)),
        }
    }

    fn reenter(&self) {
        let monitoring = self.monitoring.lock().map_or(None, |inside| inside.clone());
        let Some((monitoring, circuit)) = monitoring else { return };
        let registry = monitoring.registry();
        let state = circuit.state();
        let next = if state == State::Closed { State::Open } else { State::Closed };
        circuit.set_state(next, "inside");
        registry.counter(&INSIDE, &["guest"]).expect("a free name").inc();
        drop(registry.read().report("calm", None));
        drop(registry.latest().report("guest", None));
        assert!(!monitoring.export().is_empty());
        drop(registry.readiness_checks());
    }
}

/// Takes what is dropped after the lock is free again.
fn taken<T>(mutex: &Mutex<Option<T>>) -> Option<T> {
    mutex.lock().map_or(None, |mut inside| inside.take())
}

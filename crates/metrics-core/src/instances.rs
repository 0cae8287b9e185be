//! The named instances that a monitor watches: pools, tiers, circuits, runtimes.
//!
//! Each monitor needs the same of them. A name is checked, and given to one instance at a
//! time. An instance lasts as long as its users hold handles to it, or as long as what it
//! stands for. Readers go through all that live, or ask for one by name. All of this is here,
//! so that a monitor is its own part only: what it records, how it judges, what it reports.

mod error;
mod handle;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::judging::report::UnknownTarget;
use crate::naming::instance_name::InstanceName;
use crate::recording::families::RegisterError;
use crate::sync::{RwLock, read, write};

pub use error::InstanceError;
pub use handle::{InstanceHandle, Named};

/// Something that a monitor watches under a name, with the handles that record it.
///
/// This trait is for monitors to implement.
pub trait Instance: Send + Sync + 'static {
    /// Returns `true` while what it stands for exists; always by default.
    ///
    /// The default fits an instance that lasts as long as its [`InstanceHandle`]s. Override
    /// it where something else ends it too, such as the pool that it watches. It is called
    /// under a lock, so it must be quick and must not call into its [`Instances`].
    fn is_alive(&self) -> bool {
        true
    }
}

/// The instances of one monitor by their names; clones share them.
///
/// An instance is entered once and lasts as long as a handle to it. Dropping the last handle
/// removes it: its name is free at once, and its series leave at the next tick. A reader
/// that holds an instance for a moment keeps no name taken.
///
/// This is a whole monitor of queues, each with its own numbers:
///
/// ```
/// use metrics_core::{
///     ByLabel, Counter, Desc, Finding, Instance, InstanceError, InstanceHandle, Instances,
///     Judgement, Latency, LatencySummary, Monitor, RegisterError, Registry, Report, Topic,
///     UnknownTarget, View, descs, instruments, label_set,
/// };
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// label_set! {
///     /// How a job ended.
///     enum End { Done = "done", Failed = "failed" }
/// }
///
/// descs! {
///     const JOBS: Desc = Desc::counter("queue_jobs_total", "Jobs by their end: done, failed.")
///         .labels(&["queue", "end"]);
///     const WAIT: Desc = Desc::latency("queue_wait_duration_seconds", "Time that jobs waited.")
///         .labels(&["queue"]);
/// }
///
/// instruments! {
///     struct QueueCells, read as QueueReading {
///         jobs: ByLabel<End, Counter> = JOBS,
///         wait: Latency = WAIT,
///     }
/// }
///
/// impl Instance for QueueCells {}
///
/// /// Records what happens to one queue; clones share everything.
/// #[derive(Clone, Debug)]
/// struct Queue(InstanceHandle<QueueCells>);
///
/// impl Queue {
///     fn ended(&self, end: End, waited: Duration) {
///         self.0.jobs[end].inc();
///         self.0.wait.record(waited);
///     }
/// }
///
/// /// Watches queues; clones share them.
/// #[derive(Clone, Debug)]
/// struct QueueMonitor {
///     registry: Registry,
///     queues: Instances<QueueCells>,
/// }
///
/// impl QueueMonitor {
///     fn register(registry: &Registry) -> Result<Self, RegisterError> {
///         let queues = Instances::new("queue");
///         registry.monitor(Arc::new(QueueWatch(queues.clone())))?;
///         Ok(Self { registry: registry.clone(), queues })
///     }
///
///     fn queue(&self, name: &str) -> Result<Queue, InstanceError> {
///         let name = self.queues.name(name)?;
///         self.queues.enter(name, |name| QueueCells::register(&self.registry, &[name])).map(Queue)
///     }
/// }
///
/// /// What the registry holds: it reads the queues, and cannot register one.
/// struct QueueWatch(Instances<QueueCells>);
///
/// static TOPIC: Topic = Topic::new("queue", "queue").target("queue");
///
/// impl Monitor for QueueWatch {
///     fn topic(&self) -> &'static Topic {
///         &TOPIC
///     }
///
///     fn judge(&self, view: &View<'_>) -> Judgement {
///         let queues = self.0.living();
///         let judged = queues.iter().map(|queue| {
///             let failed = queue.read(view).jobs[End::Failed].recent;
///             let failing = (failed > 0).then(|| {
///                 Finding::warning("failing_jobs")
///                     .beyond(failed as f64, 0.0)
///                     .message(format!("queue `{}`: {failed} recent jobs failed", queue.name()))
///                     .advice("look at the errors of the failed jobs")
///             });
///             (queue.name().to_string(), Judgement::healthy("Jobs are done").with_all(failing))
///         });
///         Judgement::of_instances("no queue is watched", judged)
///     }
///
///     fn report(&self, view: &View<'_>, target: Option<&str>) -> Result<Report, UnknownTarget> {
///         let queues = match target {
///             Some(name) => vec![self.0.find(name)?],
///             None => self.0.living(),
///         };
///         let wait = |queue: QueueReading<'_>| LatencySummary::merged(queue.wait);
///         let waits = queues.iter().map(|queue| (queue.name().clone(), wait(queue.read(view))));
///         Ok(Report::new(waits.collect::<BTreeMap<_, _>>()))
///     }
/// }
///
/// let registry = Registry::new();
/// let monitor = QueueMonitor::register(&registry)?;
/// let mails = monitor.queue("mails")?;
/// assert_eq!(
///     monitor.queue("mails").map(drop).map_err(|error| error.to_string()),
///     Err("queue `mails` is watched already: clone its handle or choose another name".into()),
/// );
/// mails.ended(End::Done, Duration::from_millis(3));
/// let report = serde_json::to_value(registry.read().report("queue", Some("mails"))?)?;
/// assert_eq!(report["mails"]["samples"], 1);
///
/// drop(mails);
/// assert!(monitor.queue("mails").is_ok(), "the name is free at once");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Instances<T> {
    directory: Arc<Directory<T>>,
}

/// The map that all clones of [`Instances`] share.
pub(crate) struct Directory<T> {
    kind: &'static str,
    limit: usize,
    named: RwLock<BTreeMap<InstanceName, Arc<Named<T>>>>,
}

impl<T: Instance> Instances<T> {
    /// Makes room for instances of a kind, which errors call by this word: `pool`, `circuit`.
    pub fn new(kind: &'static str) -> Self {
        Self::with_limit(kind, usize::MAX)
    }

    /// Makes room for at most so many instances at a time.
    pub fn with_limit(kind: &'static str, limit: usize) -> Self {
        Self { directory: Arc::new(Directory { kind, limit, named: RwLock::default() }) }
    }

    /// Checks a name for an instance of this kind.
    ///
    /// # Errors
    /// [`InstanceError::Name`] with the rule that it breaks.
    pub fn name(&self, name: &str) -> Result<InstanceName, InstanceError> {
        self.name_unless(name, |_| None)
    }

    /// Checks a name, also for a rule of the monitor's own; see [`InstanceName::unless`].
    ///
    /// # Errors
    /// [`InstanceError::Name`] with the rule that it breaks.
    pub fn name_unless(
        &self,
        name: &str,
        broken: impl FnOnce(&str) -> Option<&'static str>,
    ) -> Result<InstanceName, InstanceError> {
        let checked = InstanceName::new(name).and_then(|name| name.unless(broken));
        checked.map_err(|refused| InstanceError::name(self.directory.kind, refused))
    }

    /// Enters what `make` makes under a name, and returns the first handle to it.
    ///
    /// `make` runs only if the name is free, and under the lock, so that no two callers
    /// register the same series. It must not call into these instances.
    ///
    /// # Errors
    /// [`InstanceError`] when a living instance has the name, when there are too many, or
    /// with what `make` failed.
    pub fn enter(
        &self,
        name: InstanceName,
        make: impl FnOnce(&InstanceName) -> Result<T, RegisterError>,
    ) -> Result<InstanceHandle<T>, InstanceError> {
        let Directory { kind, limit, ref named } = *self.directory;
        // Declared before the guard, so dropped after it: destructors of instances are code
        // of others and may call back.
        let mut dead = Vec::new();
        let mut named = write(named);
        if named.get(&name).is_some_and(|has| has.is_alive()) {
            return Err(InstanceError::Duplicate { kind, name: name.into() });
        }
        if named.len() >= limit {
            dead.extend(named.extract_if(.., |_, has| !has.is_alive()).map(|(_, has)| has));
        }
        if named.len() >= limit {
            return Err(InstanceError::TooMany { kind, limit });
        }
        let instance = make(&name).map_err(|source| InstanceError::Register { kind, source })?;
        let handle = InstanceHandle::first(name.clone(), instance, &self.directory);
        dead.extend(named.insert(name, handle.shared().clone()));
        Ok(handle)
    }

    /// The instance with this name, for a reader; `None` for an unknown name.
    pub fn get(&self, name: &str) -> Option<Arc<Named<T>>> {
        let found = read(&self.directory.named).get(name).cloned();
        found.filter(|found| found.is_alive())
    }

    /// A further handle to the instance with this name; `None` for an unknown name.
    pub fn handle(&self, name: &str) -> Option<InstanceHandle<T>> {
        InstanceHandle::further(self.get(name)?)
    }

    /// The instance that a report is asked for.
    ///
    /// # Errors
    /// [`UnknownTarget`] with the known names, for a 404.
    pub fn find(&self, target: &str) -> Result<Arc<Named<T>>, UnknownTarget> {
        self.get(target).ok_or_else(|| self.unknown(target))
    }

    /// The answer for a name that no instance has.
    pub fn unknown(&self, target: &str) -> UnknownTarget {
        UnknownTarget { target: target.to_owned(), known: self.names() }
    }

    /// All living instances, by rising name.
    pub fn living(&self) -> Vec<Arc<Named<T>>> {
        // Asked outside of the lock, as `is_alive` may be slow where it drops what it asked.
        let mut living: Vec<_> = read(&self.directory.named).values().cloned().collect();
        living.retain(|named| named.is_alive());
        living
    }

    /// The names of all living instances, sorted.
    pub fn names(&self) -> Vec<String> {
        self.living().iter().map(|named| named.name().clone().into()).collect()
    }

    /// Removes the instances that say themselves that they are gone, and returns them.
    ///
    /// Call it from [`Monitor::poll`](crate::Monitor::poll) if [`Instance::is_alive`] is
    /// overridden. A handle may outlive what it stands for, and keeps its series; so a monitor
    /// that copied levels of what is gone makes them unknown.
    pub fn prune(&self) -> Vec<Arc<Named<T>>> {
        let mut dead: Vec<_> = read(&self.directory.named).values().cloned().collect();
        dead.retain(|named| !named.is_alive());
        dead.iter().for_each(|named| self.directory.remove(named));
        dead
    }
}

impl<T> Directory<T> {
    /// Removes an instance unless its name has gone to another since.
    fn remove(&self, instance: &Arc<Named<T>>) {
        let mut named = write(&self.named);
        let is_same = named.get(instance.name()).is_some_and(|has| Arc::ptr_eq(has, instance));
        if is_same {
            // The caller holds it too, so nothing is dropped under the lock but a count.
            named.remove(instance.name());
        }
    }
}

impl<T> Clone for Instances<T> {
    fn clone(&self) -> Self {
        Self { directory: self.directory.clone() }
    }
}

impl<T> fmt::Debug for Instances<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(read(&self.directory.named).keys()).finish()
    }
}

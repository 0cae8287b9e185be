//! The named instances that a monitor watches: pools, tiers, circuits, runtimes.
//!
//! All monitors have the same needs. A name is validated and belongs to one instance at a time.
//! An instance lives as long as there is a handle to it, or as long as the resource behind it.
//! Readers iterate over all living instances or look one up by name. This module does all of
//! that, so a monitor only has to record, judge and report.

mod error;
mod handle;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::judging::report::UnknownTarget;
use crate::naming::instance_name::InstanceName;
use crate::recording::register_error::RegisterError;
use crate::sync::{RwLock, read, write};

pub use error::InstanceError;
pub use handle::{InstanceHandle, Named};

/// The state that a monitor keeps for one watched resource: mainly its metric handles.
///
/// Implement this trait in a monitor of your own.
pub trait Instance: Send + Sync + 'static {
    /// Returns `true` while the watched resource exists; always `true` by default.
    ///
    /// The default fits an instance that lives as long as its [`InstanceHandle`]s. Override it
    /// if the resource can end before, as a pool can be closed. No lock is held during the call.
    /// It is called whenever instances are looked up, so it must be quick.
    fn is_alive(&self) -> bool {
        true
    }
}

/// The instances of one monitor by their names; clones share them.
///
/// An instance is entered once and lives as long as a handle to it. Dropping the last handle
/// removes it: its name is free at once, and its series are removed at the next tick. Readers
/// that still hold the instance do not block its name.
///
/// This is a whole monitor of queues, each with its own numbers:
///
/// ```
/// use node0_metrics_core::{
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
///         // Under a key of its own: a queue may have a name like `health`.
///         Ok(Report::new(BTreeMap::from([("queues", waits.collect::<BTreeMap<_, _>>())])))
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
/// assert_eq!(report["queues"]["mails"]["samples"], 1);
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
    /// Creates an empty set of instances; errors use `kind` for them, such as `pool` or `circuit`.
    pub fn new(kind: &'static str) -> Self {
        Self::with_limit(kind, usize::MAX)
    }

    /// Creates an empty set for at most `limit` instances at a time.
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

    /// Checks a name, and also a rule of the monitor's own; see [`InstanceName::unless`].
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

    /// Creates an instance by `make`, enters it under a name, and returns its first handle.
    ///
    /// `make` runs only if the name is free, and under the lock of these instances, so that no two
    /// callers register the same series. It must not call into these instances.
    ///
    /// # Errors
    /// [`InstanceError`] if a living instance has the name, if there are too many, or if `make`
    /// fails.
    pub fn enter(
        &self,
        name: InstanceName,
        make: impl FnOnce(&InstanceName) -> Result<T, RegisterError>,
    ) -> Result<InstanceHandle<T>, InstanceError> {
        self.enter_unless(name, |_| false, make)
    }

    /// Enters an instance as [`Self::enter`] does, unless a living one watches the same resource.
    ///
    /// Under two names, a resource would be counted twice in the totals. `is_same` compares with
    /// an instance that is there already; like `make`, it runs under the lock of these instances.
    ///
    /// # Errors
    /// As for [`Self::enter`], and [`InstanceError::SameResource`] with the first name.
    pub fn enter_unless(
        &self,
        name: InstanceName,
        is_same: impl Fn(&T) -> bool,
        make: impl FnOnce(&InstanceName) -> Result<T, RegisterError>,
    ) -> Result<InstanceHandle<T>, InstanceError> {
        let Directory { kind, limit, ref named } = *self.directory;
        if self.get(&name).is_some() {
            return Err(InstanceError::Duplicate { kind, name: name.into() });
        }
        // Held until the lock is free again: destructors of instances may call back into this type.
        let dead = self.dead();
        let mut named = write(named);
        for dead in &dead {
            Directory::take(&mut named, dead);
        }
        // Another thread may have entered the name since.
        if named.contains_key(&name) {
            return Err(InstanceError::Duplicate { kind, name: name.into() });
        }
        if let Some(first) = named.values().find(|first| is_same(first)) {
            let first = first.name().clone().into();
            return Err(InstanceError::SameResource { kind, name: name.into(), first });
        }
        if named.len() >= limit {
            return Err(InstanceError::TooMany { kind, limit });
        }
        let instance = make(&name).map_err(|source| InstanceError::Register { kind, source })?;
        let handle = InstanceHandle::first(name.clone(), instance, &self.directory);
        named.insert(name, handle.shared().clone());
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

    /// Returns the instance of a report's target.
    ///
    /// # Errors
    /// [`UnknownTarget`] with the known names, for a 404.
    pub fn find(&self, target: &str) -> Result<Arc<Named<T>>, UnknownTarget> {
        self.get(target).ok_or_else(|| self.unknown(target))
    }

    /// Returns the error for a name that no instance has.
    pub fn unknown(&self, target: &str) -> UnknownTarget {
        UnknownTarget { target: target.to_owned(), known: self.names() }
    }

    /// Returns all living instances, sorted by name.
    pub fn living(&self) -> Vec<Arc<Named<T>>> {
        // `is_alive` is called without the lock, since it may be slow if it drops a resource.
        let mut living: Vec<_> = read(&self.directory.named).values().cloned().collect();
        living.retain(|named| named.is_alive());
        living
    }

    /// The names of all living instances, sorted.
    pub fn names(&self) -> Vec<String> {
        self.living().iter().map(|named| named.name().clone().into()).collect()
    }

    /// Removes the instances whose [`Instance::is_alive`] returns `false`, and returns them.
    ///
    /// Call it from [`Monitor::poll`](crate::Monitor::poll) if you override `is_alive`. A handle
    /// may outlive the resource, and keeps the series; set the gauges of removed instances to
    /// unknown.
    pub fn prune(&self) -> Vec<Arc<Named<T>>> {
        let dead = self.dead();
        dead.iter().for_each(|named| self.directory.remove(named));
        dead
    }

    fn dead(&self) -> Vec<Arc<Named<T>>> {
        let mut dead: Vec<_> = read(&self.directory.named).values().cloned().collect();
        dead.retain(|named| !named.is_alive());
        dead
    }
}

impl<T> Directory<T> {
    /// Removes an instance, unless its name already belongs to another one.
    fn remove(&self, instance: &Arc<Named<T>>) {
        Self::take(&mut write(&self.named), instance);
    }

    /// Removes an instance as [`Self::remove`] does, under a lock that the caller has.
    fn take(named: &mut BTreeMap<InstanceName, Arc<Named<T>>>, instance: &Arc<Named<T>>) {
        let is_same = named.get(instance.name()).is_some_and(|has| Arc::ptr_eq(has, instance));
        if is_same {
            // The caller holds a reference too, so no instance is dropped under the lock.
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

/// The guide's monitor, compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/write-a-monitor.md")]
struct Guide;

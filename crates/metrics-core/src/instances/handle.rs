//! The handles that keep an instance alive, and the instance as readers share it.
//!
//! There are two counts. The reference count of the [`Arc`] includes readers and decides when
//! memory is freed. The count of handles decides when the name is free. So a reader that holds
//! an instance while its last handle is dropped does not block the name.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use super::{Directory, Instance};
use crate::naming::instance_name::InstanceName;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// An instance with its name, as readers share it; it dereferences to the instance.
pub struct Named<T> {
    name: InstanceName,
    /// The number of [`InstanceHandle`]s; once zero it stays zero.
    handles: AtomicUsize,
    /// The directory; a weak reference, since the directory holds its instances.
    directory: Weak<Directory<T>>,
    instance: T,
}

/// Keeps an instance watched; clones share it, and dropping the last one removes it.
///
/// It dereferences to the instance in one step. A monitor wraps it in a type of its own as the
/// handle for users:
///
/// ```
/// use node0_metrics_core::{Counter, Desc, Instance, InstanceHandle, Instances, Registry, instruments};
///
/// const MAILS: Desc = Desc::counter("mails_total", "Mails sent.").labels(&["mailer"]);
///
/// instruments! {
///     struct MailerCells, read as MailerReading {
///         mails: Counter = MAILS,
///     }
/// }
///
/// impl Instance for MailerCells {}
///
/// #[derive(Clone, Debug)]
/// struct Mailer(InstanceHandle<MailerCells>);
///
/// impl Mailer {
///     fn sent(&self) {
///         self.0.mails.inc();
///     }
/// }
///
/// let registry = Registry::new();
/// let mailers = Instances::new("mailer");
/// let name = mailers.name("news")?;
/// let news = Mailer(mailers.enter(name, |name| MailerCells::register(&registry, &[name]))?);
/// let same = news.clone();
/// drop(news);
/// same.sent();
/// assert_eq!(mailers.names(), ["news"]);
/// drop(same);
/// assert!(mailers.names().is_empty());
/// # Ok::<(), node0_metrics_core::InstanceError>(())
/// ```
#[must_use = "an instance is watched as long as a handle to it lives"]
pub struct InstanceHandle<T> {
    shared: Arc<Named<T>>,
}

impl<T> Named<T> {
    /// The name under which the instance is watched.
    pub fn name(&self) -> &InstanceName {
        &self.name
    }
}

impl<T: Instance> Named<T> {
    /// Returns `true` while there is a handle and the watched resource exists.
    pub(super) fn is_alive(&self) -> bool {
        // Relaxed, since the count only decides about the name, and no other memory depends on
        // it. The registry orders the records themselves.
        self.handles.load(Ordering::Relaxed) > 0 && self.instance.is_alive()
    }
}

impl<T> InstanceHandle<T> {
    pub(super) fn first(name: InstanceName, instance: T, directory: &Arc<Directory<T>>) -> Self {
        let directory = Arc::downgrade(directory);
        let handles = AtomicUsize::new(1);
        Self { shared: Arc::new(Named { name, handles, directory, instance }) }
    }

    /// Returns one more handle to an instance that still has one.
    pub(super) fn further(shared: Arc<Named<T>>) -> Option<Self> {
        // The count never rises from zero: the last handle may be removing the instance.
        let one_more = |handles| (handles > 0).then_some(handles + 1);
        let added = shared.handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        // The handle is made only if the count was raised: dropping any handle lowers the count.
        added.is_ok().then(|| Self { shared })
    }

    /// Returns the instance as readers share it, for guards that may outlive the handles.
    ///
    /// Such a guard can still record its end, and does not block the name.
    pub fn shared(&self) -> &Arc<Named<T>> {
        &self.shared
    }

    /// Keeps the instance watched until [`Instance::is_alive`] returns `false`.
    ///
    /// Use it for a resource that outlives the handle, such as a pool that its users hold directly.
    pub fn detach(self) -> Arc<Named<T>> {
        // This handle stays in the count, so dropping `self` does not remove the instance.
        self.shared.handles.fetch_add(1, Ordering::Relaxed);
        self.shared.clone()
    }
}

impl<T> Clone for InstanceHandle<T> {
    fn clone(&self) -> Self {
        // The count cannot be zero, since `self` is counted.
        self.shared.handles.fetch_add(1, Ordering::Relaxed);
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for InstanceHandle<T> {
    fn drop(&mut self) {
        if self.shared.handles.fetch_sub(1, Ordering::Relaxed) == 1
            && let Some(directory) = self.directory.upgrade()
        {
            directory.remove(&self.shared);
        }
    }
}

impl<T> Deref for InstanceHandle<T> {
    type Target = Named<T>;

    #[inline]
    fn deref(&self) -> &Named<T> {
        &self.shared
    }
}

impl<T> Deref for Named<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.instance
    }
}

impl<T> fmt::Debug for InstanceHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InstanceHandle").field(&self.name).finish()
    }
}

impl<T> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Named").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instances::Instances;

    struct Resource;

    impl Instance for Resource {}

    #[test]
    fn a_further_handle_that_comes_too_late_does_not_revive_the_instance() {
        let resources = Instances::new("resource");
        let name = InstanceName::new("one").expect("a valid name");
        let last = resources.enter(name, |_| Ok(Resource)).expect("the first of its name");
        let shared = last.shared().clone();
        drop(last);
        for _ in 0..2 {
            assert!(InstanceHandle::further(shared.clone()).is_none());
            assert!(!shared.is_alive());
        }
    }
}

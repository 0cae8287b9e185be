//! Atomics, locks and thread-locals, of the standard library or of loom.
//!
//! Modules whose order of memory accesses matters import these from here. Under `cfg(loom)`
//! they are loom's, so that the models in `models.rs` run the same code in every
//! order that the memory model allows.

use std::sync::{PoisonError, TryLockError};

#[cfg(not(loom))]
mod native {
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock, atomic};
    pub(crate) use std::sync::{RwLockReadGuard, RwLockWriteGuard};
    pub(crate) use std::thread_local as per_thread;

    /// A static that starts as its type's default.
    macro_rules! global {
        (static $name:ident: $type:ty) => {
            static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(Default::default);
        };
    }
    pub(crate) use global;
}

#[cfg(loom)]
mod model;

#[cfg(loom)]
pub(crate) use model::*;
#[cfg(not(loom))]
pub(crate) use native::*;

#[cfg(all(test, not(loom)))]
mod poisoning;

/// Locks a mutex and ignores poisoning.
///
/// Monitoring must go on after a panic elsewhere. So the data under each lock is consistent at
/// every step of a critical section, and a panic in one does no harm. Use this function in a
/// monitor of your own if its locks keep to the same rule:
///
/// ```
/// use node0_metrics_core::lock;
/// use std::sync::Mutex;
///
/// let names = Mutex::new(vec!["main"]);
/// let panicked = std::panic::catch_unwind(|| {
///     let _held = lock(&names);
///     panic!("with the lock in hand");
/// });
/// assert!(panicked.is_err() && names.is_poisoned());
/// assert_eq!(*lock(&names), ["main"]);
/// ```
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    let held = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    #[cfg(all(test, not(loom)))]
    poisoning::panic_if_due();
    held
}

/// Locks for reading, as [`lock`] does.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing, as [`lock`] does.
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Locks a mutex if it is free, and ignores poisoning; `None` if it is locked.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

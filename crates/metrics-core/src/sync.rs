//! The primitives of concurrency, of the standard library or of a model checker.
//!
//! Every module whose threads share something takes it from here, so that under
//! `cfg(loom)` the same lines run in all the orders that the memory model
//! allows; `models.rs` says which.

use std::sync::TryLockError;

#[cfg(not(loom))]
mod native {
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard, OnceLock, atomic};
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

/// Locks; a panic of another holder is no reason to stop, since every critical
/// section of this crate leaves its data whole at each step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    let held = mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    #[cfg(all(test, not(loom)))]
    poisoning::panic_if_due();
    held
}

/// Locks if nobody holds it, also after a panic of another holder.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

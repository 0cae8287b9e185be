//! Atomics, locks and thread-locals of loom.

pub(crate) use loom::sync::{
    Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic,
};

use crate::recording::static_ref::StaticRef;

/// A static that starts as its type's default, anew in each execution of a model.
///
/// It is leaked: a thread that ends after the model does may wait for a lock in it.
macro_rules! global {
    (static $name:ident: $type:ty) => {
        loom::lazy_static! { static ref $name: &'static $type = Box::leak(Box::default()); }
    };
}
pub(crate) use global;

/// A thread-local; loom's macro does not accept constant initialisers.
macro_rules! per_thread {
    ($(#[$doc:meta])* static $name:ident: $type:ty = const $init:block;) => {
        loom::thread_local! { $(#[$doc])* static $name: $type = $init; }
    };
    ($(#[$doc:meta])* static $name:ident: $type:ty = $init:expr;) => {
        loom::thread_local! { $(#[$doc])* static $name: $type = $init; }
    };
}
pub(crate) use per_thread;

/// A cell that is filled once, with what lives as long as the process.
#[derive(Debug)]
pub(crate) struct OnceLock<T: 'static> {
    filling: Mutex<()>,
    value: StaticRef<Option<&'static T>>,
}

impl<T: Sync> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { filling: Mutex::new(()), value: StaticRef::new(&None) }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        *self.value.load()
    }

    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        let _filling = super::lock(&self.filling);
        self.get().unwrap_or_else(|| {
            let value: &'static T = Box::leak(Box::new(init()));
            self.value.store(Box::leak(Box::new(Some(value))));
            value
        })
    }
}

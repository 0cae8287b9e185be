//! The slot in safe code: an index into the references that were ever stored.
//!
//! The index is published and read with the orderings of the real slot, so what a
//! model proves of this slot also holds for the real one.

use std::sync::{Mutex, PoisonError};

use crate::sync::atomic::{AtomicUsize, Ordering};

/// A `&'static T` that threads may load while another stores.
#[derive(Debug)]
pub(crate) struct StaticRef<T: 'static> {
    index: AtomicUsize,
    /// All references so far; the lock is the standard library's, so it is no part of the model.
    stored: Mutex<Vec<&'static T>>,
}

impl<T: Sync> StaticRef<T> {
    pub(crate) fn new(to: &'static T) -> Self {
        Self { index: AtomicUsize::new(0), stored: Mutex::new(vec![to]) }
    }

    pub(crate) fn load(&self) -> &'static T {
        let index = self.index.load(Ordering::Acquire);
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)[index]
    }

    pub(crate) fn store(&self, to: &'static T) {
        let index = {
            let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
            stored.push(to);
            stored.len() - 1
        };
        self.index.store(index, Ordering::Release);
    }
}

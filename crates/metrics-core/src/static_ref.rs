//! An atomic slot for a reference that lives as long as the process.
//!
//! The hot path of a latency record loads the thread's block through such a
//! slot. A lock or a `OnceLock` there would cost as much as the record itself,
//! and could not be emptied when the metric goes. This is the only unsafe code
//! of the crate.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// An `Option<&'static T>` that threads may load while another stores.
#[derive(Debug)]
pub(crate) struct StaticRef<T: 'static>(AtomicPtr<T>);

impl<T: Sync> StaticRef<T> {
    pub(crate) const fn empty() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    pub(crate) fn load(&self) -> Option<&'static T> {
        // Acquire pairs with the release in `store`: whoever sees the pointer
        // sees the block behind it as it was initialised.
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: the pointer is null or was a `&'static T` in `store`, the only
        // writer, so it is aligned, initialised and never freed. Only shared
        // references are ever made of it, and `T: Sync` allows them anywhere.
        #[expect(unsafe_code, reason = "argued above; every safe form costs the hot path more")]
        unsafe {
            pointer.as_ref()
        }
    }

    pub(crate) fn store(&self, to: Option<&'static T>) {
        let pointer = to.map_or(ptr::null_mut(), |to| ptr::from_ref(to).cast_mut());
        self.0.store(pointer, Ordering::Release);
    }
}

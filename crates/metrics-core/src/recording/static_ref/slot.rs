//! The slot itself: a pointer that is never null and never dangles.

use std::ptr;

use crate::sync::atomic::{AtomicPtr, Ordering};

/// A `&'static T` that threads may load while another stores.
#[derive(Debug)]
pub(crate) struct StaticRef<T: 'static>(AtomicPtr<T>);

impl<T: Sync> StaticRef<T> {
    /// Makes a slot that holds a reference from the start.
    pub(crate) fn new(to: &'static T) -> Self {
        Self(AtomicPtr::new(ptr::from_ref(to).cast_mut()))
    }

    /// Returns the reference that was stored last.
    #[inline]
    pub(crate) fn load(&self) -> &'static T {
        // Acquire pairs with the release in `store`: a thread that sees the
        // pointer sees the initialised value behind it.
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: the pointer was a `&'static T` in `new` or `store`, the only
        // writers, so it is aligned, initialised and never freed. Only shared
        // references are ever made of it, and `T: Sync` allows them anywhere.
        #[expect(unsafe_code, reason = "argued above; every safe form costs the hot path more")]
        unsafe {
            &*pointer
        }
    }

    /// Replaces the reference.
    pub(crate) fn store(&self, to: &'static T) {
        // Release pairs with the acquire in `load`.
        self.0.store(ptr::from_ref(to).cast_mut(), Ordering::Release);
    }
}

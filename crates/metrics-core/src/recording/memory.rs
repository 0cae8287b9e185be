//! The memory of cells and windows: one count for the process, which the budget limits.
//!
//! A registry's [budget](crate::RegistryBuilder::recording_bytes) is for both together. Lanes count
//! their own bytes, since they are never freed. Everything else that grows with records holds a
//! [`Held`], which counts its bytes for as long as it lives, whoever shares it: a sample that a
//! reader keeps is counted too. Names, labels and handles are not counted, because they do not
//! grow with records.

use std::ops::Deref;

use crate::recording::lanes;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::global;

/// The bytes of everything that holds a [`Held`].
#[derive(Debug, Default)]
struct Bytes(AtomicUsize);

global!(static BYTES: Bytes);

/// Returns the bytes of all cells and windows of the process.
pub(crate) fn bytes() -> usize {
    lanes::bytes().saturating_add(held())
}

/// Returns the bytes of everything but the lanes.
pub(crate) fn held() -> usize {
    // Models do not count: the number orders nothing, and each access would multiply their states.
    if cfg!(loom) { 0 } else { BYTES.0.load(Ordering::Relaxed) }
}

/// A number of bytes that is counted as long as this lives; a clone holds none.
#[derive(Debug)]
pub(crate) struct Held(usize);

impl Held {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn new(bytes: usize) -> Self {
        let mut held = Self::NONE;
        held.set(bytes);
        held
    }

    /// Replaces the number of bytes.
    #[inline]
    pub(crate) fn set(&mut self, bytes: usize) {
        if bytes != self.0 && !cfg!(loom) {
            // Wraps for a smaller number, and so subtracts.
            BYTES.0.fetch_add(bytes.wrapping_sub(self.0), Ordering::Relaxed);
            self.0 = bytes;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self::NONE
    }
}

/// A value with the bytes that it holds.
#[derive(Debug)]
pub(crate) struct Counted<T> {
    value: T,
    _held: Held,
}

impl<T> Counted<T> {
    pub(crate) fn new(value: T, bytes: usize) -> Self {
        Self { value, _held: Held::new(bytes) }
    }
}

impl<T> Deref for Counted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Returns the bytes of an `Arc` of this type: the value and two reference counts.
pub(crate) const fn of_arc<T>() -> usize {
    size_of::<T>() + 2 * size_of::<usize>()
}

/// Returns the bytes of a list's elements, unused room included.
pub(crate) fn of_list<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}

//! Ownership of guests: their destructors run on worker threads, with a timeout.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::judging::guarded_call::Guests;

/// Owns a guest, whose destructor is guest code too.
///
/// The last one to drop the registry or one of its samples, such as a thread of the host, must
/// not panic or hang because a guest's destructor does.
pub(crate) struct DropGuarded<G: Send + 'static> {
    /// `None` only once it is dropped.
    guest: Option<G>,
    guests: Arc<Guests>,
}

impl<G: Send + 'static> DropGuarded<G> {
    pub(crate) fn new(guest: G, guests: &Arc<Guests>) -> Self {
        Self { guest: Some(guest), guests: guests.clone() }
    }
}

impl<G: Send + 'static> Deref for DropGuarded<G> {
    type Target = G;

    fn deref(&self) -> &G {
        self.guest.as_ref().expect("only `drop` takes it")
    }
}

impl<G: Send + 'static> Drop for DropGuarded<G> {
    fn drop(&mut self) {
        if let Some(guest) = self.guest.take() {
            self.guests.drop_on_worker(guest);
        }
    }
}

impl<G: Send + 'static> fmt::Debug for DropGuarded<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DropGuarded").finish_non_exhaustive()
    }
}

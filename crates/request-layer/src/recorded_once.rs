//! Records a request once, also if it passes two places that would record it.
//!
//! A server that records its requests, and a watched router, may contain a router with a
//! [`RequestLayer`](crate::RequestLayer) of the same registry. Then the outer place marks the request,
//! and the layer inside does not record it. The mark is an extension of the request, which costs an
//! allocation. So requests are marked only if both places exist; with one of them, a request costs one
//! more look at a byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use http::Request;

use crate::recorder::Recorder;

/// The places in which a recorder is used.
#[derive(Debug, Default)]
pub(crate) struct Places(AtomicU8);

impl Places {
    const AROUND: u8 = 1;
    const LAYER: u8 = 2;

    /// Notes that a server records, or a watched router.
    pub(crate) fn add_around(&self) {
        self.0.fetch_or(Self::AROUND, Ordering::Relaxed);
    }

    /// Notes that a layer records.
    pub(crate) fn add_layer(&self) {
        self.0.fetch_or(Self::LAYER, Ordering::Relaxed);
    }

    /// Returns `true` if a request may pass two places.
    ///
    /// They are made before requests arrive, so a relaxed load sees them.
    #[inline]
    fn are_two(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::AROUND | Self::LAYER
    }
}

/// The mark of a request: who records it.
#[derive(Clone)]
struct RecordedBy(Arc<Recorder>);

/// Marks a request for layers of the same recorder inside, if there may be any.
#[inline]
pub(crate) fn mark<B>(request: &mut Request<B>, recorder: &Arc<Recorder>) {
    if recorder.places.are_two() {
        insert(request, recorder);
    }
}

#[cold]
fn insert<B>(request: &mut Request<B>, recorder: &Arc<Recorder>) {
    request.extensions_mut().insert(RecordedBy(recorder.clone()));
}

/// Returns `true` if the same recorder records the request outside.
#[inline]
pub(crate) fn is_marked<B>(request: &Request<B>, recorder: &Arc<Recorder>) -> bool {
    recorder.places.are_two()
        && request.extensions().get::<RecordedBy>().is_some_and(|by| Arc::ptr_eq(&by.0, recorder))
}

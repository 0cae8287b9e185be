//! Tests of the slot, which the safe version passes too.

use super::StaticRef;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

#[cfg(loom)]
use loom::{model, thread};
#[cfg(not(loom))]
use std::thread;

/// Runs a model once, without loom: for Miri and the sanitisers.
#[cfg(not(loom))]
fn model(run: impl Fn()) {
    run();
}

fn leaked(value: u64) -> &'static AtomicU64 {
    Box::leak(Box::new(AtomicU64::new(value)))
}

#[test]
fn the_last_stored_is_loaded() {
    model(|| {
        let slot = StaticRef::new(leaked(1));
        let second = leaked(2);
        slot.store(second);
        assert!(std::ptr::eq(slot.load(), second));
    });
}

#[test]
fn who_sees_the_reference_sees_what_is_behind_it() {
    model(|| {
        let slot = Arc::new(StaticRef::new(leaked(1)));
        let storing = thread::spawn({
            let slot = slot.clone();
            move || {
                let second = leaked(0);
                second.store(2, Ordering::Relaxed);
                slot.store(second);
            }
        });
        assert_ne!(slot.load().load(Ordering::Relaxed), 0);
        storing.join().expect("it only stores");
        assert_eq!(slot.load().load(Ordering::Relaxed), 2);
    });
}

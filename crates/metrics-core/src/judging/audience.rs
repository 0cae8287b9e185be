//! The guests that follow a registry: observers get samples, listeners get events.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::judging::event::Event;
use crate::judging::guarded_call::{GuardedCall, Guests};
use crate::judging::guest::GuestCall;
use crate::judging::observer::Observer;
use crate::reading::sample::Sample;
use crate::recording::families::RegisterError;
use crate::recording::store::Store;
use crate::sync::{Mutex, lock};

#[derive(Debug, Default)]
pub(crate) struct Audience {
    observers: Mutex<Vec<Arc<Observing>>>,
    listeners: Mutex<Vec<Arc<Listening>>>,
}

/// An observer, and the number of the last tick that was passed to it.
struct Observing {
    name: &'static str,
    call: GuardedCall,
    inside: Arc<Inside>,
}

struct Inside {
    observer: Mutex<Box<dyn Observer>>,
    /// The number of the last tick whose sample was passed to the observer.
    shown: AtomicU64,
    /// The events that it returned and that were not told yet: a call that was given up
    /// returns its events later.
    made: Mutex<Vec<Event>>,
}

struct Listening {
    name: &'static str,
    call: GuardedCall,
    listener: Arc<Mutex<Listener>>,
}

type Listener = Box<dyn FnMut(&Event) + Send>;

impl Audience {
    pub(crate) fn observe(
        &self,
        store: &Store,
        guests: &Arc<Guests>,
        observer: impl Observer,
    ) -> Result<(), RegisterError> {
        let name = observer.name();
        let mut observers = lock(&self.observers);
        if observers.iter().any(|other| other.name == name) {
            return Err(RegisterError::DuplicateGuest { name });
        }
        let call = GuardedCall::register(store, guests, name, GuestCall::Observe)?;
        let inside = Inside {
            observer: Mutex::new(Box::new(observer)),
            shown: AtomicU64::new(guests.tick()),
            made: Mutex::default(),
        };
        observers.push(Arc::new(Observing { name, call, inside: Arc::new(inside) }));
        Ok(())
    }

    pub(crate) fn listen(
        &self,
        store: &Store,
        guests: &Arc<Guests>,
        name: &'static str,
        listener: Listener,
    ) -> Result<(), RegisterError> {
        let mut listeners = lock(&self.listeners);
        if listeners.iter().any(|other| other.name == name) {
            return Err(RegisterError::DuplicateGuest { name });
        }
        let call = GuardedCall::register(store, guests, name, GuestCall::Listen)?;
        listeners.push(Arc::new(Listening {
            name,
            call,
            listener: Arc::new(Mutex::new(listener)),
        }));
        Ok(())
    }

    /// Passes a tick's sample to each observer, and returns the events that they return, with
    /// those of earlier calls that were late.
    pub(crate) fn show(&self, tick: u64, sample: &Arc<Sample>) -> Vec<Event> {
        let observers = lock(&self.observers).clone();
        let made = observers.iter().flat_map(|observing| {
            let (inside, sample) = (observing.inside.clone(), sample.clone());
            let observe = move || {
                let before = inside.shown.swap(tick, Ordering::Relaxed);
                let missed = tick.saturating_sub(before + 1);
                let made = lock(&inside.observer).observe(&sample, missed);
                lock(&inside.made).extend(made);
            };
            // A failure is counted, and the observer is told what it missed.
            let _ = observing.call.run(observe);
            mem::take(&mut *lock(&observing.inside.made))
        });
        made.collect()
    }

    /// Passes events to each listener, in order.
    pub(crate) fn tell(&self, events: &[Event]) {
        let listeners = lock(&self.listeners).clone();
        if events.is_empty() {
            listeners.iter().for_each(|listening| listening.call.settle());
            return;
        }
        let events: Arc<[Event]> = events.into();
        for listening in listeners {
            let (listener, events) = (listening.listener.clone(), events.clone());
            let listen = move || events.iter().for_each(&mut *lock(&listener));
            // A failure is counted, and this listener misses the events.
            let _ = listening.call.run(listen);
        }
    }
}

impl fmt::Debug for Observing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observing").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("name", &self.name).finish_non_exhaustive()
    }
}

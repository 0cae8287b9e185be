//! The guests that follow a registry: observers get samples, listeners get events.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::judging::drop_guarded::DropGuarded;
use crate::judging::event::Event;
use crate::judging::guarded_call::{GuardedCall, Guests};
use crate::judging::guest::{GuestCall, Panicked, contain};
use crate::judging::observer::Observer;
use crate::judging::started::finish_all;
use crate::reading::sample::Sample;
use crate::recording::register_error::RegisterError;
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
    inside: DropGuarded<Arc<ObserverState>>,
}

struct ObserverState {
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
    inside: DropGuarded<Arc<ListenerState>>,
}

struct ListenerState {
    listener: Mutex<Listener>,
    /// The number of events that the listener was not told since its last call.
    missed: AtomicU64,
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
        let inside = ObserverState {
            observer: Mutex::new(Box::new(observer)),
            shown: AtomicU64::new(guests.tick()),
            made: Mutex::default(),
        };
        observers.push(Arc::new(Observing {
            name,
            call,
            inside: DropGuarded::new(Arc::new(inside), guests),
        }));
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
        let inside =
            Arc::new(ListenerState { listener: Mutex::new(listener), missed: AtomicU64::new(0) });
        let inside = DropGuarded::new(inside, guests);
        listeners.push(Arc::new(Listening { name, call, inside }));
        Ok(())
    }

    /// Passes a tick's sample to each observer, and returns the events that they return, with
    /// those of earlier calls that were late.
    pub(crate) fn show(&self, tick: u64, sample: &Arc<Sample>) -> Vec<Event> {
        let observers = lock(&self.observers).clone();
        let calls = observers.iter().map(|observing| {
            let (inside, sample) = (observing.inside.clone(), sample.clone());
            observing.call.start(move || {
                let before = inside.shown.swap(tick, Ordering::Relaxed);
                let missed = tick.saturating_sub(before + 1);
                let made = lock(&inside.observer).observe(&sample, missed);
                lock(&inside.made).extend(made);
            })
        });
        // A failure is counted, and the observer is told what it missed.
        let _ = finish_all(calls);
        observers
            .iter()
            .flat_map(|observing| mem::take(&mut *lock(&observing.inside.made)))
            .collect()
    }

    /// Passes events to each listener, in order.
    pub(crate) fn tell(&self, events: &[Event]) {
        let listeners = lock(&self.listeners).clone();
        if events.is_empty() {
            listeners.iter().for_each(|listening| listening.call.settle());
            return;
        }
        let events: Arc<[Event]> = events.into();
        let calls = listeners.iter().map(|listening| {
            let (inside, told) = (listening.inside.clone(), events.clone());
            let started = listening.call.start_fallible(move || inside.tell(&told));
            if started.is_err() {
                listening.inside.missed.fetch_add(events.len() as u64, Ordering::Relaxed);
            }
            started
        });
        // A failure is counted, and the listener is told what it missed.
        let _ = finish_all(calls);
    }
}

impl ListenerState {
    /// Passes events to the listener; those after one at which it panics too.
    fn tell(&self, events: &[Event]) -> Result<(), Panicked> {
        let mut listener = lock(&self.listener);
        let missed = self.missed.swap(0, Ordering::Relaxed);
        let missed = (missed > 0).then_some(Event::Missed(missed));
        let all = missed.iter().chain(events);
        let mut result = Ok(());
        for event in all {
            result = contain(|| listener(event)).and(result);
        }
        result
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

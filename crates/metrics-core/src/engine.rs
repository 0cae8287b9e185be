//! The engine: the inside of a registry, which ticks and reads.
//!
//! A tick and a read both run a pass. A tick also polls the monitors before it, and afterwards
//! has them judge the numbers, publishes the sample and shows it to those who follow. While
//! nobody ticks, a reader does, so that a registry without a ticker still moves its windows.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::judging::audience::Audience;
use crate::judging::board::{Board, HEALTH_SCORE};
use crate::judging::event::Event;
use crate::judging::guarded_call::Guests;
use crate::judging::monitor::Monitor;
use crate::judging::observer::Observer;
use crate::judging::topic::Topic;
use crate::judging::watched::Watched;
use crate::reading::pass::{Pass, PassKind, PassResult, Passes};
use crate::reading::sample::Sample;
use crate::recording::families::RegisterError;
use crate::recording::store::Store;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{lock, try_lock};
use crate::ticker::Tick;

/// The inside of a registry.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Arc<Store>,
    /// The length of a tick, for whoever ticks.
    pub(crate) tick_length: Duration,
    pub(crate) passes: Passes,
    pub(crate) guests: Arc<Guests>,
    pub(crate) board: Board,
    pub(crate) audience: Audience,
    /// Whether there is a ticker.
    pub(crate) ticking: AtomicBool,
}

impl Engine {
    /// Registers what the core says of itself.
    pub(crate) fn register_own(&self) -> Result<(), RegisterError> {
        self.board.set_overall(self.store.handle(&HEALTH_SCORE, &[])?);
        self.passes.register_own(&self.store)
    }

    pub(crate) fn monitor(&self, monitor: Arc<dyn Monitor>) -> Result<(), RegisterError> {
        let topic = monitor.topic();
        if let Some(rule) = Topic::broken_name_rule(topic.name) {
            return Err(RegisterError::TopicName { topic: topic.name, rule });
        }
        self.board.add(Watched::register(&self.store, &self.guests, topic, monitor)?)
    }

    pub(crate) fn observe(&self, observer: impl Observer) -> Result<(), RegisterError> {
        self.audience.observe(&self.store, &self.guests, observer)
    }

    pub(crate) fn listen(
        &self,
        name: &'static str,
        listener: impl FnMut(&Event) + Send + 'static,
    ) -> Result<(), RegisterError> {
        self.audience.listen(&self.store, &self.guests, name, Box::new(listener))
    }

    /// Ends the running tick and publishes its sample; one at a time.
    pub(crate) fn tick(&self) -> Tick {
        self.guests.begin_tick();
        self.board.monitors().iter().for_each(|watched| watched.poll());
        let numbers = {
            let mut pass = lock(&self.passes.pass);
            self.passes.begun.fetch_add(1, Ordering::AcqRel);
            Arc::new(self.run(&mut pass, PassKind::Tick))
        };
        // Not under the pass's lock: readers go on while the monitors judge.
        let mut events = self.board.judge(&numbers);
        // Copied only where a judgement hangs, which then keeps the numbers.
        let mut sample = Arc::unwrap_or_clone(numbers);
        sample.topics = self.board.believed();
        self.board.show(&sample.topics, &mut sample.snapshot);
        let sample = Arc::new(sample);
        let before = mem::replace(&mut *lock(&self.passes.latest), sample.clone());
        lock(&self.passes.pass).reuse(before);
        events.extend(self.audience.show(self.guests.tick(), &sample));
        self.audience.tell(&events);
        Tick { sample, events }
    }

    /// Returns a sample of a pass that begins after this call.
    pub(crate) fn read(&self) -> Arc<Sample> {
        // A read-modify-write like those that begin a pass: one that came before
        // sees all that this thread recorded, one that came after is not taken.
        let arrived = self.passes.begun.fetch_add(0, Ordering::AcqRel);
        if let Some(sample) = self.tick_for_nobody() {
            return sample;
        }
        let mut pass = lock(&self.passes.pass);
        if let Some((number, sample)) = &pass.shared
            && *number > arrived
        {
            return sample.clone();
        }
        let number = self.passes.begun.fetch_add(1, Ordering::AcqRel) + 1;
        if let Some((_, before)) = pass.shared.take() {
            pass.reuse(before);
        }
        let sample = Arc::new(self.run(&mut pass, PassKind::Read));
        pass.shared = Some((number, sample.clone()));
        sample
    }

    /// Runs a pass, and adds the health that is believed as of now.
    fn run(&self, pass: &mut Pass, kind: PassKind) -> Sample {
        let PassResult { pass, tick, tick_span, is_tick_end, at, uptime, snapshot } =
            pass.run(&self.store, kind);
        let (topics, monitors) = (self.board.believed(), self.board.monitors());
        Sample { pass, tick, tick_span, is_tick_end, at, uptime, snapshot, topics, monitors }
    }

    /// Ticks where there is no ticker, once a tick's time has passed; one reader at a time.
    fn tick_for_nobody(&self) -> Option<Arc<Sample>> {
        if self.ticking.load(Ordering::Relaxed) || !self.is_tick_due() {
            return None;
        }
        let _sole = try_lock(&self.passes.sole_tick)?;
        self.is_tick_due().then(|| self.tick().sample)
    }

    /// Ticks for the ticker, after a reader's tick that is still under way.
    ///
    /// Two at once would publish their samples in any order, and judge two at a time.
    pub(crate) fn tick_alone(&self) -> Tick {
        let _sole = lock(&self.passes.sole_tick);
        self.tick()
    }

    fn is_tick_due(&self) -> bool {
        let pass = lock(&self.passes.pass);
        let since = self.store.context.clock.uptime().saturating_sub(pass.time.ticks.running());
        since >= self.tick_length || pass.time.ended == 0
    }
}

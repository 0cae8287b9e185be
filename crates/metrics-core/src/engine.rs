//! The engine: the state behind a registry, and its two operations, tick and read.
//!
//! Both run a pass. A tick polls the monitors before the pass; after it, the monitors judge the
//! numbers, the sample is published, and observers and listeners are called. If there is no
//! ticker, a read ends ticks that are due, so that windows still move.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::judging::audience::Audience;
use crate::judging::board::{Board, HEALTH_SCORE};
use crate::judging::event::Event;
use crate::judging::guarded_call::Guests;
use crate::judging::health::TopicHealth;
use crate::judging::monitor::Monitor;
use crate::judging::observer::Observer;
use crate::judging::status::Status;
use crate::judging::topic::Topic;
use crate::judging::watched::Watched;
use crate::reading::pass::{Pass, PassKind, PassResult, Passes};
use crate::reading::sample::Sample;
use crate::recording::register_error::RegisterError;
use crate::recording::store::Store;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{lock, try_lock};
use crate::ticker::Tick;

/// The age in ticks, and at least in time, beyond which health is out of date: nothing ticks any more.
///
/// Short ticks alone would call a busy machine one whose sampling stands still.
const STALE_TICKS: u32 = 3;
const STALE_AFTER: Duration = Duration::from_secs(1);

/// The state behind a registry.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Arc<Store>,
    /// The length of a tick.
    pub(crate) tick_length: Duration,
    pub(crate) passes: Passes,
    pub(crate) guests: Arc<Guests>,
    pub(crate) board: Board,
    pub(crate) audience: Audience,
    /// `true` while there is a ticker.
    pub(crate) ticking: AtomicBool,
}

impl Engine {
    /// Registers the core's own metrics.
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
        self.board.poll();
        let numbers = {
            let mut pass = lock(&self.passes.pass);
            self.passes.begun.fetch_add(1, Ordering::AcqRel);
            Arc::new(self.run(&mut pass, PassKind::Tick))
        };
        // The lock of the pass is not held here, so that readers are not blocked while the
        // monitors judge.
        let mut events = self.board.judge(&numbers);
        // Cloned only if a judgement hangs, which then still holds the numbers.
        let mut sample = Arc::unwrap_or_clone(numbers);
        sample.topics = self.board.published();
        // A monitor that was added since the pass is judged already.
        sample.monitors = self.board.monitors();
        self.board.show(&sample.topics, &mut sample.snapshot, &self.store);
        let sample = Arc::new(sample);
        let before = mem::replace(&mut *lock(&self.passes.latest), sample.clone());
        lock(&self.passes.pass).reuse(before, self.budget());
        events.extend(self.audience.show(self.guests.tick(), &sample));
        self.audience.tell(&events);
        Tick { sample, events }
    }

    /// Returns the sample that was published last; its health is unknown once it is out of date.
    pub(crate) fn latest(&self) -> Arc<Sample> {
        let mut latest = lock(&self.passes.latest);
        let is_judged = |health: &TopicHealth| health.assessment.status != Status::Unknown;
        if self.is_stale(&latest) && latest.topics.iter().any(is_judged) {
            // Copied once: the copy is published until the next tick.
            let mut unknown = Sample::clone(&latest);
            self.forget_health(&mut unknown);
            *latest = Arc::new(unknown);
        }
        latest.clone()
    }

    /// Returns `true` if the health in a sample is out of date.
    pub(crate) fn is_stale(&self, sample: &Sample) -> bool {
        let age = self.store.context.clock.uptime().saturating_sub(sample.judged);
        age > self.tick_length.saturating_mul(STALE_TICKS).max(STALE_AFTER)
    }

    /// Makes the health in a sample unknown.
    fn forget_health(&self, sample: &mut Sample) {
        sample.topics = sample.topics.iter().map(TopicHealth::out_of_date).collect();
        self.board.hide_scores(&mut sample.snapshot);
    }

    /// Returns a sample of a pass that begins after this call.
    pub(crate) fn read(&self) -> Arc<Sample> {
        // A read-modify-write, like the one that begins a pass. A pass that is later in
        // their order sees all that this thread has recorded, and only such a pass
        // (`number > arrived`) is taken. Example: with four passes begun, `arrived` is 4,
        // and the result of pass 5 or later is taken.
        let arrived = self.passes.begun.fetch_add(0, Ordering::AcqRel);
        if let Some(sample) = self.tick_without_ticker() {
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
            pass.reuse(before, self.budget());
        }
        let sample = Arc::new(self.run(&mut pass, PassKind::Read));
        pass.shared = Some((number, sample.clone()));
        sample
    }

    /// Polls the monitors, and returns a sample of a pass that begins after that.
    pub(crate) fn poll_and_read(&self) -> Arc<Sample> {
        self.board.poll();
        self.read()
    }

    fn budget(&self) -> usize {
        self.store.context.recording_bytes
    }

    /// Runs a pass, and adds the currently published health.
    fn run(&self, pass: &mut Pass, kind: PassKind) -> Sample {
        let PassResult { pass, tick, tick_span, is_tick_end, at, uptime, judged, snapshot } =
            pass.run(&self.store, kind);
        let (topics, monitors) = (self.board.published(), self.board.monitors());
        let mut sample = Sample {
            pass,
            tick,
            tick_span,
            is_tick_end,
            at,
            uptime,
            judged,
            snapshot,
            topics,
            monitors,
        };
        if self.is_stale(&sample) {
            self.forget_health(&mut sample);
        }
        sample
    }

    /// Ends a tick that is due if there is no ticker; one reader at a time does.
    fn tick_without_ticker(&self) -> Option<Arc<Sample>> {
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

//! The engine: what a registry holds, and how it ticks and reads.
//!
//! A tick and a read both run a pass. A tick also ends the running tick, has the monitors
//! judge it and publishes the sample. While nobody ticks, a reader does, so that a registry
//! without a ticker still moves its windows.

use std::mem;
use std::sync::Arc;

use crate::judging::event::HealthChange;
use crate::judging::health_board::{HEALTH_SCORE, HealthBoard};
use crate::reading::pass::{Pass, PassKind, PassResult, Passes};
use crate::reading::sample::Sample;
use crate::recording::families::RegisterError;
use crate::recording::store::Store;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{lock, try_lock};

/// The inside of a registry.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Arc<Store>,
    pub(crate) passes: Passes,
    pub(crate) board: HealthBoard,
    pub(crate) ticking: AtomicBool,
}

impl Engine {
    /// Registers what the core says of itself.
    pub(crate) fn register_own(&self) -> Result<(), RegisterError> {
        self.board.set_overall(self.store.handle(&HEALTH_SCORE, &[])?);
        self.passes.register_own(&self.store)
    }

    /// Runs a pass, and adds the health that is believed as of now.
    fn run(&self, pass: &mut Pass, kind: PassKind) -> Sample {
        let PassResult { pass, tick, tick_span, is_tick_end, at, uptime, snapshot } =
            pass.run(&self.store, kind);
        let (topics, monitors) = (self.board.believed(), self.board.monitors());
        Sample { pass, tick, tick_span, is_tick_end, at, uptime, snapshot, topics, monitors }
    }

    /// Ends the running tick and publishes its sample.
    pub(crate) fn tick(&self) -> (Arc<Sample>, Vec<HealthChange>) {
        let mut numbers = {
            let mut pass = lock(&self.passes.pass);
            self.passes.begun.fetch_add(1, Ordering::AcqRel);
            self.run(&mut pass, PassKind::Tick)
        };
        // Not under the pass's lock: a judgement that hangs holds the ticker only.
        let changes = self.board.judge(&numbers.view());
        numbers.topics = self.board.believed();
        self.board.show(&numbers.topics, &mut numbers.snapshot);
        let sample = Arc::new(numbers);
        let before = mem::replace(&mut *lock(&self.passes.latest), sample.clone());
        lock(&self.passes.pass).reuse(before);
        (sample, changes)
    }

    /// A sample of a pass that begins after this call.
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

    /// Ticks where there is no ticker, once a tick's time has passed; one reader at a time.
    fn tick_for_nobody(&self) -> Option<Arc<Sample>> {
        if self.ticking.load(Ordering::Relaxed) || !self.is_tick_due() {
            return None;
        }
        let _sole = try_lock(&self.passes.unattended)?;
        self.is_tick_due().then(|| {
            self.board.poll();
            self.tick().0
        })
    }

    fn is_tick_due(&self) -> bool {
        let pass = lock(&self.passes.pass);
        let since = self.store.context.clock.uptime().saturating_sub(pass.time.ticks.running());
        since >= pass.tick || pass.time.ended == 0
    }
}

//! Verdicts: a breaker's own view of the call that is being polled.
//!
//! The hooks of a breaker say that a call failed, but not which call. A breaker runs them while
//! the call's future is polled, so on the same thread and within that poll. Therefore the future
//! of a [`RecordLayer`](crate::RecordLayer) puts a slot into a thread-local before it polls the
//! service that it wraps, and a hook leaves its verdict there.

use std::cell::Cell;

use crate::call::Outcome;
use crate::circuit::Circuit;

/// The place for the verdict on one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The circuit of the call; 0 for none.
    circuit: usize,
    verdict: Option<Outcome>,
}

thread_local! {
    /// The slot of the call that is being polled on this thread.
    static POLLED: Cell<Slot> = const { Cell::new(Slot { circuit: 0, verdict: None }) };
}

impl Circuit {
    /// Leaves a breaker's verdict on the call of this circuit that is being polled, if there is one.
    ///
    /// It is for adapters of breakers, to be called from a hook of the breaker. The breaker
    /// decides whether a call succeeded, failed or was rejected. The classifier of the
    /// [`RecordLayer`](crate::RecordLayer) around it names the kind of a failure, or calls it a
    /// timeout; a success that the breaker took for a failure gets the kind of the verdict.
    pub fn leave_verdict(&self, verdict: Outcome) {
        let polled = POLLED.get();
        if polled.circuit == self.id() {
            POLLED.set(Slot { verdict: Some(verdict), ..polled });
        }
    }

    /// Tells one circuit from another while both live.
    fn id(&self) -> usize {
        std::ptr::from_ref(self.0.shared().as_ref()).addr()
    }
}

impl Slot {
    pub(crate) fn new(circuit: &Circuit) -> Self {
        Self { circuit: circuit.id(), verdict: None }
    }

    /// Shows the slot to hooks on this thread, until the guard drops.
    pub(crate) fn enter(&mut self) -> Polling<'_> {
        Polling { outer: POLLED.replace(*self), slot: self }
    }

    /// The outcome of the call, from the classifier's outcome and the verdict, if there is one.
    pub(crate) fn settle(&self, classified: Outcome) -> Outcome {
        use Outcome::{Failure, Rejected, Success};
        match (self.verdict, classified) {
            (Some(Rejected), _) => Rejected,
            (Some(Success), Failure(_)) => Success,
            (Some(Failure(kind)), Success) => Failure(kind),
            (_, classified) => classified,
        }
    }
}

/// Holds a slot in [`POLLED`]; dropping it takes the slot back, with the verdict.
///
/// It also puts back the slot that was there before: a call that is made within another one
/// gives way to the outer one again.
pub(crate) struct Polling<'a> {
    slot: &'a mut Slot,
    outer: Slot,
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        *self.slot = POLLED.replace(self.outer);
    }
}

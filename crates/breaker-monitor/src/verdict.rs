//! Verdicts: a breaker's own view of the call that is being polled.
//!
//! The hooks of a breaker report that a call failed, but not which one. A breaker runs them while
//! the call's future is polled, so on the same thread and within that poll. Therefore the future
//! of a [`RecordLayer`](crate::RecordLayer) puts a slot into a thread-local before it polls the
//! wrapped service, and the hook writes its verdict there.

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
    /// Stores a breaker's verdict for the call of this circuit that is being polled, if there is one.
    ///
    /// Call it from a hook of a breaker that is within a [`RecordLayer`](crate::RecordLayer). The
    /// breaker decides that a call succeeded, failed or was rejected; the layer's classifier
    /// names the kind of a failure, or calls it a timeout. If the breaker calls a response a
    /// failure and the classifier does not, the failure has the kind of the verdict.
    ///
    /// ```
    /// use node0_breaker_monitor::{BreakerMonitor, Outcome, RecordLayer, Thresholds};
    /// use node0_metrics_core::Registry;
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let registry = Registry::new();
    /// let monitor = BreakerMonitor::register(&registry)?;
    /// let circuit = monitor.circuit("payment-service", Thresholds::default())?;
    ///
    /// // Stands for a breaker that is open and answers from a fallback.
    /// let open = service_fn(async |hook: node0_breaker_monitor::Circuit| {
    ///     hook.leave_verdict(Outcome::Rejected);
    ///     Ok::<_, std::io::Error>("pay later")
    /// });
    /// RecordLayer::new(&circuit).layer(open).oneshot(circuit.clone()).await?;
    /// let metrics = monitor.metrics(&registry.read(), "payment-service").unwrap();
    /// assert_eq!((metrics.successes, metrics.rejected), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn leave_verdict(&self, verdict: Outcome) {
        let polled = POLLED.get();
        if polled.circuit == self.id() {
            POLLED.set(Slot { verdict: Some(verdict), ..polled });
        }
    }

    /// Returns a number that identifies the circuit while it lives.
    fn id(&self) -> usize {
        std::ptr::from_ref(self.0.shared().as_ref()).addr()
    }
}

impl Slot {
    pub(crate) fn new(circuit: &Circuit) -> Self {
        Self { circuit: circuit.id(), verdict: None }
    }

    /// Makes the slot visible to hooks on this thread, until the guard is dropped.
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
/// It also restores the slot that was there before: after a call within another one, verdicts
/// go to the outer call again.
pub(crate) struct Polling<'a> {
    slot: &'a mut Slot,
    outer: Slot,
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        *self.slot = POLLED.replace(self.outer);
    }
}

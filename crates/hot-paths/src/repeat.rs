//! Repeats a path, so that callgrind counts the repetitions and nothing else.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::Outcome;

/// The steps before those that are counted, which take other paths: they register, allocate, fill
/// tables and windows, and use each bucket for the first time.
const WARM_UP: u64 = 32;

/// Repeats a step that cannot fail; its argument is the number of the repetition.
pub(crate) fn repeat(times: u64, mut step: impl FnMut(u64)) -> Outcome {
    repeat_batch(times, &mut |times| {
        (0..times).for_each(&mut step);
        Ok(())
    })
}

/// Repeats a step that waits for nothing, without a runtime around it.
pub(crate) fn repeat_async(times: u64, mut step: impl AsyncFnMut() -> Outcome) -> Outcome {
    repeat_batch(times, &mut |times| {
        let all = pin!(async {
            for _ in 0..times {
                step().await?;
            }
            Ok(())
        });
        match all.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Err("the step waits".into()),
        }
    })
}

/// Calls a function that takes a number of steps: first to warm up, and then to be counted.
pub(crate) fn repeat_batch(times: u64, steps: &mut dyn FnMut(u64) -> Outcome) -> Outcome {
    // Without this the compiler could inline the steps here, and then not into the counted ones.
    let steps = black_box(steps);
    steps(WARM_UP)?;
    counted(times, steps)
}

/// Callgrind collects between the entry and the exit of this function, which it knows by its name.
#[inline(never)]
fn counted(times: u64, steps: &mut dyn FnMut(u64) -> Outcome) -> Outcome {
    steps(times)
}

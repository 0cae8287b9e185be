//! The library contatori: counters that are sharded by thread over 64 padded atomics.

use std::sync::Arc;

use contatori::counters::monotone::Monotone;
use contatori::counters::{CounterValue, Observable};

use crate::rounds::Contender;

pub fn counter() -> Contender {
    let counter = Arc::new(Monotone::new());
    let same = counter.clone();
    Contender::recording(
        "contatori Monotone",
        move |_| counter.add(1),
        move || match same.value() {
            CounterValue::Unsigned(total) => total,
            _ => 0,
        },
    )
}

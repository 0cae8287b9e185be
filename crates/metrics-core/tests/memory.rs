//! Memory under a flood of label values, in a process of its own so that nothing else allocates.

#[path = "support/resident.rs"]
mod resident;

use std::time::Duration;

use node0_metrics_core::{Desc, Registry, SERIES_FOLDED, Value};

use crate::resident::resident;

const OPERATIONS: Desc = Desc::counter("operations_total", "Operations.").labels(&["operation"]);
const DURATION: Desc =
    Desc::latency("operation_duration_seconds", "Durations.").labels(&["operation"]);

/// Values that look like what a client could send: no two alike, some long, some not ASCII.
fn hostile(number: u64) -> String {
    let scrambled = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{scrambled:x}\"\\\n{}", "ü".repeat((scrambled % 200) as usize))
}

#[test]
fn a_flood_of_label_values_leaves_memory_and_series_bounded() {
    let registry = Registry::new();
    let durations = registry.latencies(&DURATION).expect("the description is right");
    let operations = registry.counters(&OPERATIONS).expect("the description is right");
    let mut settled = 0;
    for number in 0..100_000 {
        let value = hostile(number);
        durations.record([&value], Duration::from_micros(number % 1000));
        operations.inc([&value]);
        if number % 1000 == 0 {
            registry.read();
        }
        if number == 10_000 {
            settled = resident();
        }
    }
    let grown = resident().saturating_sub(settled);
    assert!(grown <= 4 << 20, "grew by {grown} bytes");

    let sample = registry.read();
    for (name, cap) in [(DURATION.name(), 500), (OPERATIONS.name(), 1000)] {
        let family = sample.snapshot.family(name).expect("it was recorded");
        assert_eq!(family.series().len(), cap + 1, "{name}");
        assert_eq!(family.series().map(|(_, value)| value.as_f64()).sum::<f64>(), 100_000.0);
        let folded = sample.snapshot.value(SERIES_FOLDED.name(), &[("metric", name)]);
        assert_eq!(folded.map(Value::as_f64), Some((100_000 - cap) as f64), "{name}");
    }
}

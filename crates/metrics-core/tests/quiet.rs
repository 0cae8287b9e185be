//! Memory of quiet latencies, in a process of its own so that nothing else allocates.

#[path = "support/resident.rs"]
mod resident;

use std::time::Duration;

use node0_metrics_core::{Desc, Latency, ManualClock, Registry};

use crate::resident::resident;

const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.").labels(&["queue"]);

/// With three records a second, a window has all ticks of five minutes.
#[test]
fn a_window_of_three_hundred_ticks_takes_few_bytes_for_each() {
    const SERIES: u64 = 200;
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let mut ticker = registry.ticker().expect("nobody else ticks");
    let wait = |number: u64| registry.latency(&WAIT, &[&number.to_string()]);
    let waits: Vec<Latency> =
        (0..SERIES).map(|number| wait(number).expect("it is described well")).collect();
    let mut records = 0_u64..;
    let mut shown = None;
    let mut run = |ticks| {
        for _ in 0..ticks {
            for wait in &waits {
                for record in records.by_ref().take(3) {
                    // Spread over some octaves around a millisecond.
                    let random = record.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                    let nanos = (1_000_000 + random % 700_000) * (1 + random % 5);
                    wait.record(Duration::from_nanos(nanos / (1 + random / 64 % 5)));
                }
            }
            clock.advance(Duration::from_secs(1));
            shown = Some(ticker.tick());
        }
        resident()
    };
    let settled = run(20);
    let grown = run(300).saturating_sub(settled) / SERIES;
    assert!(grown <= 300 * 100, "each series grew by {grown} bytes");
}

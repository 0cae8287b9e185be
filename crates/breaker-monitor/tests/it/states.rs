//! States: one-hot right after each change; each change is counted once, and so is the time in a state.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use node0_breaker_monitor::State::{self, Closed, HalfOpen, Open};
use node0_metrics_core::Sample;

use crate::bench::{Bench, all_transitions, ms, number, one_hot, transitions};

const LIFE: [(State, State); 5] =
    [(Closed, Open), (Open, HalfOpen), (HalfOpen, Open), (Open, HalfOpen), (HalfOpen, Closed)];

fn seconds(sample: &Sample, state: State) -> f64 {
    let labels = [("circuit", "payments"), ("state", state.label())];
    number(sample, "circuit_breaker_state_seconds_total", &labels)
}

#[test]
fn new_circuit_is_closed() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let sample = bench.registry.read();
    assert_eq!(one_hot(&sample, "payments"), Closed);
    assert_eq!(all_transitions(&sample, "payments"), 0);
    assert_eq!((circuit.state(), circuit.last_transition()), (Closed, None));
}

#[test]
fn state_is_one_hot_right_after_each_change() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    for (changes, (from, to)) in LIFE.into_iter().enumerate() {
        circuit.state_changed(from, to, "told");
        let sample = bench.registry.read();
        assert_eq!(one_hot(&sample, "payments"), to);
        assert_eq!(all_transitions(&sample, "payments"), changes as u64 + 1);
        assert_eq!((bench.metrics("payments").state, circuit.state()), (to, to));
    }
    let sample = bench.registry.read();
    assert_eq!(transitions(&sample, "payments", Open, HalfOpen), 2);
    assert_eq!(transitions(&sample, "payments", HalfOpen, Open), 1);
}

#[test]
fn ten_flaps_between_two_reads_raise_the_counters_by_ten() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.state_changed(Closed, Open, "before");
    circuit.state_changed(Open, Closed, "before");
    let before = bench.registry.read();
    for _ in 0..10 {
        circuit.state_changed(Closed, Open, "flap");
        circuit.state_changed(Open, Closed, "flap");
    }
    let after = bench.registry.read();
    for (from, to) in [(Closed, Open), (Open, Closed)] {
        let count = |sample| transitions(sample, "payments", from, to);
        assert_eq!(count(&after) - count(&before), 10);
    }
    assert_eq!(all_transitions(&after, "payments") - all_transitions(&before, "payments"), 20);
    assert_eq!(one_hot(&after, "payments"), Closed);
}

#[test]
fn change_from_a_state_to_itself_is_none() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.state_changed(Open, Open, "nothing");
    circuit.set_state(Closed, "nothing");
    let sample = bench.registry.read();
    assert_eq!((one_hot(&sample, "payments"), all_transitions(&sample, "payments")), (Closed, 0));
    assert_eq!(circuit.last_transition(), None);
}

#[test]
fn set_state_counts_from_the_state_before() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.set_state(Open, "trip");
    circuit.set_state(HalfOpen, "trial");
    let sample = bench.registry.read();
    assert_eq!(transitions(&sample, "payments", Closed, Open), 1);
    assert_eq!(transitions(&sample, "payments", Open, HalfOpen), 1);
    assert_eq!(all_transitions(&sample, "payments"), 2);
}

#[test]
fn change_is_counted_as_told_when_one_before_was_missed() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.state_changed(HalfOpen, Closed, "the monitor came late");
    circuit.state_changed(HalfOpen, Open, "one was missed");
    let sample = bench.registry.read();
    assert_eq!(transitions(&sample, "payments", HalfOpen, Closed), 1);
    assert_eq!(transitions(&sample, "payments", HalfOpen, Open), 1);
    assert_eq!(one_hot(&sample, "payments"), Open);
}

#[test]
fn last_change_is_remembered_with_its_reason_and_time() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    bench.pass(ms(1500));
    circuit.set_state(Open, format!("{} of 10 failed", 7));
    let last = circuit.last_transition().unwrap();
    assert_eq!((last.from, last.to), (Closed, Open));
    assert_eq!(last.reason, "7 of 10 failed");
    assert_eq!(last.at, bench.registry.clock().wall());
}

#[test]
fn time_is_counted_for_the_state_it_was_spent_in() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    bench.pass(ms(2500));
    circuit.set_state(Open, "");
    bench.pass(ms(4000));
    circuit.set_state(HalfOpen, "");
    bench.pass(ms(999));
    circuit.set_state(Closed, "");
    bench.pass(ms(500));
    let sample = bench.tick_now();
    assert_eq!([Closed, Open, HalfOpen].map(|state| seconds(&sample, state)), [3.0, 4.0, 0.999]);
}

#[test]
fn short_stays_add_up() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    for _ in 0..10 {
        circuit.set_state(Open, "");
        bench.pass(ms(300));
        circuit.set_state(Closed, "");
        bench.pass(ms(1));
    }
    let open = seconds(&bench.registry.read(), Open);
    assert!((open - 3.0).abs() < 1e-9, "{open}");
}

#[test]
fn state_that_goes_on_is_counted_each_tick() {
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    circuit.set_state(Open, "");
    for ticks in 1..=5 {
        assert_eq!(seconds(&bench.tick(), Open), f64::from(ticks));
    }
    drop(circuit);
}

#[test]
fn concurrent_changes_leave_one_state_and_lose_none() {
    const THREADS: usize = 8;
    const CHANGES: usize = 3000;
    let mut bench = Bench::new();
    let circuit = bench.circuit("payments");
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (circuit, start, clock) = (&circuit, &start, &bench.clock);
            scope.spawn(move || {
                start.wait();
                for change in 0..CHANGES {
                    let to = [Closed, Open, HalfOpen][(thread + change) % 3];
                    circuit.set_state(to, "concurrent");
                    clock.advance(Duration::from_micros(700));
                }
            });
        }
    });
    let sample = bench.tick_now();
    let state = one_hot(&sample, "payments");
    assert_eq!(state, circuit.state());
    // Whoever entered a state left it, but for the one that goes on and the first.
    for of in [Closed, Open, HalfOpen] {
        let others = [Closed, Open, HalfOpen].into_iter().filter(|other| *other != of);
        let (mut entered, mut left) = (u64::from(of == Closed), u64::from(of == state));
        for other in others {
            entered += transitions(&sample, "payments", other, of);
            left += transitions(&sample, "payments", of, other);
        }
        assert_eq!(entered, left, "{of:?}");
    }
    let spent: f64 = [Closed, Open, HalfOpen].iter().map(|state| seconds(&sample, *state)).sum();
    let uptime = bench.registry.clock().uptime().as_secs_f64();
    assert!((spent - uptime).abs() < 1e-6, "{spent} of {uptime}");
}

#[test]
fn gauges_are_one_hot_after_every_race_of_two_threads() {
    const RACES: usize = 500;
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let (start, end, race) = (Barrier::new(3), Barrier::new(3), AtomicUsize::new(0));
    let mut after = Vec::new();
    thread::scope(|scope| {
        for first in 0..2 {
            let (circuit, start, end, race) = (&circuit, &start, &end, &race);
            scope.spawn(move || {
                for number in 0..RACES {
                    start.wait();
                    let states = [Closed, Open, HalfOpen].into_iter().cycle().skip(first);
                    let runs = |_: &State| race.load(Ordering::Relaxed) == number;
                    states.take_while(runs).for_each(|to| circuit.set_state(to, "race"));
                    end.wait();
                }
            });
        }
        for number in 0..RACES {
            start.wait();
            // Long enough for both to be in the middle of it.
            (0..20).for_each(|_| drop(bench.registry.read()));
            race.store(number + 1, Ordering::Relaxed);
            end.wait();
            after.push((bench.registry.read(), circuit.state()));
        }
    });
    for (sample, state) in after {
        assert_eq!(one_hot(&sample, "payments"), state);
    }
}

#[test]
fn every_sample_has_one_state_while_it_changes() {
    let bench = Bench::new();
    let circuit = bench.circuit("payments");
    let is_over = AtomicUsize::new(0);
    thread::scope(|scope| {
        for first in 0..2 {
            let (circuit, is_over) = (&circuit, &is_over);
            scope.spawn(move || {
                let states = [Closed, Open, HalfOpen].into_iter().cycle().skip(first);
                let runs = |_: &State| is_over.load(Ordering::Relaxed) == 0;
                states.take_while(runs).for_each(|to| circuit.set_state(to, "fire"));
            });
        }
        let torn = (0..100_000).map(|_| bench.registry.read()).find(|sample| {
            let family = sample.snapshot.family("circuit_breaker_state").unwrap();
            family.series().map(|(_, value)| value.as_f64()).sum::<f64>() != 1.0
        });
        is_over.store(1, Ordering::Relaxed);
        assert!(torn.is_none(), "{:?}", torn.map(|sample| one_hot(&sample, "payments")));
    });
}

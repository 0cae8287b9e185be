//! Any sequence of events, against a model that keeps each of them.

use node0_cache_monitor::{EvictionCause, LoadOutcome, Operation, Size};
use proptest::prelude::*;

use crate::bench::{Bench, us};

#[derive(Clone, Copy, Debug)]
enum Event {
    Hit,
    Miss,
    Set(u64, u64),
    Error(Operation),
    Eviction(EvictionCause),
    Load(LoadOutcome),
    Coalesced,
    /// A second passes.
    Tick,
}

fn event() -> impl Strategy<Value = Event> {
    let failing = [Operation::Get, Operation::Set, Operation::Delete];
    prop_oneof![
        4 => Just(Event::Hit),
        2 => Just(Event::Miss),
        1 => (0..5000_u64, 1..5000_u64).prop_map(|(raw, stored)| Event::Set(raw, stored)),
        1 => proptest::sample::select(failing.to_vec()).prop_map(Event::Error),
        1 => proptest::sample::select(EvictionCause::ALL.to_vec()).prop_map(Event::Eviction),
        1 => proptest::sample::select(LoadOutcome::ALL.to_vec()).prop_map(Event::Load),
        1 => Just(Event::Coalesced),
        2 => Just(Event::Tick),
    ]
}

/// Counts the events of a kind.
fn count(events: &[Event], is: impl Fn(&Event) -> bool) -> u64 {
    events.iter().filter(|event| is(event)).count() as u64
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The events of the last ten whole ticks.
fn recent(events: &[Event]) -> Vec<Event> {
    let ticks = events.split(|event| matches!(event, Event::Tick));
    let mut whole: Vec<_> = ticks.collect();
    whole.pop(); // the running one
    whole.iter().rev().take(10).flat_map(|tick| tick.iter().copied()).collect()
}

fn is_hit(event: &Event) -> bool {
    matches!(event, Event::Hit)
}

fn is_miss(event: &Event) -> bool {
    matches!(event, Event::Miss)
}

fn is_error(event: &Event) -> bool {
    matches!(event, Event::Error(_))
}

fn is_set(event: &Event) -> bool {
    matches!(event, Event::Set(..))
}

fn is_answered(event: &Event) -> bool {
    is_hit(event) || is_miss(event)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_those_of_a_model_that_keeps_each_event(
        events in proptest::collection::vec(event(), 0..300)
    ) {
        let (mut bench, tier) = Bench::with_tier();
        for event in &events {
            match *event {
                Event::Hit => tier.hit(us(1)),
                Event::Miss => tier.miss(us(1)),
                Event::Set(raw, stored) => tier.set(us(1), Size::Compressed { raw, stored }),
                Event::Error(operation) => tier.error(operation, us(1)),
                Event::Eviction(cause) => tier.eviction(cause, Some(1)),
                Event::Load(outcome) => tier.load(outcome, us(1)),
                Event::Coalesced => tier.coalesced(),
                Event::Tick => drop(bench.tick()),
            }
        }
        let (metrics, lately) = (bench.metrics("L1"), recent(&events));
        let all = |is: fn(&Event) -> bool| count(&events, is);
        prop_assert_eq!((metrics.hits, metrics.misses), (all(is_hit), all(is_miss)));
        prop_assert_eq!(metrics.hit_rate_total, share(all(is_hit), all(is_answered)));
        let answered = count(&lately, is_answered);
        prop_assert_eq!(metrics.hit_rate, share(count(&lately, is_hit), answered));
        let errors = count(&lately, is_error);
        let ended = errors + answered + count(&lately, is_set);
        prop_assert_eq!(metrics.error_rate, share(errors, ended));
        prop_assert_eq!(metrics.errors.unwrap_or(0), all(is_error));
        prop_assert_eq!(metrics.sets.unwrap_or(0), all(is_set));
        let bytes = events.iter().fold((0, 0), |sum, event| match event {
            Event::Set(raw, stored) => (sum.0 + raw, sum.1 + stored),
            _ => sum,
        });
        prop_assert_eq!((metrics.raw_bytes.unwrap_or(0), metrics.stored_bytes.unwrap_or(0)), bytes);
        prop_assert_eq!(metrics.compression_ratio, share(bytes.0, bytes.1));
        let evicted = all(|event| matches!(event, Event::Eviction(cause) if cause.was_evicted()));
        let left = all(|event| matches!(event, Event::Eviction(_)));
        let has_left = left > 0;
        prop_assert_eq!(metrics.evictions, has_left.then_some(evicted));
        prop_assert_eq!(metrics.evicted_bytes, has_left.then_some(left));
        let loads = metrics.loads.map_or(0, |loads| {
            loads.succeeded + loads.failed + loads.cancelled + loads.coalesced
        });
        let shared = |event: &Event| matches!(event, Event::Load(_) | Event::Coalesced);
        prop_assert_eq!(loads, count(&events, shared));
    }
}

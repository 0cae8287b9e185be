//! Guests that panic, overrun their budget or hang: ticks go on, and a metric names the guest.

mod at_once;
mod destructors;
mod house;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use node0_metrics_core::{
    Event, GUEST_CALL_DURATION, GuestCall, GuestError, ManualClock, Registry, Sample, Status,
};

use crate::scripted::{Observing, OnDrop};

use house::{Fault, House, OF_A_TICK, ON_DEMAND};

#[test]
fn calls_of_a_tick_that_panic_are_counted_and_left_out_for_some_ticks() {
    for call in OF_A_TICK {
        let mut house = House::new(call, Fault::Panic);
        let counts = [1.0, 1.0, 1.0, 2.0];
        for (tick, count) in counts.into_iter().enumerate() {
            house.tick();
            assert_eq!(house.count(call, "panic"), count, "{call} at tick {tick}");
            assert!(house.is_skipped(call), "{call} at tick {tick}");
        }
    }
}

#[test]
fn calls_of_a_tick_that_overrun_are_counted_and_come_back() {
    for call in OF_A_TICK {
        let mut house = House::new(call, Fault::Overrun);
        house.tick();
        let found = (house.count(call, "overrun"), house.is_skipped(call));
        assert_eq!(found, (1.0, false), "{call}: the machine may have been busy");
        house.tick();
        assert_eq!((house.count(call, "overrun"), house.is_skipped(call)), (2.0, true), "{call}");
        *house.fault.lock().unwrap() = Fault::None;
        for _ in 0..2 {
            house.tick();
            assert!(house.is_skipped(call), "{call} is left out");
        }
        house.tick();
        assert_eq!((house.count(call, "overrun"), house.is_skipped(call)), (2.0, false), "{call}");
    }
}

#[test]
fn calls_of_a_tick_that_hang_hold_neither_the_tick_nor_the_others() {
    for call in OF_A_TICK {
        let mut house = House::new(call, Fault::Hang);
        for tick in 1..=5 {
            house.tick();
            assert_eq!(
                (house.count(call, "hung"), house.is_skipped(call)),
                (1.0, true),
                "{call} {tick}"
            );
        }
        assert_eq!(house.hanging.try_iter().count(), 1, "{call} was not called again");
        // The lost thread comes back, and the guest gets its place again.
        *house.fault.lock().unwrap() = Fault::None;
        drop(house.release.take());
        while house.is_skipped(call) {
            house.tick();
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_report_or_a_list_of_checks_that_fails_holds_nobody_and_is_counted() {
    for call in ON_DEMAND {
        let mut house = House::new(call, Fault::Panic);
        house.tick();
        for times in [1.0, 2.0] {
            let error = house.ask(call);
            assert!(error.is_none_or(|error| error.to_string().ends_with("panicked")));
            assert_eq!(
                house.count(call, "panic"),
                times,
                "{call} is called whenever it is asked for"
            );
        }
        *house.fault.lock().unwrap() = Fault::Overrun;
        assert!(house.ask(call).is_none(), "a late {call} is still one");
        assert_eq!(house.count(call, "overrun"), 1.0);
        house.tick();
    }
}

#[test]
fn a_report_or_a_list_of_checks_that_hangs_is_refused_until_it_returns() {
    for call in ON_DEMAND {
        let mut house = House::new(call, Fault::Hang);
        house.tick();
        for _ in 0..3 {
            let error = house.ask(call);
            assert!(error.is_none_or(|error| error.to_string().ends_with("did not return")));
            house.tick();
        }
        assert_eq!((house.count(call, "hung"), house.is_skipped(call)), (1.0, true), "{call}");
        assert_eq!(house.hanging.try_iter().count(), 1, "one thread hangs, not three");
        *house.fault.lock().unwrap() = Fault::None;
        drop(house.release.take());
        while house.is_skipped(call) {
            let _ = house.ask(call);
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_topic_whose_judgement_fails_is_unknown_and_keeps_its_findings() {
    for fault in [Fault::Panic, Fault::Hang] {
        let mut house = House::new("judge", fault);
        *house.fault.lock().unwrap() = Fault::None;
        house.clock.advance(Duration::from_secs(1));
        let raised = house.ticker.tick().events;
        assert!(matches!(&raised[0], Event::Finding(change) if change.finding.code == "always"));
        *house.fault.lock().unwrap() = fault;
        house.clock.advance(Duration::from_secs(1));
        let tick = house.ticker.tick();
        assert_eq!(tick.sample.topics[0].assessment.status, Status::Unknown, "{fault:?}");
        let cleared = tick.events.iter().any(|event| matches!(event, Event::Finding(_)));
        assert!(!cleared, "nothing says that it is over");
    }
}

#[test]
fn each_call_is_timed_under_its_guests_name() {
    let mut house = House::new("none", Fault::None);
    house.tick();
    house.ask("report");
    house.ask("readiness");
    for call in OF_A_TICK.iter().chain(&ON_DEMAND) {
        let labels = [("guest", "bad"), ("call", call)];
        assert_eq!(house.value(GUEST_CALL_DURATION.name(), &labels), 1.0, "{call}");
    }
}

#[test]
fn futures_that_others_poll_are_contained_and_counted_by_how_they_end() {
    let house = House::new("none", Fault::None);
    let check = Arc::new(house.registry.guard("bad", GuestCall::Check).unwrap());
    let mut waiting = Context::from_waker(Waker::noop());
    let mut poll =
        |future: Pin<&mut dyn Future<Output = Result<u8, GuestError>>>| future.poll(&mut waiting);
    let mut ready = pin!(check.contain(async { 7 }));
    assert_eq!(poll(ready.as_mut()), Poll::Ready(Ok(7)));
    let mut panicking = pin!(check.contain(async { panic!("told to") }));
    assert_eq!(poll(panicking.as_mut()), Poll::Ready(Err(GuestError::Panicked)));
    {
        let mut never = pin!(check.contain(std::future::pending()));
        assert_eq!(poll(never.as_mut()), Poll::Pending);
        assert_eq!(house.count("check", "hung"), 0.0, "it may still end");
    }
    let counts = ["panic", "overrun", "hung"].map(|reason| house.count("check", reason));
    assert_eq!(counts, [1.0, 0.0, 1.0]);
    let given_up = check.contain(std::future::pending::<()>());
    given_up.waiter().give_up();
    drop(given_up);
    assert_eq!(house.count("check", "hung"), 2.0, "it is counted once");
}

#[test]
fn a_future_that_panics_when_dropped_does_not_reach_the_caller() {
    let house = House::new("none", Fault::None);
    let check = Arc::new(house.registry.guard("bad", GuestCall::Check).unwrap());
    let owned = || OnDrop(Box::new(|| panic!("told to")));
    let (in_time, too_late) = (owned(), owned());
    let mut ready = pin!(check.contain(std::future::poll_fn(move |_| {
        let _owned = &in_time;
        Poll::Ready(())
    })));
    let mut waiting = Context::from_waker(Waker::noop());
    assert_eq!(ready.as_mut().poll(&mut waiting), Poll::Ready(Ok(())));
    drop(check.contain(async move {
        let _owned = &too_late;
        std::future::pending::<()>().await;
    }));
    assert_eq!(house.count("check", "hung"), 1.0);
}

#[test]
fn an_observer_is_told_how_many_samples_it_missed() {
    let mut house = House::new("none", Fault::None);
    house.tick();
    let (sender, seen) = mpsc::channel();
    let late = move |sample: &Arc<Sample>, missed| {
        let _ = sender.send((sample.pass, missed));
        assert_ne!(sample.pass, 2, "told to");
        Vec::new()
    };
    house.registry.observe(Observing("late", late)).unwrap();
    for _ in 0..5 {
        house.tick();
    }
    // It panicked at the second, and was left out for two ticks.
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), [(2, 0), (5, 2), (6, 0)]);
}

#[test]
fn a_listener_that_panics_gets_the_other_events_and_is_told_how_many_it_missed() {
    let clock = ManualClock::new();
    let settings = Registry::builder().skip_ticks(2).guest_timeout(Duration::from_secs(60));
    let registry = settings.clock(clock.clock()).build();
    let three = |sample: &Arc<Sample>, _| vec![Event::Sample(sample.clone()); 3];
    registry.observe(Observing("three", three)).unwrap();
    let (sender, heard) = mpsc::channel();
    let mut is_first = true;
    let listen = move |event: &Event| {
        let _ = sender.send(match event {
            Event::Missed(missed) => (0, *missed),
            Event::Sample(sample) => (sample.tick, 0),
            _ => return,
        });
        assert!(!std::mem::take(&mut is_first), "told to");
    };
    registry.listen("listener", listen).unwrap();
    let mut ticker = registry.ticker().unwrap();
    for _ in 0..5 {
        clock.advance(Duration::from_secs(1));
        ticker.tick();
    }
    // It panicked at the first event, and was left out for the ticks 2 and 3.
    let all = [[(1, 0); 3].as_slice(), &[(0, 6)], &[(4, 0); 3], &[(5, 0); 3]].concat();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), all);
}

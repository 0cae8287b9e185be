use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use node0_metrics_core::{
    Counter, Desc, Instance, InstanceError, InstanceName, Instances, InvalidName, RegisterError,
    UnknownTarget, instruments,
};

use crate::Bench;

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["queue"]);
const LATENCY: Desc = Desc::latency("job_seconds", "Jobs.").labels(&["queue"]);

instruments! {
    struct QueueCells, read as QueueReading {
        jobs: Counter = JOBS,
    }
}

impl Instance for QueueCells {}

/// A resource that can end while there are handles.
#[derive(Clone, Default)]
struct Outside(Arc<AtomicBool>);

impl Outside {
    fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Instance for Outside {
    fn is_alive(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

fn name(name: &str) -> InstanceName {
    InstanceName::new(name).expect("it is usable")
}

fn shown(bench: &Bench, queue: &str) -> Option<f64> {
    let sample = bench.registry.latest();
    sample.snapshot.value("jobs_total", &[("queue", queue)]).map(|value| value.as_f64())
}

#[test]
fn a_name_is_one_that_a_label_can_have() {
    let long = "x".repeat(257);
    for (refused, rule) in [
        ("", "it is empty"),
        (&*long, "it is longer than 256 bytes"),
        ("_other", "`_other` is where label values beyond the cap are folded"),
        ("a\nb", "it has control characters"),
    ] {
        let InvalidName { name, rule: broken, .. } =
            InstanceName::new(refused).expect_err("it breaks a rule");
        assert_eq!((&*name, broken), (refused, rule));
    }
    assert_eq!(InstanceName::try_from("main").map(String::from), Ok("main".to_owned()));
    assert_eq!(format!("{:>6}|{:?}", name("main"), name("main")), "  main|\"main\"");
    assert_eq!(serde_json::to_string(&name("main")).expect("it is text"), "\"main\"");
    assert_eq!(name("L1").within(&name("orders")).as_str(), "orders/L1");
}

#[test]
fn each_refusal_names_the_kind_and_the_remedy() {
    let bench = Bench::new();
    let queues = Instances::with_limit("queue", 1);
    let enter = |text: &str| {
        let register = |name: &InstanceName| QueueCells::register(&bench.registry, &[name]);
        queues.enter(queues.name(text)?, register)
    };
    let refused = |text: &str| enter(text).expect_err("it is refused").to_string();
    assert_eq!(refused(""), "queue name `` is not usable: it is empty");
    let _mails = enter("mails").expect("the name is free");
    let taken = "queue `mails` is watched already: clone its handle or choose another name";
    assert_eq!(refused("mails"), taken);
    let many = "the monitor watches its maximum of 1 queues: register one for each that lasts, not one for each call";
    assert_eq!(refused("news"), many);

    let again = queues.enter_unless(name("again"), |_| true, |_| unreachable!("it is not made"));
    let same = "queue `again` is watched already, as `mails`: use what watches that one";
    assert_eq!(again.expect_err("it is refused").to_string(), same);

    let wrong =
        |_: &InstanceName| bench.registry.counter(&LATENCY, &["news"]).map(|_| Outside::default());
    let refused = Instances::new("queue").enter(name("news"), wrong).expect_err("no counter");
    assert_eq!(refused.to_string(), "the metrics of the queue cannot be registered");
    let source = refused.source().and_then(|source| source.downcast_ref::<RegisterError>());
    assert!(matches!(source, Some(RegisterError::Kind { .. })), "{source:?}");
}

#[test]
fn a_rule_of_the_monitors_own_is_refused_with_the_kind() {
    let tiers = Instances::<Outside>::new("tier");
    let reserved = |name: &str| (name == "health").then_some("a report has that field already");
    assert!(tiers.name_unless("L1", reserved).is_ok());
    let refused = tiers.name_unless("health", reserved).expect_err("it is reserved");
    let expected = "tier name `health` is not usable: a report has that field already";
    assert_eq!(refused.to_string(), expected);
    let refused = tiers.name_unless("", reserved).expect_err("it is empty");
    assert!(matches!(refused, InstanceError::Name { rule: "it is empty", .. }));
}

#[test]
fn a_refused_name_makes_no_series() {
    let bench = Bench::new();
    let queues = Instances::new("queue");
    let made = AtomicU32::new(0);
    let enter = || {
        queues.enter(name("mails"), |name| {
            made.fetch_add(1, Ordering::Relaxed);
            QueueCells::register(&bench.registry, &[name])
        })
    };
    let held = enter();
    assert!(held.is_ok() && enter().is_err());
    assert_eq!(made.into_inner(), 1);
}

#[test]
fn the_last_handle_frees_the_name_at_once_and_the_series_at_the_next_tick() {
    let mut bench = Bench::new();
    let queues = Instances::new("queue");
    let registry = bench.registry.clone();
    let enter = || queues.enter(name("mails"), |name| QueueCells::register(&registry, &[name]));
    let first = enter().expect("the name is free");
    let second = first.clone();
    drop(first);
    second.jobs.inc();
    bench.tick();
    assert_eq!((queues.names(), shown(&bench, "mails")), (vec!["mails".to_owned()], Some(1.0)));

    // A reader in the middle of its work.
    let read = queues.get("mails").expect("it is there");
    drop(second);
    assert!(queues.get("mails").is_none() && queues.handle("mails").is_none());
    assert!(queues.names().is_empty() && queues.living().is_empty());
    let again = enter().expect("the name is free");
    drop((read, again));
    bench.tick();
    bench.tick();
    assert_eq!(shown(&bench, "mails"), None);
}

#[test]
fn readers_find_instances_by_name_and_in_order() {
    let queues = Instances::new("queue");
    let held: Vec<_> = ["b", "c", "a"]
        .map(|text| queues.enter(name(text), |_| Ok(Outside::default())).expect("it is free"))
        .into();
    assert_eq!(queues.names(), ["a", "b", "c"]);
    let living: Vec<_> = queues.living().iter().map(|queue| queue.name().clone()).collect();
    assert_eq!(living, ["a", "b", "c"].map(name));
    assert!(queues.find("b").is_ok_and(|queue| queue.name().as_str() == "b"));
    let known = ["a", "b", "c"].map(String::from).into();
    let unknown = UnknownTarget { target: "d".to_owned(), known };
    assert_eq!(queues.find("d").map(|queue| queue.name().clone()), Err(unknown));
    assert_eq!(format!("{queues:?} {:?}", held[0]), r#"["a", "b", "c"] InstanceHandle("b")"#);
}

#[test]
fn a_further_handle_keeps_the_instance() {
    let queues = Instances::new("queue");
    let first = queues.enter(name("mails"), |_| Ok(Outside::default())).expect("it is free");
    let further = queues.handle("mails").expect("it is there");
    drop(first);
    assert_eq!(queues.names(), ["mails"]);
    drop(further);
    assert!(queues.names().is_empty());
}

#[test]
fn what_is_gone_by_itself_frees_its_name_though_it_has_handles() {
    let queues = Instances::with_limit("queue", 1);
    let enter = |outside: &Outside, text| {
        let outside = outside.clone();
        queues.enter(name(text), |_| Ok(outside))
    };
    let (old, new) = (Outside::default(), Outside::default());
    let old_handle = enter(&old, "main").expect("it is free");
    assert!(enter(&new, "main").is_err());
    old.end();
    assert!(queues.get("main").is_none() && queues.names().is_empty());
    let new_handle = enter(&new, "main").expect("the old one is gone");
    // The name is another's by now.
    drop(old_handle);
    assert_eq!(queues.names(), ["main"]);

    new.end();
    let other = Outside::default();
    assert!(enter(&other, "other").is_ok(), "one that is gone takes no room");
    drop(new_handle);
}

#[test]
fn a_detached_instance_lasts_until_it_is_gone_by_itself() {
    struct Pool {
        outside: Outside,
        dropped: Outside,
    }
    impl Instance for Pool {
        fn is_alive(&self) -> bool {
            self.outside.is_alive()
        }
    }
    impl Drop for Pool {
        fn drop(&mut self) {
            self.dropped.end();
        }
    }
    let (outside, dropped) = (Outside::default(), Outside::default());
    let pools = Instances::new("pool");
    let pool = Pool { outside: outside.clone(), dropped: dropped.clone() };
    let handle = pools.enter(name("main"), |_| Ok(pool)).expect("it is free");
    drop(handle.detach());
    assert!(pools.prune().is_empty());
    assert_eq!(pools.names(), ["main"]);
    outside.end();
    assert!(pools.names().is_empty());
    assert!(dropped.is_alive(), "nobody has pruned");
    let gone = pools.prune();
    assert_eq!(gone.iter().map(|pool| pool.name().as_str()).collect::<Vec<_>>(), ["main"]);
    drop(gone);
    assert!(!dropped.is_alive());
}

#[test]
fn handles_outlive_their_directory() {
    let queues = Instances::new("queue");
    let held = queues.enter(name("mails"), |_| Ok(Outside::default())).expect("it is free");
    drop(queues);
    assert_eq!(held.clone().name().as_str(), "mails");
}

#[test]
fn whoever_enters_and_drops_a_name_on_many_threads_has_it_alone() {
    let queues = Instances::new("queue");
    let (inside, barrier) = (AtomicU32::new(0), Barrier::new(4));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..2000 {
                    let Ok(held) = queues.enter(name("mails"), |_| Ok(Outside::default())) else {
                        // A reader's look must not keep the name.
                        drop((queues.get("mails"), queues.handle("mails")));
                        continue;
                    };
                    assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                    assert!(queues.get("mails").is_some());
                    inside.fetch_sub(1, Ordering::Relaxed);
                    drop(held);
                }
            });
        }
    });
    assert!(queues.names().is_empty());
    assert_eq!(format!("{queues:?}"), "[]", "nothing is left behind");
}

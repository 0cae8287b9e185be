//! The messages of a reader, and their times.

use super::*;

#[test]
fn the_first_message_is_a_snapshot_that_says_what_can_be_asked_for() {
    let mut rig = Rig::new();
    rig.say("beta", 7);
    rig.tick();
    let mut session = rig.open(&Wanted::topics(["beta"]));
    let messages = rig.take(&mut session);
    assert_eq!(outline(&messages), [(Kind::Snapshot, vec!["beta".into()])]);
    let snapshot = json_of(&messages[0]);
    assert_eq!(snapshot["seq"], rig.registry.latest().pass);
    assert_eq!(snapshot["timestamp"], rig.registry.latest().at.as_millis());
    assert_eq!(snapshot["data"]["beta"]["number"], 7);
    assert_eq!(snapshot["data"]["beta"]["health"]["status"], "healthy");
    assert_eq!(snapshot["topics"], json!(["alpha", "beta", "gamma"]));
    assert_eq!(snapshot["protocol"], "1.0");
    assert_eq!(snapshot["limits"]["minInterval"], 100);
    let epoch = snapshot["epoch"].as_str().unwrap();
    assert_eq!(messages[0].id.unwrap().to_string(), format!("{epoch}:{}", snapshot["seq"]));
    session.end();
}

#[test]
fn a_snapshot_before_the_first_tick_has_the_topics_too() {
    let mut rig = Rig::before_the_first_tick(Streaming::builder());
    let mut session = rig.open(&Wanted::topics(["beta"]));
    let snapshot = json_of(&rig.take(&mut session)[0]);
    assert_eq!((&snapshot["data"]["beta"]["number"], &snapshot["seq"]), (&json!(0), &json!(1)));
}

#[test]
fn an_update_has_what_is_due_and_has_changed_and_an_empty_one_keeps_the_beat() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha", "beta"]));
    rig.take(&mut session);
    rig.tick();
    // The first one is whole, since its reader may have had another one before.
    assert_eq!(
        outline(&rig.take(&mut session)),
        [(Kind::Update, vec!["alpha".into(), "beta".into()])]
    );
    rig.say("beta", 1);
    rig.tick();
    assert_eq!(outline(&rig.take(&mut session)), [(Kind::Update, vec!["beta".into()])]);
    rig.tick();
    assert_eq!(outline(&rig.take(&mut session)), [(Kind::Update, vec![])]);
}

#[test]
fn readers_of_one_set_share_the_bytes_and_each_topic_is_encoded_once() {
    let mut rig = Rig::new();
    let mut sessions: Vec<_> =
        (0..5).map(|_| rig.open(&Wanted::topics(["alpha", "beta"]))).collect();
    let mut others: Vec<_> = (0..5).map(|_| rig.open(&Wanted::topics(["beta"]))).collect();
    let snapshots: Vec<_> = sessions.iter_mut().flat_map(|session| rig.take(session)).collect();
    assert!(
        snapshots.iter().all(|message| message.json().as_ptr() == snapshots[0].json().as_ptr())
    );
    others.iter_mut().for_each(|session| drop(rig.take(session)));
    let before = rig.encoded();
    for number in 0..20 {
        rig.say("alpha", number);
        rig.tick();
        let updates: Vec<_> = sessions.iter_mut().flat_map(|session| rig.take(session)).collect();
        assert_eq!(updates.len(), 5);
        assert!(
            updates.iter().all(|message| message.json().as_ptr() == updates[0].json().as_ptr())
        );
        others.iter_mut().for_each(|session| drop(rig.take(session)));
    }
    assert_eq!(rig.encoded() - before, 20 * 2, "passes times topics that somebody reads");
}

#[test]
fn nothing_is_encoded_for_nobody() {
    let mut rig = Rig::new();
    let session = rig.open(&Wanted::all());
    rig.tick();
    session.end();
    rig.tick();
    let before = rig.encoded();
    rig.tick();
    assert_eq!(rig.encoded(), before);
}

#[test]
fn each_interval_is_kept_and_the_slower_topic_is_left_out() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    session.receive(r#"{"type":"subscribe","metrics":["beta"],"interval":500}"#).unwrap();
    rig.take(&mut session);
    let mut seen = Vec::new();
    for tenth in 1..=20 {
        rig.say("alpha", tenth);
        rig.say("beta", tenth);
        rig.tenth();
        seen.extend(
            outline(&rig.take(&mut session)).into_iter().map(|(_, topics)| (tenth, topics)),
        );
    }
    let (slow, both) = (vec!["beta".to_owned()], vec!["alpha".to_owned(), "beta".to_owned()]);
    assert_eq!(seen, [(5, slow.clone()), (10, both.clone()), (15, slow), (20, both)]);
}

#[test]
fn the_newest_update_wins_and_a_snapshot_says_what_was_missed() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    for number in 1..=4 {
        rig.say("alpha", number);
        rig.tick();
    }
    let messages = rig.take(&mut session);
    assert_eq!(outline(&messages), [(Kind::Snapshot, vec!["alpha".into()])]);
    let snapshot = json_of(&messages[0]);
    // The fourth one is what the snapshot stands for.
    assert_eq!((&snapshot["missed"], &snapshot["data"]["alpha"]["number"]), (&json!(3), &json!(4)));
    rig.tick();
    assert_eq!(outline(&rig.take(&mut session)), [(Kind::Update, vec!["alpha".into()])]);
}

#[test]
fn a_monitor_that_panics_is_left_out_and_the_others_come() {
    let mut rig = Rig::new();
    rig.say("beta", u64::MAX);
    let mut session = rig.open(&Wanted::all());
    let messages = rig.take(&mut session);
    assert_eq!(outline(&messages), [(Kind::Snapshot, vec!["alpha".into(), "gamma".into()])]);
    rig.tick();
    rig.take(&mut session);
    rig.say("beta", 1);
    rig.tick();
    assert_eq!(json_of(&rig.take(&mut session)[0])["data"]["beta"]["number"], 1);
}

#[test]
fn all_ends_with_the_stream() {
    let mut rig = Rig::with(Streaming::builder().max_clients(2));
    let mut first = rig.open(&Wanted::all());
    let second = rig.open(&Wanted::all());
    let refused = rig.streaming.open(&Wanted::all(), Transport::WebSocket).unwrap_err();
    assert_eq!(refused, OpenError::Full { limit: 2 });
    second.end();
    let mut third = rig.open(&Wanted::all());
    rig.take(&mut first);
    rig.streaming.close();
    assert_eq!(rig.take_until_end(&mut first).1, Some(Close::GOING_AWAY));
    // One that has not even got its snapshot ends as well.
    assert_eq!(rig.take_until_end(&mut third).1, Some(Close::GOING_AWAY));
    first.end();
    let closed = rig.streaming.open(&Wanted::all(), Transport::WebSocket).unwrap_err();
    assert_eq!(closed, OpenError::Closed);
}

#[test]
fn all_ends_with_the_sampling() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::all());
    rig.take(&mut session);
    rig.sampler = None;
    assert!(!rig.work_once());
    // The thread drops the feed when it ends, also by a panic.
    drop(rig.feed);
    assert_eq!(poll(&mut session).map(Result::err), Poll::Ready(Some(Close::GOING_AWAY)));
}

#[test]
fn the_thread_ends_with_the_last_handle_and_the_last_session() {
    let registry = Registry::new();
    let sampler = Sampler::new(&registry).unwrap();
    let streaming = Streaming::builder().start(&registry, sampler.subscribe()).unwrap();
    let session = streaming.open(&Wanted::all(), Transport::ServerSentEvents).unwrap();
    let hub = streaming.hub();
    drop(streaming);
    session.end();
    while hub.strong_count() > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_snapshot_has_no_health_once_sampling_stands_still() {
    let mut rig = Rig::new();
    rig.tick();
    let mut first = rig.open(&Wanted::topics(["beta"]));
    let status = |rig: &mut Rig| {
        let mut session = rig.open(&Wanted::topics(["beta"]));
        json_of(&rig.take(&mut session)[0])["data"]["beta"]["health"]["status"].clone()
    };
    rig.take(&mut first);
    assert_eq!(status(&mut rig), "healthy");
    rig.clock.advance(Duration::from_secs(4));
    assert_eq!([status(&mut rig), status(&mut rig)], ["unknown", "unknown"]);
    rig.tick();
    assert_eq!(status(&mut rig), "healthy");
}

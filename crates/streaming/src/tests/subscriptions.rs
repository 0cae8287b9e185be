//! The messages of clients, and their answers.

use super::*;

/// Sends a message, and returns the answers.
fn ask(rig: &mut Rig, session: &mut Session, message: &Value) -> Vec<Value> {
    session.receive(&message.to_string()).unwrap();
    rig.take(session).iter().map(json_of).collect()
}

#[test]
fn subscribing_is_granted_then_the_new_topics_come_then_their_updates() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    let subscribe =
        json!({"type": "subscribe", "metrics": ["gamma"], "interval": 450, "id": "a", "more": 1});
    let answers = ask(&mut rig, &mut session, &subscribe);
    let [granted, snapshot] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!((&granted["type"], &granted["id"]), (&json!("subscribed"), &json!("a")));
    assert_eq!(granted["seq"], Value::Null);
    let data = json!({
        "metrics": ["gamma"], "interval": 500, "intervals": {"alpha": 1000, "gamma": 500},
    });
    assert_eq!(granted["data"], data);
    assert_eq!(snapshot["type"], "snapshot");
    assert_eq!(snapshot["data"].as_object().unwrap().keys().collect::<Vec<_>>(), ["gamma"]);
}

#[test]
fn unsubscribing_tells_what_is_left() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::all());
    rig.take(&mut session);
    let answers = ask(&mut rig, &mut session, &json!({"type": "unsubscribe", "metrics": ["beta"]}));
    assert_eq!(answers[0]["data"]["metrics"], json!(["alpha", "gamma"]));
    assert_eq!(answers[0]["data"]["interval"], 1000);
    rig.tick();
    let left = vec!["alpha".to_owned(), "gamma".to_owned()];
    assert_eq!(outline(&rig.take(&mut session)), [(Kind::Update, left)]);
    let answers = ask(&mut rig, &mut session, &json!({"type": "unsubscribe"}));
    assert_eq!(answers[0]["data"], json!({"metrics": [], "interval": null, "intervals": {}}));
    rig.tick();
    assert!(rig.take(&mut session).is_empty(), "nothing is subscribed");
}

#[test]
fn an_update_that_waits_is_not_lost_when_the_subscriptions_change() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    rig.say("alpha", 5);
    rig.tick();
    session.receive(r#"{"type":"subscribe","metrics":["beta"]}"#).unwrap();
    let kinds: Vec<_> = rig.take(&mut session).iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::Update, Kind::Subscribed, Kind::Snapshot]);
}

#[test]
fn wrong_messages_get_an_error_that_names_the_remedy_and_change_nothing() {
    let cases = [
        ("{", "invalid_json"),
        ("", "invalid_json"),
        ("[]", "invalid_type"),
        ("{}", "invalid_type"),
        (r#"{"type":1}"#, "invalid_type"),
        (r#"{"type":"sing"}"#, "unknown_type"),
        (r#"{"type":"subscribe","metrics":"alpha"}"#, "invalid_type"),
        (r#"{"type":"subscribe","metrics":[1]}"#, "invalid_type"),
        (r#"{"type":"subscribe","metrics":["delta"]}"#, "unknown_topic"),
        (r#"{"type":"unsubscribe","metrics":["delta"]}"#, "unknown_topic"),
        (r#"{"type":"subscribe","interval":0}"#, "invalid_interval"),
        (r#"{"type":"subscribe","interval":-1}"#, "invalid_interval"),
        (r#"{"type":"subscribe","interval":1e12}"#, "invalid_interval"),
        (r#"{"type":"subscribe","interval":null}"#, "invalid_interval"),
        (r#"{"type":"subscribe","interval":"500"}"#, "invalid_interval"),
        (r#"{"type":"ping","id":{}}"#, "invalid_type"),
    ];
    for (message, code) in cases {
        let mut rig = Rig::new();
        let mut session = rig.open(&Wanted::topics(["alpha"]));
        rig.take(&mut session);
        session.receive(message).unwrap();
        let answers = rig.take(&mut session);
        let [error] = &answers[..] else { panic!("{message}: {answers:?}") };
        assert_eq!((error.kind, error.id), (Kind::Error, None));
        assert_eq!(json_of(error)["data"]["code"], code, "{message}");
        rig.tick();
        assert_eq!(outline(&rig.take(&mut session)), [(Kind::Update, vec!["alpha".into()])]);
    }
}

#[test]
fn too_many_names_are_refused_and_long_ones_are_cut() {
    let mut rig = Rig::with(Streaming::builder().max_topics(2));
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    let many = json!({"type": "subscribe", "metrics": ["alpha", "beta", "gamma"]});
    let answers = ask(&mut rig, &mut session, &many);
    assert_eq!(answers[0]["data"]["code"], "too_many_subscriptions");
    let long = json!({"type": "subscribe", "metrics": ["ä".repeat(8000)], "id": 7});
    let answers = ask(&mut rig, &mut session, &long);
    assert_eq!(
        (&answers[0]["data"]["code"], &answers[0]["id"]),
        (&json!("unknown_topic"), &json!(7))
    );
    assert!(answers[0].to_string().len() < 500);
}

#[test]
fn a_ping_is_answered_with_its_id() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::all());
    rig.take(&mut session);
    let answers = ask(&mut rig, &mut session, &json!({"type": "ping", "id": 12}));
    assert_eq!((&answers[0]["type"], &answers[0]["id"]), (&json!("pong"), &json!(12)));
    assert_eq!((&answers[0]["seq"], &answers[0]["data"]), (&Value::Null, &json!({})));
}

#[test]
fn a_flood_is_refused_and_then_closed_and_does_not_fill_memory() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::all());
    rig.take(&mut session);
    let mut sent = 0;
    let close = loop {
        match session.receive(r#"{"type":"ping"}"#) {
            Ok(()) => sent += 1,
            Err(close) => break close,
        }
    };
    assert_eq!((sent, close), (100, Close::TOO_MANY_MESSAGES));
    let answers = rig.take(&mut session);
    assert_eq!(answers.iter().filter(|answer| answer.kind == Kind::Pong).count(), 50);
    assert_eq!(json_of(&answers[50])["data"]["code"], "rate_limited");
}

#[test]
fn a_burst_of_subscriptions_is_answered_though_none_was_read_yet() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::all());
    for _ in 0..60 {
        session.receive(r#"{"type":"subscribe","metrics":["beta"]}"#).unwrap();
    }
    let answers = rig.take(&mut session);
    let count = |kind| answers.iter().filter(|answer| answer.kind == kind).count();
    assert_eq!((count(Kind::Subscribed), count(Kind::Error)), (50, 10));
}

#[test]
fn a_client_that_sends_and_never_reads_is_closed() {
    let rig = Rig::new();
    let mut session = rig.open(&Wanted::all());
    let close = loop {
        rig.clock.advance(Duration::from_millis(50));
        if let Err(close) = session.receive(r#"{"type":"subscribe"}"#) {
            break close;
        }
    };
    assert_eq!(close, Close::TOO_SLOW);
}

#[test]
fn a_number_that_goes_back_within_an_interval_is_told_to_those_who_saw_it_gone() {
    let mut rig = Rig::new();
    let _other = rig.open(&Wanted::topics(["alpha"]));
    rig.tick();
    rig.tick();
    let mut session = rig.open(&Wanted::topics(["beta"]));
    rig.take(&mut session);
    rig.say("alpha", 1);
    rig.tenth();
    let subscribed =
        ask(&mut rig, &mut session, &json!({"type": "subscribe", "metrics": ["alpha"]}));
    assert_eq!(subscribed[1]["data"]["alpha"]["number"], 1);
    rig.say("alpha", 0);
    rig.tick();
    // For the other reader nothing has changed.
    assert_eq!(json_of(&rig.take(&mut session)[0])["data"]["alpha"]["number"], 0);
}

#[test]
fn a_snapshot_that_overtakes_an_update_is_followed_by_another_one() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    session.receive(r#"{"type":"subscribe","metrics":["beta"]}"#).unwrap();
    rig.say("alpha", 3);
    // The feed has taken the first of two samples, and not answered yet.
    for _ in 0..2 {
        rig.clock.advance(Duration::from_secs(1));
        rig.sampler.as_mut().unwrap().step();
    }
    assert!(rig.work_once());
    session.receive(r#"{"type":"subscribe","metrics":["gamma"]}"#).unwrap();
    rig.tick();
    let messages = rig.take(&mut session);
    assert!(seqs(&messages).is_sorted(), "{:?}", seqs(&messages));
    let last = messages.iter().rev().find(|message| json_of(message)["data"]["alpha"].is_object());
    assert_eq!(json_of(last.unwrap())["data"]["alpha"]["number"], 3);
}

#[test]
fn snapshots_of_many_sets_are_made_and_not_all_kept() {
    let mut rig = Rig::new();
    for number in 0..4 {
        let name: &'static str = format!("more-{number}").leak();
        let topic: &'static Topic = Box::leak(Box::new(Topic::new(name, name)));
        rig.registry.monitor(Arc::new(Probe(topic, rig.said.clone()))).unwrap();
    }
    rig.tick();
    let topics = rig.streaming.topics();
    let before = rig.encoded();
    for set in 1..1 << topics.len() {
        let of_set =
            |(place, topic): (usize, &&'static str)| (set >> place & 1 == 1).then_some(*topic);
        let wanted: Vec<_> = topics.iter().enumerate().filter_map(of_set).collect();
        let messages = rig.open_and_take(&Wanted::topics(wanted.clone()));
        let data = json_of(&messages[0])["data"].clone();
        assert_eq!(data.as_object().unwrap().len(), wanted.len());
    }
    assert_eq!(rig.encoded() - before, topics.len() as u64);
    assert_eq!(rig.feed.kept_snapshots(), 64);
}

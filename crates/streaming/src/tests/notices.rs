//! Alerts and findings, and going on after a break.

use super::*;

#[test]
fn alerts_reach_all_at_once_and_come_before_the_update_of_their_pass() {
    let mut rig = Rig::new();
    let mut slow = rig.open(&Wanted::topics(["alpha"]).interval("60000".parse().unwrap()));
    let mut quick = rig.open(&Wanted::topics(["beta"]));
    rig.take(&mut slow);
    rig.take(&mut quick);
    rig.alert(AlertCause::Fired, "Fire");
    rig.alert(AlertCause::Repeated, "Old");
    rig.alert(AlertCause::Resolved, "Flood");
    rig.tick();
    let alerts = rig.take(&mut slow);
    let kinds: Vec<_> = alerts.iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::Alert, Kind::Alert]);
    let seq = rig.registry.latest().pass;
    assert_eq!(
        (&json_of(&alerts[0])["data"]["name"], json_of(&alerts[0])["seq"].as_u64()),
        (&json!("Fire"), Some(seq))
    );
    let ids: Vec<_> = alerts.iter().map(|alert| alert.id.unwrap().to_string()).collect();
    assert!(
        ids[0].ends_with(&format!(":{seq}.1")) && ids[1].ends_with(&format!(":{seq}.2")),
        "{ids:?}"
    );
    let kinds: Vec<_> = rig.take(&mut quick).iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::Alert, Kind::Alert, Kind::Update]);
}

#[test]
fn findings_reach_those_who_subscribed_their_topic() {
    let mut rig = Rig::new();
    let mut alpha = rig.open(&Wanted::topics(["alpha"]));
    let mut beta = rig.open(&Wanted::topics(["beta"]));
    rig.take(&mut alpha);
    rig.take(&mut beta);
    rig.said.found.lock().unwrap().push("beta");
    rig.tick();
    let kinds: Vec<_> = rig.take(&mut alpha).iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::Update]);
    let finding = json_of(&rig.take(&mut beta)[0]);
    assert_eq!(finding["type"], "finding");
    let since = rig.registry.latest().at.as_millis();
    let data = json!({
        "topic": "beta", "code": "told", "component": "beta", "severity": "warning",
        "state": "raised", "observed": 0.0, "threshold": 0.0, "message": "it is told",
        "advice": "", "since": since,
    });
    assert_eq!(finding["data"], data);
    rig.said.found.lock().unwrap().clear();
    rig.tick();
    assert_eq!(json_of(&rig.take(&mut beta)[0])["data"]["state"], "cleared");
}

#[test]
fn more_alerts_than_can_wait_are_lost_and_told() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    for number in 0..70 {
        rig.alert(AlertCause::Fired, &format!("Alert{number}"));
        rig.tick();
    }
    let messages = rig.take(&mut session);
    let alerts = messages.iter().filter(|message| message.kind == Kind::Alert).count();
    let snapshot = messages.iter().find(|message| message.kind == Kind::Snapshot).unwrap();
    let missed = json_of(snapshot)["missedAlerts"].as_u64().unwrap();
    assert_eq!((alerts, missed), (64, 6));
    assert!(seqs(&messages).is_sorted());
}

#[test]
fn more_alerts_in_one_tick_than_can_wait_are_told_too() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    for number in 0..70 {
        rig.alert(AlertCause::Fired, &format!("Alert{number}"));
    }
    rig.tick();
    let messages = rig.take(&mut session);
    let alerts = messages.iter().filter(|message| message.kind == Kind::Alert).count();
    let missed: u64 =
        messages.iter().filter_map(|message| json_of(message)["missedAlerts"].as_u64()).sum();
    assert_eq!((alerts, missed), (64, 6));
    // The replay for those who come back has more room.
    let first = messages.iter().find(|message| message.kind == Kind::Alert).unwrap();
    assert_eq!(json_of(first)["data"]["name"], "Alert6");
}

#[test]
fn events_that_do_not_even_reach_the_stream_are_told_to_every_reader() {
    let mut rig = Rig::new();
    let mut sessions = [["alpha"], ["beta"]].map(|topics| rig.open(&Wanted::topics(topics)));
    sessions.iter_mut().for_each(|session| drop(rig.take(session)));
    let place = rig.registry.latest().pass;
    rig.alert(AlertCause::Fired, "Lost");
    // The aggregator keeps 64 ticks for a subscriber that is busy.
    for _ in 0..80 {
        rig.clock.advance(Duration::from_secs(1));
        rig.sampler.as_mut().unwrap().step();
    }
    rig.work();
    for session in &mut sessions {
        let messages = rig.take(session);
        assert!(messages.iter().all(|message| message.kind != Kind::Alert));
        let told = messages.iter().find(|message| json_of(message)["missedAlerts"].is_u64());
        let told = told.expect("a snapshot that says so");
        assert!(json_of(told)["missedAlerts"].as_u64().unwrap() >= 1, "{:?}", json_of(told));
        assert!(seqs(&messages).is_sorted());
    }
    // Who comes back from before that is told as well.
    let epoch = json_of(&rig.open_and_take(&Wanted::all())[0])["epoch"].clone();
    let cursor = format!("{}:{place}", epoch.as_str().unwrap());
    let again = rig.open_and_take(&Wanted::topics(["alpha"]).after(&cursor));
    assert_eq!(json_of(&again[0])["resumed"], false);
}

/// Opens a session, and lets the feed answer it, while the observers of a tick run: the sample of
/// the tick is published, and its events are not sent yet.
struct Between {
    streaming: Streaming,
    feed: Arc<Mutex<Feed>>,
    session: Arc<Mutex<Option<Session>>>,
}

impl Observer for Between {
    fn name(&self) -> &'static str {
        "between"
    }

    fn observe(&mut self, _: &Arc<Sample>, _: u64) -> Vec<Event> {
        let session = self.streaming.open(&Wanted::topics(["alpha"]), Transport::WebSocket);
        let mut feed = self.feed.lock().unwrap();
        let answered = pin!(feed.work()).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(answered, Poll::Ready(true));
        self.session.lock().unwrap().get_or_insert(session.unwrap());
        Vec::new()
    }
}

#[test]
fn a_snapshot_is_not_of_a_pass_whose_alerts_are_still_to_come() {
    let Rig { clock, registry, mut sampler, said, feed, streaming } = Rig::new();
    let (feed, session) = (Arc::new(Mutex::new(feed)), Arc::new(Mutex::new(None)));
    let between = Between { streaming, feed: feed.clone(), session: session.clone() };
    registry.observe(between).unwrap();
    let change = AlertChange::new(AlertCause::Fired, Arc::new(Alert::new("Fire", [])));
    said.alerts.lock().unwrap().push(change);
    clock.advance(Duration::from_secs(1));
    sampler.as_mut().unwrap().step();
    let mut session = session.lock().unwrap().take().expect("a session");
    let mut feed = feed.lock().unwrap();
    while pin!(feed.work()).poll(&mut Context::from_waker(Waker::noop())).is_ready() {}
    let mut messages = Vec::new();
    while let Poll::Ready(Ok(message)) = poll(&mut session) {
        messages.push((message.kind, json_of(&message)["seq"].as_u64().unwrap()));
    }
    let pass = registry.latest().pass;
    assert_eq!(messages, [(Kind::Snapshot, pass - 1), (Kind::Alert, pass)]);
}

#[test]
fn a_reader_that_comes_back_gets_the_alerts_in_between_and_no_message_twice() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.alert(AlertCause::Fired, "Before");
    rig.tick();
    let last = rig.take(&mut session).last().unwrap().id.unwrap();
    session.end();
    for name in ["One", "Two", "Three"] {
        rig.alert(AlertCause::Fired, name);
    }
    rig.tick();
    rig.tick();
    let mut again = rig.open(&Wanted::topics(["alpha"]).after(&last.to_string()));
    let messages = rig.take(&mut again);
    let kinds: Vec<_> = messages.iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::Alert, Kind::Alert, Kind::Alert, Kind::Snapshot]);
    assert_eq!(json_of(&messages[3])["resumed"], true);
    // Again from the middle of the alerts of one pass.
    let middle = messages[1].id.unwrap().to_string();
    let mut middle = rig.open(&Wanted::topics(["alpha"]).after(&middle));
    let messages = rig.take(&mut middle);
    assert_eq!(json_of(&messages[0])["data"]["name"], "Three");
    assert_eq!(messages.len(), 2);
}

#[test]
fn a_reader_that_has_the_newest_goes_on_with_what_comes() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.tick();
    let last = rig.take(&mut session).last().unwrap().id.unwrap();
    let mut again = rig.open(&Wanted::topics(["alpha"]).after(&last.to_string()));
    assert!(rig.take(&mut again).is_empty());
    rig.tick();
    assert_eq!(outline(&rig.take(&mut again)), [(Kind::Update, vec!["alpha".into()])]);
}

#[test]
fn a_reader_that_left_between_an_alert_and_its_update_gets_a_snapshot() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    rig.take(&mut session);
    rig.say("alpha", 3);
    rig.alert(AlertCause::Fired, "Only");
    rig.tick();
    let messages = rig.take(&mut session);
    let kinds: Vec<_> = messages.iter().map(|message| message.kind).collect();
    assert_eq!(kinds, [Kind::Alert, Kind::Update]);
    let alert = messages[0].id.unwrap().to_string();
    let mut again = rig.open(&Wanted::topics(["alpha"]).after(&alert));
    let messages = rig.take(&mut again);
    assert_eq!(outline(&messages), [(Kind::Snapshot, vec!["alpha".into()])]);
    assert_eq!(json_of(&messages[0])["data"]["alpha"]["number"], 3);
    assert_eq!(json_of(&messages[0])["resumed"], true);
}

#[test]
fn a_place_that_cannot_be_served_is_reset() {
    let mut rig = Rig::new();
    let mut session = rig.open(&Wanted::topics(["alpha"]));
    let first = rig.take(&mut session)[0].id.unwrap();
    // Those of the first ticks are not kept for so long.
    for number in 0..300 {
        rig.alert(AlertCause::Fired, &format!("Alert{number}"));
        rig.tick();
    }
    let seq = rig.registry.latest().pass;
    let epoch = first.to_string().split(':').next().unwrap().to_owned();
    for cursor in [first.to_string(), format!("{epoch}:{}", seq + 1), "1:2".into(), "ä".into()] {
        let mut again = rig.open(&Wanted::topics(["alpha"]).after(&cursor));
        let messages = rig.take(&mut again);
        assert_eq!(outline(&messages), [(Kind::Snapshot, vec!["alpha".into()])], "{cursor}");
        assert_eq!(json_of(&messages[0])["resumed"], false, "{cursor}");
        assert_eq!(messages[0].id.unwrap().to_string(), format!("{epoch}:{seq}"));
    }
}

//! Whatever happens, a reader that has taken all messages has the true picture.

use proptest::prelude::*;

use super::*;
use crate::Interval;

#[derive(Clone, Debug)]
enum Step {
    Say(usize, u64),
    Tenth,
    Find(usize),
    Alert,
    Subscribe(usize, u32),
    Unsubscribe(usize),
    Take,
    TakeOne,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_usize, 0..2_u64).prop_map(|(topic, number)| Step::Say(topic, number)),
        4 => Just(Step::Tenth),
        1 => (0..3_usize).prop_map(Step::Find),
        1 => Just(Step::Alert),
        1 => (0..3_usize, prop_oneof![Just(100), Just(300), Just(500), Just(1000)])
            .prop_map(|(topic, interval)| Step::Subscribe(topic, interval)),
        1 => (0..3_usize).prop_map(Step::Unsubscribe),
        2 => Just(Step::Take),
        2 => Just(Step::TakeOne),
    ]
}

/// The numbers that a client knows, by the rules of the protocol alone.
#[derive(Debug, Default)]
struct Client {
    topics: BTreeMap<String, u64>,
    seq: u64,
}

impl Client {
    fn take(&mut self, messages: &[Message]) {
        for message in messages {
            let body = json_of(message);
            if let Some(seq) = body["seq"].as_u64() {
                assert!(seq >= self.seq, "{seq} after {}", self.seq);
                self.seq = seq;
            }
            if matches!(message.kind, Kind::Snapshot | Kind::Update) {
                for (topic, body) in body["data"].as_object().unwrap() {
                    self.topics.insert(topic.clone(), body["number"].as_u64().unwrap());
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn a_reader_that_takes_all_has_the_true_picture(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut rig = Rig::new();
        let (mut session, mut client) = (rig.open(&Wanted::all()), Client::default());
        // Others keep sets of their own alive, or share the first one.
        let _others = [rig.open(&Wanted::all()), rig.open(&Wanted::topics(["alpha"]))];
        let mut subscribed: BTreeMap<_, _> =
            TOPICS.iter().map(|topic| (topic.name, Interval::default())).collect();
        for step in steps {
            match step {
                Step::Say(topic, number) => rig.say(TOPICS[topic].name, number),
                Step::Tenth => rig.tenth(),
                Step::Find(topic) => rig.said.found.lock().unwrap().push(TOPICS[topic].name),
                Step::Alert => rig.alert(AlertCause::Fired, "Fire"),
                Step::Subscribe(topic, interval) => {
                    let topic = TOPICS[topic].name;
                    let message = json!({"type": "subscribe", "metrics": [topic], "interval": interval});
                    if session.receive(&message.to_string()).is_err() {
                        return Ok(());
                    }
                    subscribed.insert(topic, Interval::from_millis(f64::from(interval)).unwrap());
                }
                Step::Unsubscribe(topic) => {
                    let topic = TOPICS[topic].name;
                    let message = json!({"type": "unsubscribe", "metrics": [topic]});
                    if session.receive(&message.to_string()).is_err() {
                        return Ok(());
                    }
                    subscribed.remove(topic);
                }
                Step::Take => {
                    let messages = rig.take(&mut session);
                    client.take(&messages);
                }
                Step::TakeOne => {
                    if let Poll::Ready(message) = poll(&mut session) {
                        client.take(&[message.unwrap()]);
                    }
                }
            }
        }
        // To the end of a second, at which all intervals are due, and 300 ms at the third.
        for _ in 0..40 {
            rig.tenth();
            let messages = rig.take(&mut session);
            client.take(&messages);
        }
        let numbers = rig.said.numbers.lock().unwrap().clone();
        for topic in subscribed.keys() {
            let number = numbers.get(topic).copied().unwrap_or_default();
            prop_assert_eq!(client.topics[*topic], number, "{}", topic);
        }
    }
}

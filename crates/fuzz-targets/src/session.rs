//! A client of the stream that says anything.

use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use node0_aggregator::Aggregator;
use node0_metrics_core::{
    Judgement, ManualClock, Monitor, Registry, Report, Topic, UnknownTarget, View,
};
use node0_streaming::{Close, EventId, Interval, Session, Streaming, Transport, Wanted};
use serde_json::{Value, json};

/// The codes of errors that docs/streaming.md names.
const CODES: [&str; 7] = [
    "invalid_json",
    "invalid_type",
    "unknown_type",
    "unknown_topic",
    "invalid_interval",
    "too_many_subscriptions",
    "rate_limited",
];

/// The messages that a session may have ready at once: an answer to each message of the burst and
/// the warnings beyond it, snapshots, and some updates.
const MOST_READY: usize = 400;

/// Opens a session by the first line, and sends each other line as a message.
///
/// The first line is a list of topics, an interval, and the id of a last event, with spaces between.
///
/// # Panics
///
/// Panics when an answer is not as documented, or the session holds too many.
pub fn session(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let Some(mut session) = open(lines.next().unwrap_or_default()) else { return };
    for line in lines {
        if let Err(close) = session.receive(line) {
            assert_eq!(close.code, 1008, "{close}");
            break;
        }
    }
    read_all(&mut session);
    session.end();
}

fn open(query: &str) -> Option<Session> {
    let mut words = query.split(' ');
    let topics = words.next().unwrap_or_default();
    let wanted = if topics.is_empty() { Wanted::all() } else { Wanted::topics(topics.split(',')) };
    let interval = words.next().and_then(|word| word.parse::<Interval>().ok());
    if let Some(interval) = interval {
        let millis = interval.as_millis();
        assert!((100..=60_000).contains(&millis) && millis % 100 == 0, "{millis}");
    }
    let wanted = interval.into_iter().fold(wanted, Wanted::interval);
    let id = words.next();
    if let Some(id) = id.and_then(|id| id.parse::<EventId>().ok()) {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let wanted = id.into_iter().fold(wanted, Wanted::after);
    stream().open(&wanted, Transport::WebSocket).ok()
}

/// Reads what is ready.
fn read_all(session: &mut Session) {
    let mut context = Context::from_waker(Waker::noop());
    for ready in 0.. {
        assert!(ready < MOST_READY, "a session holds too many messages");
        match pin!(session.next()).poll(&mut context) {
            Poll::Ready(Ok(message)) => check(message.kind.word(), message.json()),
            Poll::Ready(Err(close)) => return assert_eq!(close, Close::GOING_AWAY),
            Poll::Pending => return,
        }
    }
}

fn check(kind: &str, json: &[u8]) {
    let message: Value = serde_json::from_slice(json).expect("a message is JSON");
    assert_eq!(message["type"], kind);
    assert!(message["timestamp"].is_u64() && message.get("seq").is_some(), "{message}");
    assert!(message["data"].is_object(), "{message}");
    assert!(!json.contains(&b'\n'), "a message is one line");
    if kind == "error" {
        let code = message["data"]["code"].as_str().unwrap_or_default();
        assert!(CODES.contains(&code), "{message}");
    }
}

/// The stream of all runs, under a clock that stands still.
fn stream() -> &'static Streaming {
    static STREAM: OnceLock<Streaming> = OnceLock::new();
    STREAM.get_or_init(|| {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        for topic in &TOPICS {
            registry.monitor(std::sync::Arc::new(Fixed(topic))).expect("a free topic");
        }
        let aggregator = Aggregator::start(&registry).expect("a thread");
        let streaming = Streaming::builder().max_clients(1_000_000);
        let streaming = streaming.start(&registry, aggregator.subscribe()).expect("a thread");
        // They work until the process ends.
        std::mem::forget((clock, aggregator));
        streaming
    })
}

static TOPICS: [Topic; 3] =
    [Topic::new("cache", "cache"), Topic::new("database", "database"), Topic::new("x", "x")];

struct Fixed(&'static Topic);

impl Monitor for Fixed {
    fn topic(&self) -> &'static Topic {
        self.0
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        Judgement::healthy("it is fixed")
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(json!({ "number": 7 })))
    }
}

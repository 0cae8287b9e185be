//! Streams under a manual clock, without a thread: a test decides when the feed works.

mod fan_out;
mod notices;
mod properties;
mod sessions;
mod subscriptions;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use node0_aggregator::{Events, Sampler};
use node0_metrics_core::{
    Alert, AlertCause, AlertChange, Event, Finding, Judgement, ManualClock, Monitor, Observer,
    Registry, Report, Sample, Topic, UnknownTarget, View,
};
use serde_json::{Value, json};

use crate::feed::Feed;
use crate::{
    Close, Kind, Message, OpenError, Session, Streaming, StreamingBuilder, Transport, Wanted,
};

static TOPICS: [Topic; 3] =
    [Topic::new("alpha", "alpha"), Topic::new("beta", "beta"), Topic::new("gamma", "gamma")];

/// The answers of the monitors of a rig.
#[derive(Debug, Default)]
struct Said {
    /// The number in the body of each topic.
    numbers: Mutex<BTreeMap<&'static str, u64>>,
    /// The topics that have a finding.
    found: Mutex<Vec<&'static str>>,
    /// The alerts that are raised at the next tick.
    alerts: Mutex<Vec<AlertChange>>,
}

struct Probe(&'static Topic, Arc<Said>);

impl Monitor for Probe {
    fn topic(&self) -> &'static Topic {
        self.0
    }

    fn judge(&self, _: &View<'_>) -> Judgement {
        let judgement = Judgement::healthy("fine");
        if self.1.found.lock().unwrap().contains(&self.0.name) {
            return judgement.with(Finding::warning("told").message("it is told"));
        }
        judgement
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        let number = self.1.numbers.lock().unwrap().get(self.0.name).copied().unwrap_or_default();
        assert_ne!(number, u64::MAX, "a monitor that panics");
        Ok(Report::new(BTreeMap::from([("number", number)])))
    }
}

struct Alarm(Arc<Said>);

impl Observer for Alarm {
    fn name(&self) -> &'static str {
        "alarm"
    }

    fn observe(&mut self, _: &Arc<Sample>, _: u64) -> Vec<Event> {
        self.0.alerts.lock().unwrap().drain(..).map(Event::Alert).collect()
    }
}

/// A registry with three topics, and a stream whose feed works when the test says so.
struct Rig {
    clock: ManualClock,
    registry: Registry,
    sampler: Option<Sampler>,
    said: Arc<Said>,
    feed: Feed,
    streaming: Streaming,
}

impl Rig {
    fn new() -> Self {
        Self::with(Streaming::builder())
    }

    fn with(settings: StreamingBuilder) -> Self {
        let mut rig = Self::before_the_first_tick(settings);
        rig.tick();
        rig
    }

    fn before_the_first_tick(settings: StreamingBuilder) -> Self {
        let clock = ManualClock::new();
        let registry = Registry::builder().clock(clock.clock()).build();
        let said = Arc::<Said>::default();
        for topic in &TOPICS {
            registry.monitor(Arc::new(Probe(topic, said.clone()))).unwrap();
        }
        registry.observe(Alarm(said.clone())).unwrap();
        let sampler = Sampler::new(&registry).unwrap();
        let events: Events = sampler.subscribe();
        let (streaming, feed) = Streaming::prepare(settings, &registry, events).unwrap();
        Self { clock, registry, sampler: Some(sampler), said, feed, streaming }
    }

    fn say(&self, topic: &'static str, number: u64) {
        self.said.numbers.lock().unwrap().insert(topic, number);
    }

    fn alert(&self, cause: AlertCause, name: &str) {
        let change = AlertChange::new(cause, Arc::new(Alert::new(name, [])));
        self.said.alerts.lock().unwrap().push(change);
    }

    /// Takes the samples that are due in a tenth of a second.
    fn tenth(&mut self) {
        self.clock.advance(Duration::from_millis(100));
        let sampler = self.sampler.as_mut().unwrap();
        if self.clock.clock().uptime().subsec_millis() == 0 {
            sampler.step();
        } else {
            sampler.step_between();
        }
        self.work();
    }

    /// Goes on to the end of the tick, by ticks alone.
    fn tick(&mut self) {
        let into = Duration::from_nanos(u64::from(self.clock.clock().uptime().subsec_nanos()));
        self.clock.advance(Duration::from_secs(1) - into);
        self.sampler.as_mut().unwrap().step();
        self.work();
    }

    /// Lets the feed do all that it can.
    fn work(&mut self) {
        while self.work_once() {}
    }

    /// Lets the feed take one event or request; `false` if there is none.
    fn work_once(&mut self) -> bool {
        let work = pin!(self.feed.work());
        work.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(true)
    }

    fn open(&self, wanted: &Wanted) -> Session {
        self.streaming.open(wanted, Transport::WebSocket).unwrap()
    }

    /// Opens a session, and returns all messages that are there for it.
    fn open_and_take(&mut self, wanted: &Wanted) -> Vec<Message> {
        let mut session = self.open(wanted);
        self.take(&mut session)
    }

    /// Returns all messages that are there for a reader.
    fn take(&mut self, session: &mut Session) -> Vec<Message> {
        self.take_until_end(session).0
    }

    /// Returns all messages that are there, and the close that came after them.
    fn take_until_end(&mut self, session: &mut Session) -> (Vec<Message>, Option<Close>) {
        let mut taken = Vec::new();
        loop {
            match poll(session) {
                Poll::Ready(Ok(message)) => taken.push(message),
                Poll::Ready(Err(close)) => return (taken, Some(close)),
                Poll::Pending => {
                    self.work();
                    match poll(session) {
                        Poll::Ready(Ok(message)) => taken.push(message),
                        Poll::Ready(Err(close)) => return (taken, Some(close)),
                        Poll::Pending => return (taken, None),
                    }
                }
            }
        }
    }

    fn encoded(&self) -> u64 {
        let sample = self.registry.read();
        let family = sample.snapshot.family("node0_stream_topics_encoded_total").unwrap();
        match family.series().next().unwrap().1 {
            node0_metrics_core::Value::Counter(count) => count.total,
            other => panic!("{other:?}"),
        }
    }
}

fn poll(session: &mut Session) -> Poll<Result<Message, Close>> {
    pin!(session.next()).poll(&mut Context::from_waker(Waker::noop()))
}

fn json_of(message: &Message) -> Value {
    serde_json::from_slice(message.json()).unwrap()
}

/// The kinds of messages, each with the topics in its data.
fn outline(messages: &[Message]) -> Vec<(Kind, Vec<String>)> {
    let topics = |message: &Message| match message.kind {
        Kind::Snapshot | Kind::Update => {
            json_of(message)["data"].as_object().unwrap().keys().cloned().collect()
        }
        _ => Vec::new(),
    };
    messages.iter().map(|message| (message.kind, topics(message))).collect()
}

fn seqs(messages: &[Message]) -> Vec<u64> {
    messages.iter().filter_map(|message| json_of(message)["seq"].as_u64()).collect()
}

//! The thread that encodes: takes samples and events, and sends frames to the sessions.
//!
//! All state that decides what a frame holds belongs to this thread, so it needs no lock. It shares
//! with the sessions only the channels in [`Hub`]. Sessions ask it for snapshots and never wait for
//! it while they hold a lock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::sync::Arc;

use node0_aggregator::{Events, Pace, Received};
use node0_metrics_core::{Event, Registry, Sample};
use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::answer::{Answer, Request, Snapshot};
use crate::beat::{Sent, Subscriptions};
use crate::encoding::Encoding;
use crate::event_id::Place;
use crate::hub::{Channels, Hub};
use crate::interval::Interval;
use crate::message::{Kind, Text};
use crate::notice::{News, Notice};
use crate::notices::Notices;
use crate::rate::{BURST, MAX_MESSAGE_BYTES, MESSAGES_A_SECOND};

/// The most snapshots that are kept for further readers until the next pass, one for each set of
/// topics. One that is not kept is made again.
const MOST_SNAPSHOTS: usize = 64;

/// The state of the thread.
#[derive(Debug)]
pub(crate) struct Feed {
    hub: Arc<Hub>,
    incoming: Events,
    requests: UnboundedReceiver<Request>,
    /// Asks for samples as often as the sessions want updates.
    pace: Pace,
    /// The sample of the last pass. The registry may have a newer one, whose alerts are still to come.
    newest: Arc<Sample>,
    /// The last pass as JSON; `None` while there is no session.
    current: Option<Encoding>,
    /// The snapshots that were made of the last pass, by their topics.
    snapshots: HashMap<Vec<&'static str>, Text>,
    /// The last bodies that the readers with each interval got.
    sent: BTreeMap<Interval, Sent>,
    /// The events of the running tick.
    events: Vec<Event>,
    /// The events that were lost since the last pass.
    lost: u64,
    notices: Notices,
}

/// The limits on the requests of a client, as each snapshot states them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    min_interval: u16,
    max_interval: u16,
    interval_step: u16,
    message_bytes: usize,
    messages_per_second: u16,
    message_burst: u16,
    topics_per_message: usize,
}

impl Feed {
    pub(crate) fn new(
        hub: Arc<Hub>,
        incoming: Events,
        requests: UnboundedReceiver<Request>,
    ) -> Self {
        let mut notices = Notices::default();
        let newest = hub.registry.latest();
        // What happened before was not kept.
        notices.lost_until(Place::end_of(newest.pass));
        Self {
            pace: incoming.pace(),
            hub,
            newest,
            incoming,
            requests,
            current: None,
            snapshots: HashMap::new(),
            sent: BTreeMap::new(),
            events: Vec::new(),
            lost: 0,
            notices,
        }
    }

    /// Works until the aggregator ends, the stream is closed, or nobody can open a session any more.
    pub(crate) async fn run(mut self) {
        while !self.hub.is_closed() && self.work().await {}
    }

    /// Waits for something to do, and does it; `false` when nothing can come any more.
    pub(crate) async fn work(&mut self) -> bool {
        let hub = self.hub.clone();
        tokio::select! {
            biased;
            () = hub.closing.notified() => return false,
            received = self.incoming.recv() => match received {
                Some(received) => self.receive(received),
                None => return false,
            },
            request = self.requests.recv() => match request {
                Some(request) => self.answer(request),
                None => return false,
            },
        }
        true
    }

    #[cfg(test)]
    pub(crate) fn kept_snapshots(&self) -> usize {
        self.snapshots.len()
    }

    /// Takes an event; the sample of a tick comes after the other events of the tick.
    fn receive(&mut self, Received { event, missed, .. }: Received) {
        if missed > 0 {
            self.lost += missed + self.events.len() as u64;
            self.events.clear();
            self.notices.lost_until(Place::end_of(self.hub.registry.latest().pass));
            node0_log_relay::log(move || {
                tracing::warn!(
                    missed,
                    "the stream was too slow for its events: alerts may be lost"
                );
            });
        }
        match event {
            Event::Sample(sample) => self.pass(sample),
            Event::Alert(_) | Event::Finding(_) => self.events.push(event),
            _ => {}
        }
    }

    /// Sends what a sample brings to all sessions.
    fn pass(&mut self, sample: Arc<Sample>) {
        let hub = self.hub.clone();
        let events = mem::take(&mut self.events);
        let notices = Notice::of_tick(hub.epoch, &events, &sample);
        notices.iter().for_each(|notice| self.notices.push(notice.clone()));
        let mut news: Vec<_> = notices.into_iter().map(News::Notice).collect();
        // Every session then gets a snapshot that says so.
        news.extend((self.lost > 0).then(|| News::Lost(mem::take(&mut self.lost))));
        if hub.take_abandoned() {
            node0_log_relay::log(|| {
                tracing::warn!("streams ended without a close: their runtime was dropped");
            });
        }
        self.snapshots.clear();
        // Encoded without the lock: sessions may be opened meanwhile.
        let sets = hub.with_channels(|channels| channels.live_sets()).unwrap_or_default();
        let due = self.due(&sets, &sample);
        let topics: BTreeSet<_> = sets
            .iter()
            .flat_map(|set| set.iter())
            .filter_map(|(topic, interval)| due.contains(interval).then_some(*topic))
            .collect();
        self.newest = sample.clone();
        let mut encoding = Encoding::new(sample);
        encoding.encode(topics, &hub.metrics.encoded);
        hub.with_channels(|channels| {
            hub.notify(channels, news);
            for (set, beats) in &mut channels.sets {
                beats.put(&encoding, set, &due, &self.sent);
            }
        });
        if !hub.waking.hand_over() {
            hub.wake_sessions();
        }
        for interval in &due {
            let with_interval =
                sets.iter().flat_map(|set| set.iter()).filter(|(_, of)| *of == interval);
            let bodies = encoding.bodies(with_interval.map(|(topic, _)| *topic));
            if let Some(sent) = self.sent.get_mut(interval) {
                sent.note(bodies);
            }
        }
        self.current = (!sets.is_empty()).then_some(encoding);
        self.pace();
    }

    /// Returns the intervals that are due, and forgets those that nobody has any more.
    fn due(&mut self, sets: &[Arc<Subscriptions>], sample: &Sample) -> Vec<Interval> {
        let live: BTreeSet<Interval> = sets.iter().flat_map(|set| set.values()).copied().collect();
        self.sent.retain(|interval, _| live.contains(interval));
        let mut due = Vec::new();
        for interval in live {
            let sent = self.sent.entry(interval);
            let sent = sent.or_insert_with(|| Sent::before(interval, sample.uptime));
            if sent.is_due(interval, sample.uptime) {
                due.push(interval);
            }
        }
        due
    }

    /// Asks for samples at these intervals too, of which the next multiple is due.
    fn expect(&mut self, intervals: &[Interval]) {
        let uptime = self.hub.registry.clock().uptime();
        let known = self.sent.len();
        for interval in intervals {
            self.sent.entry(*interval).or_insert_with(|| Sent::before(*interval, uptime));
        }
        if self.sent.len() > known {
            self.pace();
        }
    }

    /// Asks for samples at all intervals that somebody has.
    fn pace(&self) {
        self.pace.set(self.sent.keys().copied().map(Interval::duration));
    }

    /// Answers a session that wants a snapshot.
    fn answer(&mut self, Request { topics, intervals, after, reply }: Request) {
        let hub = self.hub.clone();
        let newest = current(&self.newest, &hub.registry);
        let counts_no_more = |current: &mut Encoding| {
            hub.registry.is_stale(&current.sample) && !Arc::ptr_eq(&current.sample, &newest)
        };
        if self.current.take_if(counts_no_more).is_some() {
            self.snapshots.clear();
        }
        let encoding = self.current.get_or_insert_with(|| Encoding::new(newest));
        let instant = encoding.instant();
        let text = self.snapshots.get(&topics).cloned().unwrap_or_else(|| {
            encoding.encode(topics.iter().copied(), &hub.metrics.encoded);
            let bodies = encoding.bodies(topics.iter().copied());
            instant.text(Kind::Snapshot, &about(&hub), &bodies)
        });
        if self.snapshots.len() < MOST_SNAPSHOTS {
            self.snapshots.insert(topics, text.clone());
        }
        let replay = after.filter(|place| place.seq <= instant.seq);
        let replay = replay.and_then(|place| self.notices.after(place));
        let Some(notices) = hub.with_channels(|channels| channels.notices.subscribe()) else {
            return;
        };
        self.expect(&intervals);
        // It fails if the session is gone, which is fine.
        let _ = reply.send(Answer { snapshot: Snapshot { instant, text }, notices, replay });
    }
}

/// Ends all sessions when the thread ends, also if it panics: they would wait for ever.
impl Drop for Feed {
    fn drop(&mut self) {
        self.hub.close();
    }
}

impl Channels {
    /// Returns the sets of subscriptions that sessions have, and forgets the others.
    fn live_sets(&mut self) -> Vec<Arc<Subscriptions>> {
        self.sets.retain(|_, beats| beats.has_readers());
        self.sets.keys().cloned().collect()
    }
}

/// The last sample, or a fresh one before the first tick; without health while sampling stands still.
fn current(newest: &Arc<Sample>, registry: &Registry) -> Arc<Sample> {
    if newest.pass == 0 {
        registry.read()
    } else if registry.is_stale(newest) {
        registry.latest()
    } else {
        newest.clone()
    }
}

/// The fields of a snapshot that say what can be asked for.
fn about(hub: &Hub) -> String {
    let limits = Limits {
        min_interval: Interval::STEP_MILLIS,
        max_interval: Interval::LONGEST_MILLIS,
        interval_step: Interval::STEP_MILLIS,
        message_bytes: MAX_MESSAGE_BYTES,
        messages_per_second: MESSAGES_A_SECOND,
        message_burst: BURST,
        topics_per_message: hub.settings.max_topics,
    };
    // Neither can fail: they are numbers and strings.
    let limits = serde_json::to_string(&limits).unwrap_or_default();
    let topics = serde_json::to_string(&hub.topics()).unwrap_or_default();
    let epoch = hub.epoch;
    format!("\"protocol\":\"1.0\",\"epoch\":\"{epoch:x}\",\"topics\":{topics},\"limits\":{limits},")
}

//! The state that sessions and the thread that encodes share.
//!
//! Updates go through one watch channel for each set of subscriptions, which holds the newest update
//! alone. Alerts and findings go through one broadcast channel. The lock is held to subscribe and to
//! send, and never while a monitor writes its report.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use node0_metrics_core::{Registry, lock};
use tokio::sync::{Notify, Semaphore, broadcast, watch};

use crate::beat::{Beat, Beats, Readers, Subscriptions};
use crate::fan_out::Waking;
use crate::metrics::Metrics;
use crate::notice::News;
use crate::settings::StreamingBuilder;

/// The most alerts and findings that wait for a reader that is slow.
const WAITING_NOTICES: usize = 64;

/// The state that sessions and the thread that encodes share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) registry: Registry,
    pub(crate) settings: StreamingBuilder,
    pub(crate) metrics: Metrics,
    /// A random number, which tells the starts of a service apart.
    pub(crate) epoch: u64,
    /// A permit for each session that may be opened.
    pub(crate) places: Arc<Semaphore>,
    /// The alerts and findings that were sent, so that a session sees without a lock whether there
    /// are new ones.
    pub(crate) noticed: AtomicU64,
    /// `true` if a session was dropped and not ended, or the runtime of the sessions was.
    pub(crate) abandoned: AtomicBool,
    /// `None` once the stream is closed.
    channels: Mutex<Option<Channels>>,
    /// Wakes the thread that encodes when the stream is closed.
    pub(crate) closing: Notify,
    pub(crate) waking: Waking,
}

/// The channels to the sessions.
#[derive(Debug)]
pub(crate) struct Channels {
    pub(crate) notices: broadcast::Sender<News>,
    /// The beats of each set of subscriptions that somebody has.
    pub(crate) sets: HashMap<Arc<Subscriptions>, Beats>,
}

/// A set of subscriptions, its updates, and the number of the last one before.
pub(crate) type Joined = (Arc<Subscriptions>, watch::Receiver<Option<Arc<Beat>>>, u64);

impl Hub {
    pub(crate) fn new(settings: StreamingBuilder, registry: &Registry, metrics: Metrics) -> Self {
        let channels =
            Channels { notices: broadcast::Sender::new(WAITING_NOTICES), sets: HashMap::new() };
        Self {
            registry: registry.clone(),
            epoch: RandomState::new().hash_one(()),
            places: Arc::new(Semaphore::new(settings.max_clients)),
            settings,
            metrics,
            noticed: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
            channels: Mutex::new(Some(channels)),
            closing: Notify::new(),
            waking: Waking::default(),
        }
    }

    /// The names of all topics.
    pub(crate) fn topics(&self) -> Vec<&'static str> {
        self.registry.topics().into_iter().map(|topic| topic.name).collect()
    }

    /// Subscribes to the updates of a set; `None` once the stream is closed.
    pub(crate) fn join(&self, set: Subscriptions) -> Option<Joined> {
        let mut channels = lock(&self.channels);
        let sets = &mut channels.as_mut()?.sets;
        // All sessions of a set share one copy of it.
        let known = sets.get_key_value(&set).map(|(known, _)| known.clone());
        let set = known.unwrap_or_else(|| Arc::new(set));
        let (updates, last) = sets.entry(set.clone()).or_insert_with(Beats::new).subscribe();
        Some((set, updates, last))
    }

    /// Calls `act` with the channels to the sessions; `None` once the stream is closed.
    pub(crate) fn with_channels<T>(&self, act: impl FnOnce(&mut Channels) -> T) -> Option<T> {
        lock(&self.channels).as_mut().map(act)
    }

    /// Ends all sessions.
    pub(crate) fn close(&self) {
        *lock(&self.channels) = None;
        self.closing.notify_one();
        self.waking.request();
    }

    /// Hands alerts and findings to all sessions, which see them when they are woken.
    pub(crate) fn notify(&self, channels: &mut Channels, news: Vec<News>) {
        let count = news.len() as u64;
        if count == 0 {
            return;
        }
        for item in news {
            // It fails if there is no session, which is fine.
            let _ = channels.notices.send(item);
        }
        // Counted before the sessions wake, so that each finds them.
        self.noticed.fetch_add(count, Ordering::Release);
        channels.sets.values_mut().for_each(Beats::note_news);
    }

    /// Wakes the sessions that have something new; `false` once the stream is closed.
    pub(crate) fn wake_sessions(&self) -> bool {
        let take = |channels: &mut Channels| {
            channels.sets.values_mut().filter_map(Beats::take_news).collect::<Vec<_>>()
        };
        // Thousands are woken without the lock, so that sessions can be opened meanwhile.
        let readers = self.with_channels(take);
        readers.map(|readers| readers.iter().for_each(Readers::wake)).is_some()
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.channels).is_none()
    }

    pub(crate) fn take_abandoned(&self) -> bool {
        self.abandoned.swap(false, Ordering::Relaxed)
    }
}

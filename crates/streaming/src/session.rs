//! The stream of one reader.
//!
//! Four sources bring messages: answers to the client, snapshots that were asked for, alerts and
//! findings, and updates. The session merges them by the number of their pass, so that a reader never
//! sees an older number after a newer one. It keeps no updates: the newest one is in the channel of
//! the [`Hub`], and a reader that missed some asks for a snapshot.

mod conversation;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use node0_metrics_core::InFlight;
use tokio::sync::broadcast::{self, error::TryRecvError};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::answer::{Answer, Remarks, Request, Snapshot};
use crate::beat::{Beat, Subscriptions};
use crate::event_id::Place;
use crate::hub::Hub;
use crate::message::{Close, Message};
use crate::notice::{News, Notice};
use crate::rate::Rate;

/// The stream of one reader: takes what a client says, and returns what it gets.
///
/// Messages come in the order of their pass, which never goes down: see [`EventId`](crate::EventId).
#[derive(Debug)]
pub struct Session {
    hub: Arc<Hub>,
    requests: UnboundedSender<Request>,
    set: Arc<Subscriptions>,
    beats: watch::Receiver<Option<Arc<Beat>>>,
    /// The pass of the last message that had one.
    seq: u64,
    /// The number of the last beat that the reader got, or had before it joined the set.
    seen: u64,
    /// The topics of which the reader gets the next update whole, since it is new to them.
    fresh: Vec<&'static str>,
    /// `None` until the first snapshot.
    notices: Option<broadcast::Receiver<News>>,
    /// The number of notices up to which all were received.
    noticed: u64,
    /// A notice that was received, and waits for messages before it; rare, so it has no room until then.
    notice: Option<Box<Notice>>,
    /// Updates and notices that the reader was too slow for, and was not told of yet.
    missed: u64,
    missed_notices: u64,
    /// Messages and snapshots that wait, and go before alerts and updates of later passes.
    queue: VecDeque<Queued>,
    rate: Rate,
    is_ended: bool,
    _counted: (OwnedSemaphorePermit, InFlight),
}

/// The place at which a session starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Anew,
    /// It goes on after this place.
    After(Place),
    /// It wants to go on after a place that is not in this epoch.
    Lost,
}

/// An entry of a session's queue.
#[derive(Debug)]
enum Queued {
    Message(Message),
    /// A snapshot that was asked for.
    Asked(oneshot::Receiver<Answer>, Purpose),
    /// A snapshot that was made; `resumed` is for the first one of a session with a cursor.
    Made {
        snapshot: Snapshot,
        purpose: Purpose,
        resumed: Option<bool>,
    },
}

/// The reason for which a snapshot is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Start(Start),
    /// The client has subscribed to some topics.
    Topics,
    /// The reader was too slow.
    CatchUp,
}

impl Session {
    /// Opens a session; `None` if the stream is closed.
    pub(crate) fn open(
        hub: Arc<Hub>,
        requests: UnboundedSender<Request>,
        set: Subscriptions,
        start: Start,
        counted: (OwnedSemaphorePermit, InFlight),
    ) -> Option<Self> {
        let (set, beats, seen) = hub.join(set)?;
        let mut session = Self {
            hub,
            requests,
            fresh: set.keys().copied().collect(),
            set,
            beats,
            seq: 0,
            seen,
            notices: None,
            noticed: 0,
            notice: None,
            missed: 0,
            missed_notices: 0,
            queue: VecDeque::new(),
            rate: Rate::default(),
            is_ended: false,
            _counted: counted,
        };
        session.ask(session.set.keys().copied().collect(), Purpose::Start(start));
        Some(session)
    }

    /// Ends the session in order.
    ///
    /// A session that is dropped instead, as with its runtime, is reported in the log.
    pub fn end(mut self) {
        self.is_ended = true;
    }

    /// Waits for the next message to the reader.
    ///
    /// Cancel safe: a message that was not returned is returned by the next call.
    ///
    /// # Errors
    /// [`Close`] when the stream has ended: close the connection.
    pub async fn next(&mut self) -> Result<Message, Close> {
        loop {
            if let Some(Queued::Asked(answer, purpose)) = self.queue.front_mut() {
                let (answer, purpose) = (answer.await, *purpose);
                let answer = answer.map_err(|_| self.closed(Close::GOING_AWAY))?;
                self.queue.pop_front();
                self.take_answer(answer, purpose);
            }
            self.take_notice();
            if let Some(message) = self.ready() {
                self.seq = message.id.map_or(self.seq, |id| id.place.seq);
                return Ok(message);
            }
            if self.queue.is_empty() {
                self.wait().await?;
            }
        }
    }

    fn closed(&mut self, close: Close) -> Close {
        self.is_ended = true;
        close
    }

    /// Waits for something new.
    async fn wait(&mut self) -> Result<(), Close> {
        if self.queue.capacity() > 0 {
            // Most sessions wait for an update, and need no room for answers until they end.
            self.queue = VecDeque::new();
        }
        // Looked at again, since the wake for a notice may have come with the last update.
        let has_notices = self.hub.noticed.load(Ordering::Acquire) != self.noticed;
        if !has_notices && self.beats.changed().await.is_err() {
            return Err(self.closed(Close::GOING_AWAY));
        }
        Ok(())
    }

    /// Takes the next notice that is there already.
    fn take_notice(&mut self) {
        let noticed = self.hub.noticed.load(Ordering::Acquire);
        while self.notice.is_none() && self.noticed != noticed {
            match self.notices.as_mut().map(broadcast::Receiver::try_recv) {
                Some(Ok(News::Notice(notice))) => self.keep(notice),
                Some(Ok(News::Lost(count))) => self.lag(count),
                Some(Err(TryRecvError::Lagged(missed))) => self.lag(missed),
                Some(Err(TryRecvError::Empty | TryRecvError::Closed)) | None => {
                    self.noticed = noticed;
                }
            }
        }
    }

    /// Keeps a notice that the reader wants.
    fn keep(&mut self, notice: Notice) {
        self.notice = self.wants(&notice).then(|| Box::new(notice));
    }

    fn wants(&self, notice: &Notice) -> bool {
        notice.topic.is_none_or(|topic| self.set.contains_key(topic))
    }

    /// Notes that notices were lost.
    fn lag(&mut self, missed: u64) {
        self.missed_notices += missed;
        self.catch_up();
    }

    /// Takes the answer to a request for a snapshot.
    fn take_answer(&mut self, answer: Answer, purpose: Purpose) {
        let Answer { snapshot, notices, replay } = answer;
        self.notices.get_or_insert(notices);
        let (is_newest, resumed) = match purpose {
            Purpose::Start(Start::After(place)) => {
                let resumed = replay.is_some();
                (resumed && place == Place::end_of(snapshot.instant.seq), Some(resumed))
            }
            Purpose::Start(Start::Lost) => (false, Some(false)),
            Purpose::Start(Start::Anew) | Purpose::Topics | Purpose::CatchUp => (false, None),
        };
        if !is_newest {
            self.queue.push_front(Queued::Made { snapshot, purpose, resumed });
        }
        for notice in replay.into_iter().flatten().rev() {
            if self.wants(&notice) {
                self.queue.push_front(Queued::Message(notice.message()));
            }
        }
    }

    /// Returns the message that is next in order, if one is there.
    ///
    /// Of several the one of the earliest pass is next, and of one pass the alerts and findings.
    fn ready(&mut self) -> Option<Message> {
        let first = match self.queue.front() {
            Some(Queued::Made { snapshot, .. }) => Some(snapshot.instant.seq),
            Some(Queued::Message(Message { id: Some(id), .. })) => Some(id.place.seq),
            // An answer to the client, which is of no pass.
            Some(Queued::Message(_)) => return self.take_first(),
            Some(Queued::Asked(..)) => return None,
            None => None,
        };
        let notice = self.notice.as_ref().map(|notice| notice.id.place.seq);
        // Mostly there is nothing but the update.
        let Some(earliest) = [notice, first].into_iter().flatten().min() else {
            return self.update_or_catch_up();
        };
        if self.new_beat().is_some_and(|beat| beat < earliest) {
            self.update_or_catch_up()
        } else if notice == Some(earliest) {
            self.notice.take().map(|notice| notice.message())
        } else {
            self.take_first()
        }
    }

    /// Takes the message or the snapshot that comes before all that is new.
    fn take_first(&mut self) -> Option<Message> {
        match self.queue.pop_front()? {
            Queued::Message(message) => self.in_order(message),
            Queued::Made { snapshot, purpose, resumed } => {
                Some(self.snapshot(&snapshot, purpose, resumed))
            }
            Queued::Asked(..) => None,
        }
    }

    /// Returns a message that has waited, unless a later snapshot has overtaken it.
    fn in_order(&mut self, message: Message) -> Option<Message> {
        if message.id.is_some_and(|id| id.place.seq < self.seq) {
            // That snapshot may be of other topics, so one of all topics is asked for.
            self.missed += 1;
            self.catch_up();
            return None;
        }
        Some(message)
    }

    /// The pass of an update that the reader did not get yet.
    fn new_beat(&self) -> Option<u64> {
        let beat = self.beats.borrow();
        beat.as_ref().filter(|beat| beat.number > self.seen).map(|beat| beat.instant.seq)
    }

    /// Returns the update that is new, if there is one; notes it as missed if there were some before.
    fn update(&mut self) -> Option<Message> {
        let beat = self.beats.borrow_and_update();
        let beat = beat.as_ref().filter(|beat| beat.number > self.seen)?;
        let unseen = beat.number - self.seen;
        self.seen = beat.number;
        if unseen > 1 {
            self.missed += unseen;
            return None;
        }
        let is_fresh = beat.topics().any(|topic| self.fresh.contains(&topic));
        self.fresh.retain(|fresh| beat.topics().all(|topic| topic != *fresh));
        let epoch = self.hub.epoch;
        Some(if is_fresh { beat.complete(epoch) } else { beat.changed(epoch) })
    }

    fn update_or_catch_up(&mut self) -> Option<Message> {
        let update = self.update();
        if self.missed > 0 {
            self.catch_up();
        }
        update
    }

    fn snapshot(
        &mut self,
        snapshot: &Snapshot,
        purpose: Purpose,
        resumed: Option<bool>,
    ) -> Message {
        let mut remarks = Remarks { resumed, ..Remarks::default() };
        if purpose != Purpose::Topics {
            // It stands for all updates up to its pass.
            let before = self.seen;
            if let Some(beat) = &*self.beats.borrow_and_update()
                && beat.instant.seq <= snapshot.instant.seq
            {
                self.seen = self.seen.max(beat.number);
            }
            self.fresh = self.set.keys().copied().collect();
            if purpose == Purpose::CatchUp {
                let unsent = mem::take(&mut self.missed) + (self.seen - before);
                // It stands for the last one.
                remarks.missed = unsent.saturating_sub(1);
                remarks.missed_notices = mem::take(&mut self.missed_notices);
                self.hub.metrics.missed.add(remarks.missed);
            }
        }
        snapshot.message(self.hub.epoch, remarks)
    }

    fn catch_up(&mut self) {
        let is_asked = |queued: &Queued| {
            matches!(
                queued,
                Queued::Asked(_, Purpose::CatchUp) | Queued::Made { purpose: Purpose::CatchUp, .. }
            )
        };
        if !self.queue.iter().any(is_asked) {
            self.ask(self.set.keys().copied().collect(), Purpose::CatchUp);
        }
    }

    fn ask(&mut self, topics: Vec<&'static str>, purpose: Purpose) {
        let (reply, answer) = oneshot::channel();
        let after = match purpose {
            Purpose::Start(Start::After(place)) => Some(place),
            _ => None,
        };
        let intervals = self.set.values().copied().collect();
        // It fails if the stream is closed, and then so does waiting for the answer.
        let _ = self.requests.send(Request { topics, intervals, after, reply });
        self.queue.push_back(Queued::Asked(answer, purpose));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.is_ended {
            self.hub.abandoned.store(true, Ordering::Relaxed);
        }
    }
}

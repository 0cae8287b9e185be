//! A sample: the result of one pass over a registry, shared by all readers.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::judging::assessment::Assessment;
use crate::judging::health::{Overall, TopicHealth};
use crate::judging::report::{ReportError, TopicReport};
use crate::judging::started::{Started, finish_all, finish_all_within};
use crate::judging::topic::Topic;
use crate::judging::watched::Watched;
use crate::naming::series_id::SeriesId;
use crate::reading::histogram::Histogram;
use crate::reading::snapshot::{Count, Snapshot, Value};
use crate::recording::counter::Counter;
use crate::recording::distribution::Distribution;
use crate::recording::gauge::Gauge;
use crate::recording::hit_ratio::HitRatio;
use crate::recording::latency::Latency;
use crate::recording::peak::Peak;
use crate::recording::up_down::UpDown;

/// The result of one pass, with the published health.
#[derive(Clone)]
#[non_exhaustive]
pub struct Sample {
    /// The number of the pass; it never goes down.
    pub pass: u64,
    /// The number of the last tick that has ended: the one that ended with this sample if
    /// [`is_tick_end`](Self::is_tick_end). The first has the number 1; before it ends, this is zero.
    ///
    /// All deltas of the sample, [`Count::delta`] and [`Histogram::delta`], are those of this tick.
    pub tick: u64,
    /// The time that this tick lasted; zero before the first has ended.
    pub tick_span: Duration,
    /// `true` if a tick ended with this sample; `false` for a fresh read between ticks, whose
    /// totals and windows also include the running tick.
    pub is_tick_end: bool,
    /// The wall time of the pass.
    pub at: Timestamp,
    /// The time since the registry was made.
    pub uptime: Duration,
    /// The [uptime](Self::uptime) at which its health was judged: the end of the last tick.
    pub judged: Duration,
    /// All numbers.
    pub snapshot: Snapshot,
    /// The published health of each topic, in the order of registration.
    ///
    /// It is unknown if the last tick had ended more than three ticks, and a second, before.
    pub topics: Arc<[TopicHealth]>,
    pub(crate) monitors: Arc<[Arc<Watched>]>,
}

impl Sample {
    /// The sample as monitors read it.
    pub fn view(&self) -> View<'_> {
        View { snapshot: &self.snapshot, at: self.at, uptime: self.uptime, topics: &self.topics }
    }

    /// Returns the report of a topic; with a `target`, that of this instance.
    ///
    /// The monitor makes it on a worker thread, and the caller waits for it with a timeout, by
    /// default of 5 s. The body is still code of the monitor: use [`Self::report_with`] if a hang
    /// or a panic while it is serialised or dropped must not reach the caller.
    ///
    /// # Errors
    /// [`ReportError`] for an unknown topic or target, and if the monitor panics or does not
    /// return in time.
    pub fn report(
        self: &Arc<Self>,
        topic: &str,
        target: Option<&str>,
    ) -> Result<TopicReport, ReportError> {
        self.report_with(topic, target, |report| report)
    }

    /// Writes the report of a topic, as [`Self::report`] makes it, into whatever `write` returns.
    ///
    /// `write` runs on the same thread and within the same limit, so that a body that panics or
    /// hangs while it is serialised does no harm to the caller.
    ///
    /// ```
    /// # use node0_metrics_core::{Judgement, Monitor, Registry, Report, Topic, UnknownTarget, View};
    /// # use std::sync::Arc;
    /// # static TOPIC: Topic = Topic::new("queue", "queue");
    /// # struct Queue;
    /// # impl Monitor for Queue {
    /// #     fn topic(&self) -> &'static Topic { &TOPIC }
    /// #     fn judge(&self, _: &View<'_>) -> Judgement { Judgement::healthy("") }
    /// #     fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
    /// #         Ok(Report::new(()))
    /// #     }
    /// # }
    /// # let registry = Registry::new();
    /// # registry.monitor(Arc::new(Queue))?;
    /// let sample = registry.read();
    /// let json = sample.report_with("queue", None, |report| serde_json::to_string(&report))??;
    /// assert!(json.starts_with("{\"timestamp\":"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::report`], also when `write` panics or does not return.
    pub fn report_with<T: Send + 'static>(
        self: &Arc<Self>,
        topic: &str,
        target: Option<&str>,
        write: impl FnOnce(TopicReport) -> T + Send + 'static,
    ) -> Result<T, ReportError> {
        let Some(watched) = self.monitors.iter().find(|watched| watched.topic.name == topic) else {
            let known = self.monitors.iter().map(|watched| watched.topic.name).collect();
            return Err(ReportError::UnknownTopic { topic: topic.to_owned(), known });
        };
        let made = watched.report(self, target, write).and_then(Started::finish);
        ReportError::from_call(watched.topic, made)
    }

    /// Writes the reports of all topics, in the order in which their monitors were registered.
    ///
    /// As [`Self::report_with`] for each of them, but all monitors are waited for together:
    /// several that hang cost one timeout.
    pub fn reports_with<T: Send + 'static>(
        self: &Arc<Self>,
        write: impl FnOnce(TopicReport) -> T + Clone + Send + 'static,
    ) -> Vec<(&'static Topic, Result<T, ReportError>)> {
        let topics = self.monitors.iter().map(|watched| watched.topic);
        let calls = self.monitors.iter().map(|watched| watched.report(self, None, write.clone()));
        let made = topics.zip(finish_all(calls));
        made.map(|(topic, made)| (topic, ReportError::from_call(topic, made))).collect()
    }

    /// Writes the reports of some topics, and waits for all of them together, up to `patience`.
    ///
    /// As [`Self::report_with`] for each of them. A topic that no monitor has is left out. A
    /// report that is not there in time counts as hung: it is not asked for again until it returns.
    pub fn reports_within<T: Send + 'static>(
        self: &Arc<Self>,
        topics: &[&str],
        patience: Duration,
        write: impl FnOnce(TopicReport) -> T + Clone + Send + 'static,
    ) -> Vec<(&'static Topic, Result<T, ReportError>)> {
        let wanted = self.monitors.iter().filter(|watched| topics.contains(&watched.topic.name));
        let calls = wanted.clone().map(|watched| watched.report(self, None, write.clone()));
        let made = wanted.map(|watched| watched.topic).zip(finish_all_within(patience, calls));
        made.map(|(topic, made)| (topic, ReportError::from_call(topic, made))).collect()
    }

    /// The topics of the monitors, in the order in which they were registered.
    pub fn monitored(&self) -> impl Iterator<Item = &'static Topic> {
        self.monitors.iter().map(|watched| watched.topic)
    }

    /// Computes the health of all topics together.
    pub fn overall(&self) -> Overall {
        Overall::of(self.topics.iter())
    }
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample")
            .field("pass", &self.pass)
            .field("tick", &self.tick)
            .field("at", &self.at)
            .field("series", &self.snapshot.values.len())
            .finish_non_exhaustive()
    }
}

/// Access to a sample's numbers by the handles that recorded them.
///
/// A handle that is disabled, or was registered after the sample, reads as zero, or as `None`
/// where the type allows it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) at: Timestamp,
    pub(crate) uptime: Duration,
    pub(crate) topics: &'a [TopicHealth],
}

impl<'a> View<'a> {
    /// The wall time of the sample.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The time since the registry was made.
    pub fn uptime(&self) -> Duration {
        self.uptime
    }

    /// Returns the same numbers with another published health.
    pub(crate) fn with_topics(self, topics: &'a [TopicHealth]) -> Self {
        Self { topics, ..self }
    }

    /// The sample's numbers by name.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The published health of a topic and of its instances; `None` before its first judgement.
    pub fn health(&self, topic: &Topic) -> Option<&'a TopicHealth> {
        self.topics.iter().find(|health| health.topic.name == topic.name)
    }

    /// The published health of one instance of a topic; unknown before it was judged.
    pub fn component_health(&self, topic: &Topic, name: &str) -> Assessment {
        let not_judged = || Assessment::unknown("not judged yet");
        self.health(topic).map_or_else(not_judged, |health| health.worst_of([name]))
    }

    /// A counter's total, its delta and its recent count.
    pub fn count(&self, counter: &Counter) -> Count {
        match self.value(counter.series_id()) {
            Some(Value::Counter(count)) => *count,
            _ => Count::default(),
        }
    }

    /// A counter's total.
    pub fn counter(&self, counter: &Counter) -> u64 {
        self.count(counter).total
    }

    /// A counter's rate per second over the last ten whole ticks.
    pub fn rate(&self, counter: &Counter) -> Option<f64> {
        self.count(counter).rate()
    }

    /// A gauge's value; `None` if it is unknown, which is set as NaN.
    pub fn gauge(&self, gauge: &Gauge) -> Option<f64> {
        self.number(gauge.series_id()).filter(|value| !value.is_nan())
    }

    /// A level.
    pub fn level(&self, level: &UpDown) -> u64 {
        self.number(level.series_id()).map_or(0, |level| level as u64)
    }

    /// The highest level of the last minute.
    pub fn peak(&self, peak: &Peak) -> u64 {
        self.number(peak.series_id()).map_or(0, |peak| peak as u64)
    }

    /// The totals and the window of a latency.
    pub fn latency(&self, latency: &Latency) -> Option<&'a Histogram> {
        self.histogram(latency.series_id())
    }

    /// The totals and the window of a distribution.
    pub fn distribution(&self, distribution: &Distribution) -> Option<&'a Histogram> {
        self.histogram(distribution.series_id())
    }

    /// The share of hits over the last ten whole ticks; `None` without lookups in them.
    pub fn hit_ratio(&self, ratio: &HitRatio) -> Option<f64> {
        let (hits, misses) = (self.count(&ratio.hits).recent, self.count(&ratio.misses).recent);
        share(hits, misses)
    }

    /// The share of hits since the start; `None` without lookups.
    pub fn hit_ratio_total(&self, ratio: &HitRatio) -> Option<f64> {
        share(self.counter(&ratio.hits), self.counter(&ratio.misses))
    }

    fn number(&self, id: Option<SeriesId>) -> Option<f64> {
        match self.value(id)? {
            Value::Gauge(value) => Some(*value),
            _ => None,
        }
    }

    fn histogram(&self, id: Option<SeriesId>) -> Option<&'a Histogram> {
        match self.value(id)? {
            Value::Histogram(histogram) => Some(histogram),
            _ => None,
        }
    }

    fn value(&self, id: Option<SeriesId>) -> Option<&'a Value> {
        self.snapshot.by_id(id?)
    }
}

/// Returns `part / (part + rest)`; `None` if both are zero.
pub(crate) fn share(part: u64, rest: u64) -> Option<f64> {
    let whole = part as f64 + rest as f64;
    (whole > 0.0).then(|| part as f64 / whole)
}

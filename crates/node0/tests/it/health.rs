//! The health of the service in several situations.

use std::time::Duration;

use node0::{Desc, breaker::State};
use node0::{
    Finding, Gauge, Judgement, ManualClock, Monitor, Registry, RegistryBuilder, Report, Sample,
    Status, Topic, UnknownTarget, View, breaker,
};
use node0_metrics_core::Ticker;
use std::sync::Arc;

use crate::service::{Memory, Service};

use Status::{Degraded, Healthy, Unhealthy, Unknown};

fn status(sample: &Sample, topic: &str) -> Status {
    let health = sample.topics.iter().find(|health| health.topic.name == topic);
    health.map_or(Unknown, |health| health.assessment.status)
}

/// The words by which a recommendation says what to change.
const SETTINGS: &[&str] = &[
    "`max_connections`",
    "maximum size",
    "memory limit",
    "time to live",
    "timeout",
    "ulimit",
    "`failure_rate`",
    "`consecutive_failures`",
    "`average_latency`",
    "`slow_p95`",
    "`slow_use`",
];

/// The advice of each finding names what was observed or the setting to change.
fn advice_is_of_use(sample: &Sample, situation: &str) {
    for finding in sample.topics.iter().flat_map(|health| &health.assessment.findings) {
        let says = |text: &str| finding.advice.contains(text);
        let observed = format!("{}", finding.observed);
        let is_of_use = SETTINGS.iter().any(|word| says(word)) || says(&observed);
        assert!(is_of_use, "{situation}: {finding:?}");
    }
}

/// A situation, what is done, the overall status, and the topics that are not healthy.
type Row = (&'static str, fn(&Service), Status, &'static [(&'static str, Status)]);

const RUNTIME: (&str, Status) = ("runtime", Unknown);

const SITUATIONS: &[Row] = &[
    (
        "nothing was used",
        |_| {},
        Healthy,
        &[
            ("database", Unknown),
            ("cache", Unknown),
            ("circuit-breaker", Unknown),
            ("performance", Unknown),
            RUNTIME,
        ],
    ),
    ("everything works", Service::works, Healthy, &[RUNTIME]),
    (
        "the database alone is dead",
        |it| {
            it.works();
            it.database_dies()
        },
        Unhealthy,
        &[("database", Unhealthy), RUNTIME],
    ),
    (
        "the cache alone is cold",
        |it| {
            it.works();
            it.cache_is_cold()
        },
        Healthy,
        &[("cache", Unhealthy), RUNTIME],
    ),
    (
        "a circuit alone is open",
        |it| {
            it.works();
            it.circuit_opens()
        },
        Healthy,
        &[("circuit-breaker", Unhealthy), RUNTIME],
    ),
    (
        "a circuit is half-open",
        |it| {
            it.works();
            it.circuit.state_changed(State::Closed, State::HalfOpen, "a trial");
        },
        Healthy,
        &[("circuit-breaker", Degraded), RUNTIME],
    ),
    (
        "calls of a closed circuit fail",
        |it| {
            it.works();
            it.calls_fail()
        },
        Degraded,
        &[("circuit-breaker", Unhealthy), RUNTIME],
    ),
    (
        "operations alone are slow",
        |it| {
            it.works();
            it.orders_are_slow()
        },
        Healthy,
        &[("performance", Degraded), RUNTIME],
    ),
    (
        "the cache is cold and a circuit open",
        |it| {
            it.works();
            it.cache_is_cold();
            it.circuit_opens();
        },
        Degraded,
        &[("cache", Unhealthy), ("circuit-breaker", Unhealthy), RUNTIME],
    ),
    (
        "the database is dead and the cache cold",
        |it| {
            it.works();
            it.database_dies();
            it.cache_is_cold();
        },
        Unhealthy,
        &[("database", Unhealthy), ("cache", Unhealthy), RUNTIME],
    ),
    (
        "only the database was used",
        |it| it.get_connections(100),
        Healthy,
        &[("cache", Unknown), ("circuit-breaker", Unknown), ("performance", Unknown), RUNTIME],
    ),
    (
        "a few lookups missed",
        |it| {
            it.works();
            (0..10).for_each(|_| it.tier.miss(Duration::from_micros(2)));
        },
        Healthy,
        &[RUNTIME],
    ),
    (
        "fewer lookups than the minimum, all missed",
        |it| {
            (0..3).for_each(|_| it.tier.miss(Duration::from_micros(2)));
        },
        Healthy,
        &[
            ("database", Unknown),
            ("cache", Unknown),
            ("circuit-breaker", Unknown),
            ("performance", Unknown),
            RUNTIME,
        ],
    ),
    (
        "fewer calls than the minimum, all failed",
        |it| {
            (0..3).for_each(|_| it.circuit.failure(Duration::from_millis(1), "response"));
        },
        Healthy,
        &[("database", Unknown), ("cache", Unknown), ("performance", Unknown), RUNTIME],
    ),
];

#[test]
fn parts_fall_ill_alone_and_together() {
    for (situation, act, overall, exceptions) in SITUATIONS {
        let mut service = Service::new();
        act(&service);
        let sample = service.settle();
        for health in sample.topics.iter() {
            let name = health.topic.name;
            let expected = exceptions.iter().find(|(topic, _)| *topic == name);
            let expected = expected.map_or(Healthy, |(_, status)| *status);
            assert_eq!(
                health.assessment.status, expected,
                "{situation}: {name}: {:?}",
                health.assessment
            );
        }
        assert_eq!(sample.overall().status, *overall, "{situation}: {:?}", sample.overall());
        advice_is_of_use(&sample, situation);
    }
}

#[test]
fn process_alone_is_short_of_memory() {
    let mut service = Service::with(Registry::builder(), Memory::Short);
    service.works();
    let sample = service.settle();
    assert_eq!((status(&sample, "system"), sample.overall().status), (Unhealthy, Healthy));
    advice_is_of_use(&sample, "short of memory");
}

#[test]
fn part_that_recovers_is_healthy_again() {
    let mut service = Service::new();
    service.works();
    service.circuit_opens();
    assert_eq!(status(&service.settle(), "circuit-breaker"), Unhealthy);
    service.circuit.state_changed(State::Open, State::Closed, "the trial went well");
    assert_eq!(status(&service.tick(), "circuit-breaker"), Unhealthy, "not believed yet");
    assert_eq!(status(&service.tick(), "circuit-breaker"), Healthy);
}

#[test]
fn threshold_that_is_changed_counts_from_the_next_tick() {
    let mut service = Service::new();
    (0..70).for_each(|_| service.circuit.success(Duration::from_millis(1)));
    (0..30).for_each(|_| service.circuit.failure(Duration::from_millis(1), "response"));
    service.circuit.success(Duration::from_millis(1));
    assert_eq!(status(&service.settle(), "circuit-breaker"), Healthy);
    service.circuit.set_thresholds(breaker::Thresholds { failure_rate: 0.2, ..Default::default() });
    assert_eq!(status(&service.settle(), "circuit-breaker"), Unhealthy);
}

/// A monitor that judges as it is told.
struct Told {
    topic: &'static Topic,
    gauge: Gauge,
}

impl Monitor for Told {
    fn topic(&self) -> &'static Topic {
        self.topic
    }

    /// 100 less what the gauge says; unknown while that is no number.
    fn judge(&self, view: &View<'_>) -> Judgement {
        let Some(penalty) = view.gauge(&self.gauge).filter(|value| !value.is_nan()) else {
            return Judgement::unknown("nobody knows");
        };
        let told = Finding::warning("told").penalty(penalty as u8).beyond(penalty, 0.0);
        Judgement::healthy("fine").with(told.message("as told").advice("tell it otherwise"))
    }

    fn report(&self, _: &View<'_>, _: Option<&str>) -> Result<Report, UnknownTarget> {
        Ok(Report::new(()))
    }
}

static FIRST: Topic = Topic::new("first", "first");
static SECOND: Topic = Topic::new("second", "second");
static REQUIRED: Topic = Topic::new("required", "required").required();
static HEAVY: Topic = Topic::new("heavy", "heavy").weight(30);
static WEIGHTLESS: Topic = Topic::new("weightless", "weightless").weight(0);
static WEIGHTLESS_REQUIRED: Topic = Topic::new("both", "both").weight(0).required();

const TOLD: Desc = Desc::gauge("told_points", "Points to take.").labels(&["topic"]);

/// Monitors that judge as told, on a clock that stands still.
struct Board {
    clock: ManualClock,
    ticker: Ticker,
    gauges: Vec<Gauge>,
}

impl Board {
    fn new(settings: RegistryBuilder, topics: &[&'static Topic]) -> Self {
        let clock = ManualClock::new();
        let registry = settings.clock(clock.clock()).build();
        let add = |topic: &&'static Topic| {
            let gauge = registry.gauge(&TOLD, &[topic.name]).unwrap();
            registry.monitor(Arc::new(Told { topic, gauge: gauge.clone() })).unwrap();
            gauge
        };
        Self { gauges: topics.iter().map(add).collect(), ticker: registry.ticker().unwrap(), clock }
    }

    fn tick(&mut self, length: Duration, scores: &[Option<u8>]) -> Arc<Sample> {
        for (gauge, score) in self.gauges.iter().zip(scores) {
            gauge.set(score.map_or(f64::NAN, |score| 100.0 - f64::from(score)));
        }
        self.clock.advance(length);
        self.ticker.tick().sample
    }
}

/// A situation: topics with their scores, and the overall score and status.
type Scores = (&'static str, &'static [(&'static Topic, Option<u8>)], Option<u8>, Status);

const SCORES: &[Scores] = &[
    ("nobody watches anything", &[], None, Unknown),
    ("all is well", &[(&FIRST, Some(100)), (&SECOND, Some(100))], Some(100), Healthy),
    ("just healthy", &[(&FIRST, Some(86))], Some(86), Healthy),
    ("exactly 85", &[(&FIRST, Some(85))], Some(85), Degraded),
    ("exactly 70", &[(&FIRST, Some(70))], Some(70), Degraded),
    ("just unhealthy", &[(&FIRST, Some(69))], Some(69), Unhealthy),
    ("dead", &[(&FIRST, Some(0))], Some(0), Unhealthy),
    ("a mean of exactly 85", &[(&FIRST, Some(100)), (&SECOND, Some(70))], Some(85), Degraded),
    ("a mean of exactly 70", &[(&FIRST, Some(100)), (&SECOND, Some(40))], Some(70), Degraded),
    ("an optional part is dead", &[(&FIRST, Some(100)), (&SECOND, Some(0))], Some(50), Unhealthy),
    ("a required part is dead", &[(&FIRST, Some(100)), (&REQUIRED, Some(0))], Some(0), Unhealthy),
    (
        "a required part is degraded",
        &[(&FIRST, Some(100)), (&REQUIRED, Some(80))],
        Some(80),
        Degraded,
    ),
    (
        "a required part is better than the mean",
        &[(&FIRST, Some(0)), (&REQUIRED, Some(100))],
        Some(50),
        Unhealthy,
    ),
    (
        "two are sick, one of them required",
        &[(&FIRST, Some(60)), (&REQUIRED, Some(50))],
        Some(50),
        Unhealthy,
    ),
    ("a heavy part is sick", &[(&FIRST, Some(100)), (&HEAVY, Some(60))], Some(70), Degraded),
    (
        "a weightless part is dead",
        &[(&FIRST, Some(100)), (&WEIGHTLESS, Some(0))],
        Some(100),
        Healthy,
    ),
    ("a weightless part is alone", &[(&WEIGHTLESS, Some(100))], None, Unknown),
    (
        "a weightless required part is dead",
        &[(&FIRST, Some(100)), (&WEIGHTLESS_REQUIRED, Some(0))],
        Some(0),
        Unhealthy,
    ),
    ("one part gives no number", &[(&FIRST, Some(90)), (&SECOND, None)], Some(90), Healthy),
    (
        "a required part gives no number",
        &[(&FIRST, Some(90)), (&REQUIRED, None)],
        Some(90),
        Healthy,
    ),
    ("no part gives a number", &[(&FIRST, None), (&REQUIRED, None)], None, Unknown),
];

#[test]
fn scores_are_weighed_and_capped() {
    for (situation, parts, score, status) in SCORES {
        let topics: Vec<_> = parts.iter().map(|(topic, _)| *topic).collect();
        let scores: Vec<_> = parts.iter().map(|(_, score)| *score).collect();
        let sample = Board::new(Registry::builder(), &topics).tick(Duration::from_secs(1), &scores);
        let overall = sample.overall();
        assert_eq!((overall.score, overall.status), (*score, *status), "{situation}");
        let shown = sample.snapshot.value("node0_health_score", &[]).unwrap().as_f64();
        assert_eq!((!shown.is_nan()).then_some(shown as u8), *score, "{situation}");
    }
}

#[test]
fn flapping_is_shown_only_where_a_state_lasts() {
    // So many ticks of half a second bad, then as many good; a change must last two seconds.
    for (situation, ticks, changes) in
        [("half the duration", 2, 0), ("the duration", 5, 8), ("twice the duration", 9, 4)]
    {
        let settings = Registry::builder().min_status_duration(Duration::from_secs(2));
        let mut board = Board::new(settings, &[&FIRST]);
        let tick = Duration::from_millis(500);
        board.tick(tick, &[Some(100)]);
        let mut seen = vec![Healthy];
        for at in 0..40_u32 {
            let score = if (at / ticks).is_multiple_of(2) { 50 } else { 100 };
            seen.push(status(&board.tick(tick, &[Some(score)]), "first"));
        }
        let changed = seen.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changed, changes, "{situation}");
    }
}

//! The metrics of requests: handles by route, method and outcome.
//!
//! A series is registered when its first request ends; later requests look it up
//! without a lock. The number of series is bounded: methods are a closed set, routes
//! are templates in the program, and outcomes are statuses that the program sends.
//! All paths that no route matches are recorded as the one route [`UNMATCHED`].

use std::array;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use node0_metrics_core::{
    Clock, Counter, Desc, Latency, OTHER, RegisterError, Registry, TraceContext, UpDown,
};

use crate::fixed_table::{FixedTable, hash};
use crate::long_lived::STREAMS_AFTER;
use crate::method::KnownMethod;
use crate::recorded_once::Places;
use crate::traces::Traces;

/// The duration of requests, from the head to the end of the response's body, or to the head of a stream.
pub const REQUEST_DURATION: Desc = Desc::latency(
    "http_server_request_duration_seconds",
    "Time from the arrival of a request's head to the end of its response's body, or to the head of a response that streams. Instead of a status there is `cancelled` if the client gave up, `panicked` if the service panicked, and `failed` if the service or the body returned an error.",
)
.labels(&["http_request_method", "http_route", "http_response_status_code"])
.bounds(&[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
]);

/// Requests whose response has not ended.
pub const ACTIVE_REQUESTS: Desc =
    Desc::up_down("http_server_active_requests", "Requests whose response has not ended.")
        .labels(&["http_request_method"]);

/// The value of `http_route` for requests that no route matched.
pub const UNMATCHED: &str = "_unmatched";

/// The operation name for the latency of all requests; see [`RequestLayer::operation`](crate::RequestLayer::operation).
pub const REQUEST_OPERATION: &str = "http:request";
/// The operation name for the throughput of all requests; see [`RequestLayer::operation`](crate::RequestLayer::operation).
pub const REQUESTS_OPERATION: &str = "http:requests";

/// The maximum number of distinct routes; all further ones are recorded as the route `_other`.
const MAX_ROUTES: usize = 1024;
/// The slots of a route for its methods and outcomes; further ones are looked up in the registry.
const MAX_SERIES: usize = 32;

/// The way in which a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Status(StatusCode),
    /// The response, or its body, was dropped before its end.
    Cancelled,
    /// The service panicked.
    Panicked,
    /// The service, or the body, returned an error.
    Failed,
}

impl Outcome {
    /// Returns `true` if the service is at fault: it answered with a 5xx, or not at all.
    #[inline]
    fn is_failure(self) -> bool {
        match self {
            Self::Status(status) => status.is_server_error(),
            Self::Panicked | Self::Failed => true,
            Self::Cancelled => false,
        }
    }

    fn key(self) -> u32 {
        match self {
            Self::Status(status) => u32::from(status.as_u16()),
            Self::Cancelled => 1,
            Self::Panicked => 2,
            Self::Failed => 3,
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
            Self::Failed => "failed",
        }
    }
}

/// The handles of one registry's requests; opaque outside of this crate.
pub struct Recorder {
    pub(crate) registry: Registry,
    pub(crate) places: Places,
    /// The handles that record all requests as one operation, if the host set them.
    pub(crate) operation: OnceLock<(Latency, Counter)>,
    /// The counter of requests that failed, if the host set it.
    pub(crate) failures: OnceLock<Counter>,
    /// The routes that are not of the operation, if the host named any.
    pub(crate) ignored: OnceLock<Box<[Box<str>]>>,
    /// The time after its head from which on a body of unknown length is a stream, if the host set it.
    pub(crate) streams_after: OnceLock<Duration>,
    /// The source of requests' traces, if the host set it.
    pub(crate) traces: OnceLock<Traces>,
    active: [OnceLock<UpDown>; KnownMethod::COUNT],
    routes: FixedTable<Route>,
    unmatched: Route,
    overflow: Route,
}

/// A route template and its series.
struct Route {
    template: Box<str>,
    /// `true` if requests to it are not of the operation.
    is_aside: AtomicBool,
    /// The series of the method and outcome that came first, mostly the only one.
    first: OnceLock<Series>,
    others: FixedTable<Series>,
}

struct Series {
    key: u32,
    latency: Latency,
}

/// The route of a request: its place in the table of routes, or one of two beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteId(u16);

impl RouteId {
    pub(crate) const UNMATCHED: Self = Self(u16::MAX);
    const OVERFLOW: Self = Self(u16::MAX - 1);

    fn at(place: usize) -> Self {
        u16::try_from(place).map_or(Self::OVERFLOW, Self)
    }
}

impl Recorder {
    pub(crate) fn new(registry: &Registry) -> Result<Self, RegisterError> {
        let recorder = Self {
            registry: registry.clone(),
            places: Places::default(),
            operation: OnceLock::new(),
            failures: OnceLock::new(),
            ignored: OnceLock::new(),
            streams_after: OnceLock::new(),
            traces: OnceLock::new(),
            active: array::from_fn(|_| OnceLock::new()),
            routes: FixedTable::new(MAX_ROUTES),
            unmatched: Route::new(UNMATCHED),
            overflow: Route::new(OTHER),
        };
        // Registers one series of each metric now: both are exported from the start, and a name
        // that is taken is an error here instead of later.
        let get = registry.up_down(&ACTIVE_REQUESTS, &[KnownMethod::Get.as_str()])?;
        recorder.active[KnownMethod::Get as usize].get_or_init(|| get);
        let not_found = Outcome::Status(StatusCode::NOT_FOUND);
        let labels = [KnownMethod::Get.as_str(), UNMATCHED, not_found.as_str()];
        let latency = registry.latency(&REQUEST_DURATION, &labels)?;
        recorder.unmatched.keep(KnownMethod::Get, not_found, latency);
        Ok(recorder)
    }

    /// Returns the clock of the registry.
    pub fn clock(&self) -> &Clock {
        self.registry.clock()
    }

    /// Returns the route with the template that axum matched; adds it if it is new.
    pub(crate) fn route(&self, template: &str) -> RouteId {
        let make = || {
            let route = Route::new(template);
            route.is_aside.store(self.is_ignored(template), Ordering::Relaxed);
            route
        };
        let is_it = |route: &Route| *route.template == *template;
        let place = self.routes.find_or_insert(hash(template.as_bytes()), is_it, make);
        place.map_or(RouteId::OVERFLOW, RouteId::at)
    }

    /// Ignores routes, unless some are ignored already.
    pub(crate) fn ignore(&self, routes: Box<[Box<str>]>) {
        self.ignored.get_or_init(|| routes);
        for beyond in [&self.unmatched, &self.overflow] {
            beyond.is_aside.store(self.is_ignored(&beyond.template), Ordering::Relaxed);
        }
    }

    fn is_ignored(&self, template: &str) -> bool {
        let ignored = self.ignored.get().into_iter().flatten();
        ignored.into_iter().any(|ignored| match ignored.strip_suffix('*') {
            Some(start) => template.starts_with(start),
            None => **ignored == *template,
        })
    }

    /// Keeps the requests to a route out of the operation from now on.
    pub(crate) fn set_aside(&self, template: &str) {
        let id = self.route(template);
        // All other routes share the one beyond the table.
        if id != RouteId::OVERFLOW {
            self.route_at(id).is_aside.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the time after its head from which on a body of unknown length is a stream.
    pub(crate) fn streams_after(&self) -> Duration {
        self.streams_after.get().copied().unwrap_or(STREAMS_AFTER)
    }

    /// Returns the gauge of requests in flight with this method.
    #[inline]
    pub(crate) fn active(&self, method: KnownMethod) -> &UpDown {
        self.active[method as usize].get().unwrap_or_else(|| self.first_active(method))
    }

    #[cold]
    fn first_active(&self, method: KnownMethod) -> &UpDown {
        self.active[method as usize].get_or_init(|| {
            let registered = self.registry.up_down(&ACTIVE_REQUESTS, &[method.as_str()]);
            // The name exists since `new`, so a series beyond the cap is folded, not refused.
            registered.unwrap_or(UpDown::disabled())
        })
    }

    /// Counts a request of the operation as failed if it is.
    #[inline]
    fn count_failure(&self, outcome: Outcome) {
        if outcome.is_failure()
            && let Some(failures) = self.failures.get()
        {
            failures.inc();
        }
    }

    /// Records a request that ended, under its route and as one of the operation of all requests; asks
    /// for its outcome last.
    #[inline]
    pub(crate) fn record(
        &self,
        method: KnownMethod,
        route: RouteId,
        outcome: impl FnOnce() -> Outcome,
        nanos: u64,
    ) {
        let route = self.route_at(route);
        let is_aside = route.is_aside.load(Ordering::Relaxed);
        if let Some((latency, throughput)) = self.operation.get()
            && !is_aside
        {
            latency.record_nanos(nanos);
            throughput.inc();
        }
        let outcome = outcome();
        match route.latency(method, outcome) {
            Some(latency) => latency.record_nanos(nanos),
            None => self.first_latency(method, route, outcome).record_nanos(nanos),
        }
        if !is_aside {
            self.count_failure(outcome);
        }
    }

    /// Records a request that ended with its trace: does what the method above does.
    #[cold]
    pub(crate) fn record_traced(
        &self,
        (method, route, outcome): (KnownMethod, RouteId, Outcome),
        took: Duration,
        trace: TraceContext,
    ) {
        let route = self.route_at(route);
        if !route.is_aside.load(Ordering::Relaxed) {
            if let Some((latency, throughput)) = self.operation.get() {
                latency.record_traced(took, trace);
                throughput.inc();
            }
            self.count_failure(outcome);
        }
        match route.latency(method, outcome) {
            Some(latency) => latency.record_traced(took, trace),
            None => self.first_latency(method, route, outcome).record_traced(took, trace),
        }
    }

    #[inline]
    fn route_at(&self, id: RouteId) -> &Route {
        let beyond = if id == RouteId::UNMATCHED { &self.unmatched } else { &self.overflow };
        self.routes.at(id.0.into()).unwrap_or(beyond)
    }

    /// Registers the series of a request.
    #[cold]
    fn first_latency(&self, method: KnownMethod, route: &Route, outcome: Outcome) -> Latency {
        let labels = [method.as_str(), &*route.template, outcome.as_str()];
        // As in `active`: a series beyond the cap is folded into `_other`, not refused.
        let latency = self.registry.latency(&REQUEST_DURATION, &labels);
        let latency = latency.unwrap_or(Latency::disabled());
        route.keep(method, outcome, latency.clone());
        latency
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Route {
    fn new(template: &str) -> Self {
        let others = FixedTable::new(MAX_SERIES);
        let (template, is_aside) = (template.into(), AtomicBool::new(false));
        Self { template, is_aside, first: OnceLock::new(), others }
    }

    /// Returns the handle for a method and outcome, if it is known already.
    #[inline]
    fn latency(&self, method: KnownMethod, outcome: Outcome) -> Option<&Latency> {
        let key = Series::key(method, outcome);
        let series = match self.first.get() {
            Some(first) if first.key == key => first,
            _ => self.others.get(Series::hash(key), |series| series.key == key)?,
        };
        Some(&series.latency)
    }

    /// Keeps the handle for a method and outcome, if there is a slot for it.
    fn keep(&self, method: KnownMethod, outcome: Outcome, latency: Latency) {
        let key = Series::key(method, outcome);
        let make = || Series { key, latency: latency.clone() };
        if self.first.get_or_init(make).key != key {
            self.others.find_or_insert(Series::hash(key), |series| series.key == key, make);
        }
    }
}

impl Series {
    fn key(method: KnownMethod, outcome: Outcome) -> u32 {
        outcome.key() | (method as u32) << 16
    }

    /// The first slot that is tried differs for statuses that differ in their last digit, and
    /// for methods.
    fn hash(key: u32) -> u64 {
        u64::from(key & 0xFFFF) + 7 * u64::from(key >> 16)
    }
}

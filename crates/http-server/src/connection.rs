//! One connection, from its first byte to its end.

use std::cell::RefCell;
use std::future::pending;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use node0_metrics_core::{Clock, Counter, Moment};
use node0_request_layer::{
    FollowedRoute, Holder, Measurement, RecordedBody, Recorder, RouteRecorder, Start,
};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::activity::{Activity, Expired, Kind, Limits};
use crate::paced::Paced;
use crate::places::Place;
use crate::request_body::{BodyLimits, Exchange, RequestBody};
use crate::self_metrics::ServerMetrics;
use crate::transport::{Protocol, Transport};

/// The time that an idle connection stays open once the server stops, since its client may have
/// sent a request that has not arrived yet.
const LAST_CALL: Duration = Duration::from_millis(250);

/// The requests that a connection of HTTP/2 may have at a time; its client keeps further ones back.
const MAX_STREAMS: u32 = 100;

/// The bytes of a response that a connection of HTTP/2 holds before its client reads on: one frame.
///
/// A client that allows everything and reads nothing is held so much for each of its requests: 1.6 MB
/// in all. A part of a body that is larger is held whole.
const MAX_STREAM_UNSENT_BYTES: usize = 16 * 1024;

/// The course of a server, which its connections follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Connections are kept for further requests.
    Serving,
    /// Each connection announces with its next answer that it closes, so that its client does not
    /// send the request after that one here.
    Draining,
    /// Connections end once they have answered, and idle ones after a last call.
    Closing,
}

/// The settings and metrics that all connections of a server share.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    pub(crate) bodies: BodyLimits,
    pub(crate) max_head_bytes: usize,
    pub(crate) metrics: ServerMetrics,
    pub(crate) clock: Clock,
    pub(crate) recorder: Option<Arc<Recorder>>,
}

/// What is needed to record the requests to a service.
#[derive(Clone, Debug)]
pub(crate) struct Recording<S> {
    pub(crate) routes: RouteRecorder,
    /// The service that answers requests whose route is not known before.
    pub(crate) exposing: S,
}

/// The state of a connection, which each of its requests holds.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) activity: Activity,
    recorder: Option<Arc<Recorder>>,
    /// `true` once each answer has to announce that the connection closes.
    closes: Arc<AtomicBool>,
}

impl Connection {
    pub(crate) fn new(rules: &Rules, closes: Arc<AtomicBool>) -> Self {
        let activity = Activity::new(rules.clock.clone());
        Self { activity, recorder: rules.recorder.clone(), closes }
    }
}

/// A connection that is to be served.
pub(crate) struct Serving<S> {
    pub(crate) connection: Arc<Connection>,
    pub(crate) service: S,
    pub(crate) recording: Option<Recording<S>>,
    /// The address of the client, if requests are given it.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) rules: Rules,
    pub(crate) phase: watch::Receiver<Phase>,
}

impl<S, B> Serving<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Serves the connection until it ends or exceeds a limit.
    ///
    /// In later phases than [`Phase::Serving`] it ends after a request.
    pub(crate) async fn run<T>(self, io: T, place: Place)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { connection: shared, service, recording, peer, rules, phase } = self;
        let mut transport = Transport::new(io, shared.clone(), place, &rules);
        let mut expired = pin!(shared.activity.expired(rules.limits));
        let protocol = tokio::select! {
            protocol = transport.protocol() => match protocol {
                Ok(protocol) => protocol,
                // The client went away.
                Err(_) => return,
            },
            expired = expired.as_mut() => return count(expired, &rules.metrics),
            () = closed(phase.clone()) => return,
        };
        let service = RefCell::new(service);
        let (connection, bodies) = (shared.clone(), rules.bodies);
        let refused = rules.metrics.body_timeout.clone();
        let service = Observed { service, recording, peer, connection, bodies, refused };
        let io = TokioIo::new(transport);
        // Boxed, so that a client that sends nothing takes no room for a protocol, and that of one
        // is not as large as that of the other.
        let ended = match protocol {
            Protocol::Http1 => {
                let mut http1 = http1::Builder::new();
                // `Activity` has the timeouts.
                http1.header_read_timeout(None).max_header_size(rules.max_head_bytes);
                let mut connection = Box::pin(http1.serve_connection(io, service).with_upgrades());
                let finish = http1::UpgradeableConnection::graceful_shutdown;
                drive(connection.as_mut(), finish, &shared.activity, expired, phase).await
            }
            Protocol::Http2 => {
                let mut http2 = http2::Builder::new(TokioExecutor::new());
                http2
                    .max_header_list_size(u32::try_from(rules.max_head_bytes).unwrap_or(u32::MAX))
                    .max_concurrent_streams(MAX_STREAMS)
                    .max_send_buf_size(MAX_STREAM_UNSENT_BYTES);
                let service = Paced { service, connection: shared.clone() };
                let mut connection = Box::pin(http2.serve_connection(io, service));
                let finish = http2::Connection::graceful_shutdown;
                drive(connection.as_mut(), finish, &shared.activity, expired, phase).await
            }
        };
        if let Some(expired) = ended {
            count(expired, &rules.metrics);
        }
    }
}

/// Serves a connection until it ends; returns the limit if it exceeded one.
///
/// `finish` lets the connection end after the requests that it is answering.
async fn drive<C: Future>(
    mut connection: Pin<&mut C>,
    finish: impl Fn(Pin<&mut C>),
    activity: &Activity,
    mut expired: Pin<&mut impl Future<Output = Expired>>,
    mut phase: watch::Receiver<Phase>,
) -> Option<Expired> {
    if *phase.borrow_and_update() == Phase::Serving {
        tokio::select! {
            // An error ends this connection only, mostly because the client went away: nothing to
            // do.
            _ = connection.as_mut() => return None,
            expired = expired.as_mut() => return Some(expired),
            // An error means that the server was dropped, which closes connections as well.
            _ = phase.changed() => {}
        }
    }
    let mut last_call = pin!(None::<Sleep>);
    loop {
        // HTTP/2 announces it at once, and answers requests that are arriving. HTTP/1.1 announces it
        // with the answer to the present request; in other states hyper would close the connection
        // at once, perhaps on a request that is arriving.
        if activity.is_http2() || activity.kind() == Kind::Busy {
            finish(connection.as_mut());
        }
        if *phase.borrow_and_update() == Phase::Closing {
            last_call.set(Some(sleep(LAST_CALL)));
        }
        tokio::select! {
            _ = connection.as_mut() => return None,
            expired = expired.as_mut() => return Some(expired),
            Ok(()) = phase.changed() => {}
            () = ended(last_call.as_mut()) => match activity.kind() {
                Kind::Idle | Kind::New => return None,
                Kind::Head | Kind::Busy => {}
            }
        }
    }
}

/// Waits for the end of the last call.
async fn closed(mut phase: watch::Receiver<Phase>) {
    // An error means that the server was dropped, which closes connections as well.
    let _ = phase.wait_for(|phase| *phase == Phase::Closing).await;
    sleep(LAST_CALL).await;
}

/// Waits for a timer that may not have been started.
async fn ended(timer: Pin<&mut Option<Sleep>>) {
    match timer.as_pin_mut() {
        Some(timer) => timer.await,
        None => pending().await,
    }
}

fn count(expired: Expired, metrics: &ServerMetrics) {
    match expired {
        Expired::Idle => {}
        Expired::Head => metrics.header_timeout.inc(),
        Expired::Stalled => metrics.stalled.inc(),
    }
}

/// A connection as one of its requests holds it.
#[derive(Debug)]
struct Held(Arc<Connection>);

impl Holder for Held {
    #[inline]
    fn recorder(&self) -> Option<&Recorder> {
        self.0.recorder.as_deref()
    }

    #[inline]
    fn now(&self) -> Moment {
        self.0.activity.now()
    }

    #[inline]
    fn ended(&self, at: Moment) {
        self.0.activity.end(at);
    }
}

/// A service that marks its connection as busy while it answers a request, and records it.
struct Observed<S> {
    /// The service of this connection, which is called for one request at a time.
    service: RefCell<S>,
    recording: Option<Recording<S>>,
    /// The address of the client, if requests are given it.
    peer: Option<SocketAddr>,
    connection: Arc<Connection>,
    bodies: BodyLimits,
    /// Counts the requests whose clients are too slow.
    refused: Counter,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Observed<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    B: Body,
{
    type Response = Response<RecordedBody<B, Held>>;
    type Error = S::Error;
    type Future = ObservedFuture<S>;

    #[inline]
    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut exchange = None;
        let mut request =
            request.map(|body| RequestBody::limit(body, self.bodies, &self.refused, &mut exchange));
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let now = self.connection.activity.now();
        self.connection.activity.begin(now);
        let (start, route) = match &self.recording {
            Some(recording) => recording.routes.start(&mut request),
            None => (Start::UNMEASURED, FollowedRoute::NONE),
        };
        let measurement = Measurement::start(Held(self.connection.clone()), now, start);
        let mut service = self.service.borrow_mut();
        let mut exposing = None;
        let service = match &self.recording {
            Some(Recording { exposing: other, .. }) if route.is_followed() => {
                exposing.insert(other.clone())
            }
            _ => &mut *service,
        };
        // Nearly every service is ready at once. For one that is not, a clone of it waits
        // inside the future; a clone for each request would cost more than its metrics.
        let answer = match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Answer::Called { inner: service.call(request) },
            _ => Answer::Waiting { inner: TowerToHyperService::new(service.clone()).call(request) },
        };
        // HTTP/2 announces it by itself.
        let is_http2 = self.connection.activity.is_http2();
        let closes = self.connection.closes.load(Ordering::Relaxed) && !is_http2;
        ObservedFuture { answer, measurement, route, exchange, closes, is_http2 }
    }
}

pin_project! {
    #[project = AnswerProjection]
    enum Answer<S>
    where
        S: Service<Request<RequestBody>>,
    {
        Called { #[pin] inner: S::Future },
        Waiting { #[pin] inner: TowerToHyperServiceFuture<S, Request<RequestBody>> },
    }
}

pin_project! {
    struct ObservedFuture<S>
    where
        S: Service<Request<RequestBody>>,
    {
        #[pin]
        answer: Answer<S>,
        measurement: Measurement<Held>,
        route: FollowedRoute,
        // What the answer shares with the request's body, if there is one.
        exchange: Option<Arc<Exchange>>,
        // `true` if the answer announces that the connection closes.
        closes: bool,
        is_http2: bool,
    }
}

impl<S, B> Future for ObservedFuture<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    B: Body,
{
    type Output = Result<Response<RecordedBody<B, Held>>, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (answer, measurement) = (this.answer, this.measurement);
        let poll = this.route.begin_poll(measurement);
        let mut polled = match answer.project() {
            AnswerProjection::Called { inner } => inner.poll(cx),
            AnswerProjection::Waiting { inner } => inner.poll(cx),
        };
        poll.end();
        if let Some(exchange) = this.exchange
            && let Poll::Ready(answer) = &mut polled
            && exchange.answer()
            && let Ok(response) = answer
        {
            blame_client(response, *this.is_http2);
        }
        if *this.closes
            && let Poll::Ready(Ok(response)) = &mut polled
        {
            announce_close(response);
        }
        polled.map_ok(|response| RecordedBody::watch(response, measurement))
    }
}

/// Says in an answer that its client was too slow, if the service could not do without the rest.
#[cold]
fn blame_client<B>(response: &mut Response<B>, is_http2: bool) {
    if response.status().is_client_error() || response.status().is_server_error() {
        *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    }
    if !is_http2 {
        // What is still to come of the body would be taken for the next request.
        announce_close(response);
    }
}

/// Announces that the connection closes after this answer; an upgraded one does not.
#[cold]
fn announce_close<B>(response: &mut Response<B>) {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

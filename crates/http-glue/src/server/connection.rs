//! One connection, from its first byte to its end.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use metrics_core::{Clock, InFlight, Moment};
use pin_project_lite::pin_project;
use request_layer::{
    FollowedRoute, Holder, Measurement, RecordedBody, Recorder, RouteRecorder, Start,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::sleep;
use tower_service::Service;

use super::activity::{Activity, Expired, Kind, Limits};
use super::self_metrics::ServerMetrics;

/// The time that a connection without a request stays open during a shutdown, since its client
/// may have sent a request that has not arrived yet.
const LAST_CALL: Duration = Duration::from_millis(250);

/// The settings and metrics that all connections of a server share.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) limits: Limits,
    pub(super) max_head_bytes: usize,
    pub(super) metrics: ServerMetrics,
    pub(super) clock: Clock,
    pub(super) recorder: Option<Arc<Recorder>>,
}

/// What is needed to record the requests to a service.
#[derive(Clone, Debug)]
pub(super) struct Recording<S> {
    pub(super) routes: RouteRecorder,
    /// The service that answers requests whose route is not known before.
    pub(super) exposing: S,
}

/// The state of a connection, which each of its requests holds.
#[derive(Debug)]
struct Connection {
    activity: Activity,
    recorder: Option<Arc<Recorder>>,
}

/// The transport of a connection, with its permit and its count among open connections.
///
/// All three are dropped together, also when an upgraded connection ends.
pub(super) struct Transport<T> {
    io: TokioIo<T>,
    connection: Arc<Connection>,
    _place: OwnedSemaphorePermit,
    _open: InFlight,
}

impl<T> Transport<T> {
    pub(super) fn new(io: T, place: OwnedSemaphorePermit, rules: &Rules) -> Self {
        let activity = Activity::new(rules.clock.clone());
        let connection = Connection { activity, recorder: rules.recorder.clone() };
        Self {
            io: TokioIo::new(io),
            connection: Arc::new(connection),
            _place: place,
            _open: rules.metrics.connections.enter(),
        }
    }
}

/// Serves a connection until it ends or exceeds a limit.
///
/// Once `closing` is `true`, it also ends after the request that it is answering.
pub(super) async fn run<T, S, B>(
    transport: Transport<T>,
    peer: Option<SocketAddr>,
    service: S,
    recording: Option<Recording<S>>,
    rules: Rules,
    mut closing: watch::Receiver<bool>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let observed = transport.connection.clone();
    let activity = &observed.activity;
    let service =
        Observed { service: RefCell::new(service), recording, peer, connection: observed.clone() };
    let mut connection = pin!(
        http1::Builder::new()
            // `Activity` has the timeouts.
            .header_read_timeout(None)
            .max_header_size(rules.max_head_bytes)
            .serve_connection(transport, service)
            .with_upgrades()
    );
    let mut expired = pin!(activity.expired(rules.limits));
    tokio::select! {
        // An error ends this connection only, mostly because the client went away: nothing to do.
        _ = connection.as_mut() => return,
        expired = expired.as_mut() => return count(expired, &rules.metrics),
        // An error means that the server was dropped, which closes connections as well.
        _ = closing.wait_for(|closing| *closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            expired = expired.as_mut() => return count(expired, &rules.metrics),
            () = sleep(LAST_CALL) => if activity.kind() != Kind::Busy { return },
        }
    }
}

fn count(expired: Expired, metrics: &ServerMetrics) {
    match expired {
        Expired::Idle => {}
        Expired::Head => metrics.header_timeout.inc(),
        Expired::Stalled => metrics.stalled.inc(),
    }
}

impl<T: AsyncRead + Unpin> Read for Transport<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        if polled.is_ready() {
            self.connection.activity.read();
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> Write for Transport<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.connection.activity.wrote(polled.is_pending());
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.connection.activity.wrote(polled.is_pending());
        polled
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
        self.0.activity.enter(Kind::Idle, at);
    }
}

/// A service that marks its connection as busy while it answers a request, and records it.
struct Observed<S> {
    /// The service of this connection, which has one request at a time.
    service: RefCell<S>,
    recording: Option<Recording<S>>,
    /// The address of the client, if requests are given it.
    peer: Option<SocketAddr>,
    connection: Arc<Connection>,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Observed<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone,
    B: Body,
{
    type Response = Response<RecordedBody<B, Held>>;
    type Error = S::Error;
    type Future = ObservedFuture<S>;

    #[inline]
    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let now = self.connection.activity.now();
        self.connection.activity.enter(Kind::Busy, now);
        let (start, route) = match &self.recording {
            Some(recording) => recording.routes.start(&request),
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
        ObservedFuture { answer, measurement, route }
    }
}

pin_project! {
    #[project = AnswerProjection]
    enum Answer<S>
    where
        S: Service<Request<Incoming>>,
    {
        Called { #[pin] inner: S::Future },
        Waiting { #[pin] inner: TowerToHyperServiceFuture<S, Request<Incoming>> },
    }
}

pin_project! {
    struct ObservedFuture<S>
    where
        S: Service<Request<Incoming>>,
    {
        #[pin]
        answer: Answer<S>,
        measurement: Measurement<Held>,
        route: FollowedRoute,
    }
}

impl<S, B> Future for ObservedFuture<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    B: Body,
{
    type Output = Result<Response<RecordedBody<B, Held>>, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (answer, measurement) = (this.answer, this.measurement);
        let poll = this.route.begin_poll(measurement);
        let polled = match answer.project() {
            AnswerProjection::Called { inner } => inner.poll(cx),
            AnswerProjection::Waiting { inner } => inner.poll(cx),
        };
        poll.end();
        polled.map_ok(|response| RecordedBody::watch(response, measurement))
    }
}

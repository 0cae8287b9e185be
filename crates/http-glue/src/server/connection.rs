//! One connection, from its first byte to its end.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use metrics_core::InFlight;
use pin_project_lite::pin_project;
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
}

/// The transport of a connection, with its permit and its count among open connections.
///
/// All three are dropped together, also when an upgraded connection ends.
pub(super) struct Transport<T> {
    io: TokioIo<T>,
    activity: Arc<Activity>,
    _place: OwnedSemaphorePermit,
    _open: InFlight,
}

impl<T> Transport<T> {
    pub(super) fn new(io: T, place: OwnedSemaphorePermit, metrics: &ServerMetrics) -> Self {
        Self {
            io: TokioIo::new(io),
            activity: Arc::new(Activity::new()),
            _place: place,
            _open: metrics.connections.enter(),
        }
    }
}

/// Serves a connection until it ends or exceeds a limit.
///
/// Once `closing` is `true`, it also ends after the request that it is answering.
pub(super) async fn run<T, S, B>(
    transport: Transport<T>,
    service: S,
    rules: Rules,
    mut closing: watch::Receiver<bool>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let activity = transport.activity.clone();
    let service =
        Observed { service: TowerToHyperService::new(service), activity: activity.clone() };
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
            self.activity.read();
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
        self.activity.wrote(polled.is_pending());
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
        self.activity.wrote(polled.is_pending());
        polled
    }
}

/// A service that marks its connection as busy while it answers a request.
struct Observed<S> {
    service: S,
    activity: Arc<Activity>,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Observed<S>
where
    S: hyper::service::Service<Request<Incoming>, Response = Response<B>>,
{
    type Response = Response<ObservedBody<B>>;
    type Error = S::Error;
    type Future = ObservedFuture<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.activity.enter(Kind::Busy);
        let answering = Some(Answering(self.activity.clone()));
        ObservedFuture { inner: self.service.call(request), answering }
    }
}

/// Marks the connection as busy until it drops.
struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.enter(Kind::Idle);
    }
}

pin_project! {
    struct ObservedFuture<F> {
        #[pin]
        inner: F,
        answering: Option<Answering>,
    }
}

impl<F, B, E> Future for ObservedFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ObservedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answering = this.answering;
        this.inner.poll(cx).map_ok(|response| {
            response.map(|inner| ObservedBody { inner, _answering: answering.take() })
        })
    }
}

pin_project! {
    struct ObservedBody<B> {
        #[pin]
        inner: B,
        _answering: Option<Answering>,
    }
}

impl<B: Body> Body for ObservedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

//! The accept loop: an HTTP/1.1 server with limits on connections and on time.
//!
//! `axum::serve` keeps a half-sent request for ever, takes any number of
//! connections, and waits for all of them at its shutdown. Here heads, idle
//! connections and clients that stop reading time out, the number of connections
//! is limited, a failing `accept` is retried, and a shutdown has a deadline. The
//! limits can be set, and refused requests and connections are counted.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use metrics_core::{Clock, RegisterError, Registry};
use request_layer::RequestLayer;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower_service::Service;

use super::activity::Limits;
use super::connection::{self, Recording, Rules, Transport};
use super::listener::Listener;
use super::refusal::Refusals;
use super::self_metrics::ServerMetrics;
use super::shutdown::Shutdown;

/// The first pause after a failed `accept`, such as for lack of file descriptors.
///
/// It doubles with each failure in a row, up to `LONGEST_PAUSE`.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A server that has not started; made by [`serve`].
#[derive(Debug)]
#[must_use = "a server does nothing until it runs"]
pub struct Serve<L, S> {
    listener: L,
    service: S,
    shutdown: Shutdown,
    max_connections: u32,
    gives_peers: bool,
    rules: Rules,
    recording: Option<Recording<S>>,
}

/// Makes an HTTP/1.1 server with limits; [`Serve::run`] starts it.
///
/// For a second server on another address, such as one for metrics and probes,
/// call it again; both servers may share a [`Shutdown`].
///
/// ```
/// use axum::{Router, routing::get};
/// use http_glue::{Shutdown, bind, serve};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let app = Router::new().route("/", get(|| async { "hello" }));
/// let shutdown = Shutdown::new();
/// let server = serve(bind("127.0.0.1:0").await?, app).shutdown(&shutdown);
/// let running = tokio::spawn(server.run());
/// shutdown.abort();
/// running.await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub fn serve<L, S>(listener: L, service: S) -> Serve<L, S> {
    Serve {
        listener,
        service,
        shutdown: Shutdown::new(),
        max_connections: 256,
        gives_peers: false,
        rules: Rules {
            limits: Limits { header: Duration::from_secs(10), idle: Duration::from_secs(60) },
            max_head_bytes: 32 * 1024,
            metrics: ServerMetrics::disabled(),
            clock: Clock::std(),
            recorder: None,
        },
        recording: None,
    }
}

impl<L, S> Serve<L, S> {
    /// Sets the shutdown that ends the server; by default it runs for ever.
    pub fn shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = shutdown.clone();
        self
    }

    /// Limits the number of open connections, upgraded ones included; 256 by default, at least 1.
    ///
    /// Further connections get a 503.
    pub fn max_connections(mut self, connections: usize) -> Self {
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        self.max_connections = u32::try_from(connections).unwrap_or(most).clamp(1, most);
        self
    }

    /// Gives each request the address of its client, as axum's `ConnectInfo<SocketAddr>`; by default
    /// it does not, since that costs each request an allocation.
    ///
    /// Behind a proxy it is the proxy's address.
    pub fn connect_info(mut self) -> Self {
        self.gives_peers = true;
        self
    }

    /// Limits the time in which a request's head must arrive; 10 s by default.
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.rules.limits.header = timeout;
        self
    }

    /// Limits the time between two requests, and the time in which a client reads nothing of its
    /// response; 60 s by default.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.rules.limits.idle = timeout;
        self
    }

    /// Limits the size of a request's head; 32 KiB by default.
    ///
    /// A larger head gets a 431, and so does one with more than 100 header fields.
    pub fn max_head_bytes(mut self, bytes: usize) -> Self {
        self.rules.max_head_bytes = bytes;
        self
    }

    /// Records the metrics of connections into a registry; by default they are not recorded.
    ///
    /// The limits of time then go by the registry's clock, which is faster than the system's.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names.
    pub fn metrics(mut self, registry: &Registry) -> Result<Self, RegisterError> {
        self.rules.metrics = ServerMetrics::register(registry)?;
        self.rules.clock = registry.clock().clone();
        Ok(self)
    }
}

impl<L> Serve<L, Router> {
    /// Records the requests to the router, by their route templates; by default it does not.
    ///
    /// It records the same as [`RequestLayer::wrap`] for half the cost, because the server has a
    /// state for each request anyway. So do not wrap the router too.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use http_glue::{bind, serve};
    /// use metrics_core::Registry;
    /// use request_layer::RequestLayer;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let registry = Registry::new();
    /// let app = Router::new().route("/orders/{id}", get(|| async { "an order" }));
    /// let requests = RequestLayer::register(&registry)?;
    /// let server = serve(bind("127.0.0.1:0").await?, app).record(&requests);
    /// # drop(server);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn record(mut self, requests: &RequestLayer) -> Self {
        // axum makes routes of handlers when it has the state, else again for each request.
        self.service = self.service.with_state(());
        let routes = requests.routes(&self.service);
        let exposing = routes.exposing().clone();
        self.rules.clock = routes.recorder().clock().clone();
        self.rules.recorder = Some(routes.recorder().clone());
        self.recording = Some(Recording { routes, exposing });
        self
    }
}

impl<L, S, B> Serve<L, S>
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Serves until the shutdown is complete and every connection has ended.
    ///
    /// It waits for upgraded connections, such as WebSockets, until the end of the grace period. It
    /// cannot cut them, since they belong to the handlers that asked for the upgrade.
    pub async fn run(mut self) {
        let places = Arc::new(Semaphore::new(self.max_connections as usize));
        let refusals = Refusals::new();
        let (closing, _) = watch::channel(false);
        let mut connections = JoinSet::new();
        let shutdown = self.shutdown.clone();
        let mut closed = std::pin::pin!(shutdown.closing());
        let mut pause = SHORTEST_PAUSE;
        loop {
            let io = tokio::select! {
                biased;
                () = closed.as_mut() => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept(&mut self.listener, &mut pause) => accepted,
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                self.rules.metrics.no_place.inc();
                refusals.refuse(io);
                continue;
            };
            let peer = if self.gives_peers { L::peer(&io) } else { None };
            let transport = Transport::new(io, place, &self.rules);
            let (service, recording) = (self.service.clone(), self.recording.clone());
            let (rules, closing) = (self.rules.clone(), closing.subscribe());
            connections.spawn(connection::run(transport, peer, service, recording, rules, closing));
        }
        drop(self.listener);
        closing.send_replace(true);
        let all = async {
            while connections.join_next().await.is_some() {}
            // Each transport holds a place, also that of an upgraded connection. The semaphore is
            // never closed, so this ends when all have ended.
            let _ = places.acquire_many(self.max_connections).await;
        };
        tokio::select! {
            () = all => {}
            () = shutdown.cut() => {}
        }
        connections.shutdown().await;
    }
}

/// Waits for a connection, and retries for as long as `accept` fails.
async fn accept<L: Listener>(listener: &mut L, pause: &mut Duration) -> L::Io {
    loop {
        match listener.accept().await {
            Ok(io) => {
                *pause = SHORTEST_PAUSE;
                return io;
            }
            // The client went away before it was accepted.
            Err(error) if is_of_client(&error) => {}
            // Most likely the process has no free file descriptor. Connections that end free some.
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept: pausing");
                sleep(*pause).await;
                *pause = (*pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

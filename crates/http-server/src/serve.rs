//! The accept loop: a server of HTTP/1.1 and HTTP/2 with limits on connections and on time.
//!
//! `axum::serve` keeps a half-sent request for ever, takes any number of
//! connections, and waits for all of them at its shutdown. Here heads, idle
//! connections and clients that stop reading time out, the number of connections
//! is limited, a failing `accept` is retried, and a shutdown has a deadline. The
//! limits can be set, and refused requests and connections are counted.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use node0_metrics_core::{Clock, RegisterError, Registry, discard};
use node0_request_layer::RequestLayer;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use crate::activity::Limits;
use crate::beyond::{self, BeyondPlace, BeyondPlaces};
use crate::connection::{Connection, Phase, Recording, Rules, Serving};
use crate::listener::Listener;
use crate::pause::Pause;
use crate::places::{self, Places};
use crate::request_body::{BodyLimits, RequestBody};
use crate::self_metrics::ServerMetrics;
use crate::shares::Peer;
use crate::shutdown::Shutdown;

/// The paths that [`Serve::probes`] are by default: those of the probes of the crate `http-glue`, and
/// of the health that says why one fails.
pub const PROBE_PATHS: [&str; 5] =
    ["/health/live", "/livez", "/health/ready", "/readyz", "/health/performance"];

/// The time in which connections are still accepted that clients had begun to open when the server
/// stops: longer than a handshake between machines of one network.
const TO_OPEN: Duration = Duration::from_millis(25);

/// A server that has not started; made by [`serve`].
#[derive(Debug)]
#[must_use = "a server does nothing until it runs"]
pub struct Serve<L, S> {
    listener: L,
    service: S,
    shutdown: Shutdown,
    max_connections: u32,
    /// `None` for three quarters of all connections.
    max_connections_per_peer: Option<usize>,
    probes: beyond::Probes,
    gives_peers: bool,
    rules: Rules,
    recording: Option<Recording<S>>,
}

/// Makes a server of HTTP/1.1 and HTTP/2 with limits; [`Serve::run`] starts it.
///
/// A client says by its first bytes which protocol it speaks. Since the server has no TLS, one that
/// speaks HTTP/2 has to know that the server does (`curl --http2-prior-knowledge`, gRPC, a proxy with
/// that setting). The limits hold for both; a connection of HTTP/2 may have 100 requests at a time, and
/// 16 KiB of each of their responses wait for a client that does not read.
///
/// For a second server on another address, such as one for metrics and probes,
/// call it again; both servers may share a [`Shutdown`].
///
/// ```
/// use axum::{Router, routing::get};
/// use node0_http_server::{Shutdown, bind, serve};
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
        max_connections: within_a_semaphore(places::max_connections_by_descriptors()),
        max_connections_per_peer: None,
        probes: PROBE_PATHS.map(str::to_owned).into(),
        gives_peers: false,
        rules: Rules {
            limits: Limits { header: Duration::from_secs(10), idle: Duration::from_secs(75) },
            bodies: BodyLimits { wait: Duration::from_secs(10), whole: Duration::from_secs(300) },
            max_head_bytes: 32 * 1024,
            metrics: ServerMetrics::disabled(),
            clock: Clock::std(),
            recorder: None,
        },
        recording: None,
    }
}

/// Returns the nearest number of permits that a semaphore can have and a task take at once.
fn within_a_semaphore(connections: usize) -> u32 {
    let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
    u32::try_from(connections).unwrap_or(most).clamp(1, most)
}

impl<L, S> Serve<L, S> {
    /// Sets the shutdown that ends the server; by default it runs for ever.
    pub fn shutdown(mut self, shutdown: &Shutdown) -> Self {
        self.shutdown = shutdown.clone();
        self
    }

    /// Limits the number of open connections, upgraded ones included; at least 1.
    ///
    /// By default it is three quarters of the file descriptors that the process may have open
    /// (`ulimit -n`) when this server is made.
    ///
    /// At the limit, the connection that has been idle for longest is closed for a new one. If none
    /// is idle, probes by HTTP/1.1 are still answered, see [`Serve::probes`], and others get a 503, or
    /// by HTTP/2 a `GOAWAY` after which they may try again.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = within_a_semaphore(connections);
        self
    }

    /// Limits the open connections of one client; three quarters of all by default, and at least 1.
    ///
    /// A client is an address, or a network of IPv6 (`/64`). At the limit, the client's own
    /// connection that has been idle for longest is closed for its next one; if none is idle, the
    /// next one is refused as beyond [`Serve::max_connections`]. Behind a proxy all connections are
    /// the proxy's, so let it have as many as there may be.
    pub fn max_connections_per_peer(mut self, connections: usize) -> Self {
        self.max_connections_per_peer = Some(connections);
        self
    }

    /// Sets the paths that are answered even at the limit of connections; [`PROBE_PATHS`] by
    /// default.
    ///
    /// Only GET and HEAD requests to exactly these paths are, 32 at a time, of one client 16.
    pub fn probes(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.probes = paths.into_iter().map(Into::into).collect();
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
    ///
    /// By HTTP/2 only the first bytes of a connection must, and later heads have the limit of
    /// [`Serve::idle_timeout`].
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.rules.limits.header = timeout;
        self
    }

    /// Limits the time that a service waits for the client to send more of a request's body; 10 s by
    /// default.
    ///
    /// Reading the body then fails, and the client gets a 408 instead of the service's error. Once the
    /// service has begun to answer, bodies are not limited any more: such clients may be silent, as
    /// those of gRPC.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.rules.bodies.wait = timeout;
        self
    }

    /// Limits the time that a service waits for a request's body in all; 5 min by default.
    ///
    /// It holds as [`Serve::body_timeout`] does, against clients that send a byte now and then. Raise it
    /// for large uploads over slow networks.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.rules.bodies.whole = timeout;
        self
    }

    /// Limits the time between two requests, and the time in which a client reads nothing of its
    /// response, or by HTTP/2 grants none of its responses a byte; 75 s by default.
    ///
    /// It should be longer than a load balancer keeps idle connections, which is mostly 60 s: else
    /// the balancer may send a request on a connection that is just being closed.
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
    /// use node0_http_server::{bind, serve};
    /// use node0_metrics_core::Registry;
    /// use node0_request_layer::RequestLayer;
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
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Serves until the shutdown is complete and every connection has ended.
    ///
    /// It waits for upgraded connections, such as WebSockets, until the end of the grace period. It
    /// cannot cut them, since they belong to the handlers that asked for the upgrade.
    pub async fn run(mut self) {
        let most = self.max_connections as usize;
        let most_per_peer = self.max_connections_per_peer.unwrap_or(most - most / 4);
        let mut places = Places::new(self.max_connections, most_per_peer);
        let mut beyond = BeyondPlaces::new();
        let (phase, _) = watch::channel(Phase::Serving);
        let mut connections = JoinSet::new();
        let shutdown = self.shutdown.clone();
        let (mut drains, mut closes) = (pin!(shutdown.draining()), pin!(shutdown.closing()));
        let mut pause = Pause::default();
        loop {
            let accepted = tokio::select! {
                biased;
                () = closes.as_mut() => break,
                () = drains.as_mut(), if *phase.borrow() == Phase::Serving => {
                    phase.send_replace(Phase::Draining);
                    continue;
                }
                Some(ended) = connections.join_next_with_id() => {
                    places.leave(ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id));
                    // The panic of a handler, whose payload may panic when it is dropped.
                    discard(ended);
                    continue;
                }
                accepted = pause.accept(&mut self.listener) => accepted,
            };
            let Some(io) = accepted else {
                // One that ends frees a file descriptor.
                places.end_longest_idle(None);
                continue;
            };
            self.take_in(io, &mut places, &mut beyond, &phase, &mut connections).await;
        }
        phase.send_replace(Phase::Closing);
        self.listener.refuse();
        let opened = Instant::now() + TO_OPEN;
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.aborted() => break,
                accepted = self.listener.accept() => accepted,
                () = sleep_until(opened) => break,
            };
            let Ok(io) = accepted else { break };
            self.take_in(io, &mut places, &mut beyond, &phase, &mut connections).await;
        }
        drop(self.listener);
        let all = async {
            end_all(&mut connections).await;
            places.all_free().await;
        };
        tokio::select! {
            () = all => {}
            () = shutdown.cut() => {}
        }
        connections.abort_all();
        end_all(&mut connections).await;
    }

    /// Serves a connection in a task of its own.
    async fn take_in(
        &self,
        io: L::Io,
        places: &mut Places,
        beyond: &mut BeyondPlaces,
        phase: &watch::Sender<Phase>,
        connections: &mut JoinSet<()>,
    ) {
        let address = L::peer(&io);
        let peer = address.map(|address| Peer::of(address.ip()));
        match places.take(peer).await {
            Some(place) => {
                let begun = self.shutdown.begun().clone();
                let serving = self.serving(address, phase.subscribe(), begun);
                let connection = serving.connection.clone();
                places.enter(connection, peer, connections.spawn(serving.run(io, place)));
            }
            None => match beyond.take(peer) {
                Some(place) => self.answer_beyond(place, io, address, phase.subscribe()),
                None => self.rules.metrics.no_place.inc(),
            },
        }
    }

    /// Returns what serves a connection, whose answers announce its end once `closes` is `true`.
    fn serving(
        &self,
        address: Option<SocketAddr>,
        phase: watch::Receiver<Phase>,
        closes: Arc<AtomicBool>,
    ) -> Serving<S> {
        Serving {
            connection: Arc::new(Connection::new(&self.rules, closes)),
            service: self.service.clone(),
            recording: self.recording.clone(),
            peer: address.filter(|_| self.gives_peers),
            rules: self.rules.clone(),
            phase,
        }
    }

    /// Answers a connection for which there is no place.
    fn answer_beyond(
        &self,
        place: BeyondPlace,
        io: L::Io,
        address: Option<SocketAddr>,
        phase: watch::Receiver<Phase>,
    ) {
        let serving = self.serving(address, phase, Arc::new(AtomicBool::new(true)));
        let probes = self.probes.clone();
        tokio::spawn(async move {
            match beyond::admit(io, &probes, place).await {
                Some((io, place)) => serving.run(io, place).await,
                None => serving.rules.metrics.no_place.inc(),
            }
        });
    }
}

/// Waits until all connections have ended.
async fn end_all(connections: &mut JoinSet<()>) {
    while let Some(ended) = connections.join_next().await {
        discard(ended);
    }
}

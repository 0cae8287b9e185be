//! The endpoint: it checks a request, and gives it a stream.
//!
//! All checks are made before the response begins, so that a refused client gets a status and a
//! reason. A [`Reader`] then holds all that a client occupies, and gives it back when it is dropped.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use node0_metrics_core::{RegisterError, Registry};
use node0_streaming::{Interval, OpenError, Session, Streaming, Transport, Wanted};
use node0_websocket::Handshake;

use super::clients::{Clients, Place};
use super::self_metrics::{Ending, Refusal, StreamMetrics};
use super::{events, web_socket};
use crate::endpoints::{ApiError, Endpoint, EndpointDesc, Mount, Parameter, Query, Surface};
use crate::gate::Gate;

const METRICS: Parameter =
    Parameter::text("metrics", "The topics to subscribe to, with commas between; without it, all.")
        .of_bytes(2048)
        .of_form("^[^,]+(,[^,]+)*$");
const INTERVAL: Parameter = Parameter::text(
    "interval",
    "The time between two updates in milliseconds, from 1 to 60000, rounded up to hundreds; 1000 by default.",
)
.of_form("^[0-9]{1,5}$");

/// The header with which a client of server-sent events comes back.
const LAST_EVENT_ID: &str = "last-event-id";
/// The maximum length of its value; a longer one is none of ours.
const MAX_EVENT_ID_BYTES: usize = 64;

/// The endpoint of a stream, `/metrics/stream` by default; needs the feature `stream`.
///
/// It answers the handshake of a WebSocket, and sends the same messages as server-sent events to
/// clients that accept `text/event-stream`.
///
/// ```
/// use node0_aggregator::Aggregator;
/// use axum::Router;
/// use node0_exporter::Exporter;
/// use node0_http_glue::{Readiness, Routes, Shutdown, StreamEndpoint};
/// use node0_metrics_core::Registry;
/// use node0_streaming::Streaming;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let registry = Registry::new();
/// let aggregator = Aggregator::start(&registry)?;
/// let streaming = Streaming::builder().start(&registry, aggregator.subscribe())?;
/// let stream = StreamEndpoint::register(&registry, &streaming)?.path("/live");
///
/// let readiness = Readiness::builder(&registry).start();
/// let app: Router = Routes::new(&registry, Exporter::new(), &readiness).surface(stream).router()?;
/// let shutdown = Shutdown::new().at_begin(move || streaming.close());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// A browser lets any page open a WebSocket to any server. So pages of other origins are refused,
/// unless the [`Gate`] of the routes lists them.
///
/// # Memory for each client
///
/// The process holds one message for a client, which it shares with all others that get it. An idle
/// WebSocket takes less than 3 KB of its memory, and an idle client of server-sent events some 11 KB,
/// most of which is the buffer into which hyper reads requests. What a client sends is limited to
/// 16 KiB a message; a client that sends such messages holds up to 64 KiB.
///
/// The system holds what was written and not read. Under [`serve`](crate::serve()) that is at most
/// 64 KiB and one message beyond the client's own receive buffer, which Linux accounts as some
/// 100 KiB, and some MB under servers that leave the system's default. After that a write has to
/// wait, and a client that lets it wait for 5 s is closed. A WebSocket that does not answer pings is
/// closed within 45 s even if all writes succeed.
///
/// A client that sends `subscribe` again and again without reading holds up to a hundred snapshots
/// until it is closed.
#[derive(Debug)]
#[must_use = "pass it to `Routes::surface`"]
pub struct StreamEndpoint {
    path: Cow<'static, str>,
    streaming: Streaming,
    clients: Clients,
    metrics: Arc<StreamMetrics>,
}

impl StreamEndpoint {
    /// Makes the endpoint of a stream, and registers the metrics of its connections.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names.
    pub fn register(registry: &Registry, streaming: &Streaming) -> Result<Self, RegisterError> {
        Ok(Self {
            path: "/metrics/stream".into(),
            streaming: streaming.clone(),
            clients: Clients::default(),
            metrics: Arc::new(StreamMetrics::register(registry)?),
        })
    }

    /// Sets the path; `/metrics/stream` by default.
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// Limits the streams of one IP address, or of one /64 network of IPv6; no limit by default.
    ///
    /// The address is that of the `ConnectInfo<SocketAddr>` of the request, which a server inserts if
    /// asked: see [`Serve::connect_info`](crate::Serve::connect_info). Without it there is no limit.
    /// Behind a proxy all clients have the proxy's address.
    pub fn max_clients_per_ip(mut self, clients: usize) -> Self {
        self.clients = Clients::limited_to(clients);
        self
    }
}

impl Surface for StreamEndpoint {
    fn name(&self) -> &'static str {
        "stream"
    }

    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint> {
        let state = Arc::new(Opening {
            streaming: self.streaming.clone(),
            gate: mount.gate().clone(),
            clients: self.clients.clone(),
            metrics: self.metrics.clone(),
        });
        let summary = "The present, as a WebSocket or as server-sent events.";
        let stream = EndpointDesc::get(self.path.clone(), summary)
            .parameter(METRICS)
            .parameter(INTERVAL)
            .upgrades("The connection is a WebSocket, and the first message is a snapshot.")
            .returns(events::CONTENT_TYPE, "Server-sent events, to a client that accepts them.")
            .error(
                StatusCode::BAD_REQUEST,
                "invalid_handshake",
                "The request asks for a WebSocket in a way that is not valid.",
            )
            .error(
                StatusCode::FORBIDDEN,
                "origin_not_allowed",
                "The request comes from a page of another host.",
            )
            .error(
                StatusCode::UPGRADE_REQUIRED,
                "upgrade_required",
                "The request asks neither for a WebSocket of version 13 nor for server-sent events.",
            )
            .error(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "The limit on clients is reached, or the service stops.",
            )
            .handler(open, state);
        vec![stream]
    }
}

#[derive(Debug)]
struct Opening {
    streaming: Streaming,
    gate: Gate,
    clients: Clients,
    metrics: Arc<StreamMetrics>,
}

/// The way in which a request asks for the stream.
enum Asked {
    WebSocket(Handshake),
    Events,
}

/// `GET /metrics/stream`
async fn open(
    State(state): State<Arc<Opening>>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let (uri, headers) = (request.uri(), request.headers());
    state
        .gate
        .check_origin(uri, headers)
        .inspect_err(|_| state.metrics.refused(Refusal::Origin))?;
    let wanted = wanted(Query::of(uri), &state.streaming)?;
    match Asked::of(&request)? {
        Asked::WebSocket(handshake) => {
            let reader = state.enter(&wanted, Transport::WebSocket, &request)?;
            tokio::spawn(web_socket::run(hyper::upgrade::on(&mut request), reader));
            Ok(handshake.response(Body::empty()))
        }
        Asked::Events if request.method() == Method::HEAD => Ok(events::response(Body::empty())),
        Asked::Events => {
            let cursor = last_event_id(request.headers());
            let wanted = cursor.into_iter().fold(wanted, Wanted::after);
            let reader = state.enter(&wanted, Transport::ServerSentEvents, &request)?;
            Ok(events::response(events::body(reader)))
        }
    }
}

/// Reads the parameters.
fn wanted(query: Query<'_>, streaming: &Streaming) -> Result<Wanted, ApiError> {
    let interval = query.text(&INTERVAL)?.map(|text| text.parse::<Interval>());
    let interval = interval.transpose().map_err(|error| {
        ApiError::invalid_parameter(INTERVAL.name(), &format!("is no interval: {error}"), &[])
    })?;
    let wanted = match query.text(&METRICS)? {
        None => Wanted::all(),
        Some(names) => {
            let known = streaming.topics();
            if let Some(unknown) = names.split(',').find(|name| !known.contains(name)) {
                let rule =
                    format!("has no topic `{}`", unknown.chars().take(64).collect::<String>());
                return Err(ApiError::invalid_parameter(METRICS.name(), &rule, &known));
            }
            Wanted::topics(names.split(','))
        }
    };
    Ok(interval.into_iter().fold(wanted, Wanted::interval))
}

/// Returns the id of the last event that a client got before its connection broke.
fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(LAST_EVENT_ID)?;
    // What cannot be an id is passed on as one that cannot be read, so that the client is told.
    Some(id.to_str().ok().filter(|id| id.len() <= MAX_EVENT_ID_BYTES).unwrap_or_default())
}

impl Asked {
    fn of(request: &Request) -> Result<Self, ApiError> {
        let headers = request.headers();
        if Handshake::is_asked(headers) {
            let handshake = Handshake::check(request.method(), request.version(), headers);
            return handshake.map(Self::WebSocket).map_err(|error| {
                let code = match error.status() {
                    StatusCode::UPGRADE_REQUIRED => "upgrade_required",
                    _ => "invalid_handshake",
                };
                ApiError::new(error.status(), code, error.to_string())
            });
        }
        if accepts_events(headers) {
            return Ok(Self::Events);
        }
        let message =
            "this is a stream: open it as a WebSocket, or send `Accept: text/event-stream`";
        Err(ApiError::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", message))
    }
}

/// Returns `true` if the client accepts server-sent events by name.
fn accepts_events(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = values.flat_map(|value| value.split(','));
    types.any(|it| {
        let media_type = it.split_once(';').map_or(it, |(media_type, _)| media_type);
        media_type.trim().eq_ignore_ascii_case(events::CONTENT_TYPE)
    })
}

impl Opening {
    /// Opens the session of a client.
    fn enter(
        &self,
        wanted: &Wanted,
        transport: Transport,
        request: &Request,
    ) -> Result<Reader, ApiError> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let place = self.clients.enter(peer.map(|peer| peer.0.ip())).map_err(|limit| {
            self.metrics.refused(Refusal::ClientsPerIp);
            ApiError::overloaded(format!("{limit} clients of this address read the stream already"))
        })?;
        let session = self.streaming.open(wanted, transport).map_err(|error| {
            let message = error.to_string();
            match error {
                OpenError::UnknownTopic { known, .. } => {
                    ApiError::invalid_parameter(METRICS.name(), "has an unknown topic", &known)
                }
                OpenError::TooManyTopics { .. } => {
                    ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", message)
                        .parameter(METRICS.name())
                }
                OpenError::Closed => {
                    self.metrics.refused(Refusal::Shutdown);
                    ApiError::overloaded(message)
                }
                _ => {
                    self.metrics.refused(Refusal::Clients);
                    ApiError::overloaded(message)
                }
            }
        })?;
        if let Some(fan_out) = self.streaming.fan_out() {
            tokio::spawn(fan_out.run());
        }
        let metrics = self.metrics.clone();
        Ok(Reader { session, metrics, transport, _place: place })
    }
}

/// A client with a stream.
///
/// A reader that is dropped without [`Reader::end`] lost its runtime, which the session reports.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) session: Session,
    metrics: Arc<StreamMetrics>,
    transport: Transport,
    _place: Place,
}

impl Reader {
    /// Counts a message that was handed to the system.
    pub(super) fn sent(&self) {
        self.metrics.sent(self.transport);
    }

    /// Ends the session, and counts the reason.
    pub(super) fn end(self, ending: Ending) {
        self.metrics.closed(ending);
        self.session.end();
    }
}

//! The gate before our endpoints: it refuses pages of other sites, and clients that may not read.
//!
//! A browser lets any page send requests to any server, also to one in the network of the page's
//! visitor. The page cannot read the answers, with two exceptions, and can do without them:
//!
//! - It can open a WebSocket, and it can change state by a `POST`. Browsers send the page's origin
//!   with both, so these are refused to pages of other origins. Clients that are no browsers send
//!   none.
//! - The owner of a name can let it resolve to an address in the visitor's network (DNS rebinding).
//!   Then the browser takes the service for the page's own site. But the request's `Host` is that
//!   foreign name. A service that knows its names refuses others; one that listens on a loopback
//!   address alone has no other names than those of loopback.
//!
//! Programs are not stopped by that. A host that is reached by others than its operators limits the
//! networks of the clients, or asks for a secret, or both.

mod access;
mod credential;
mod network;

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri, header};
use node0_metrics_core::Counter;
use node0_request_layer::RequestLayer;

use crate::endpoints::ApiError;

use access::Denial;

pub(crate) use access::Access;
pub use credential::{Credential, CredentialError};
pub use network::{Network, NetworkError};

/// The rules for the headers `Host`, `Origin` and `Sec-Fetch-Site`, and for who may read; clones share
/// the addresses.
///
/// [`Routes::gate`](crate::Routes::gate) puts it before our endpoints. [`Gate::protect`] and
/// [`Gate::restrict`] put it before those of the host: `protect` for what everybody may use, `restrict`
/// for what only those may use who may read our endpoints.
///
/// ```
/// use axum::{Router, routing::post};
/// use node0_http_glue::{Credential, Gate};
///
/// let gate = Gate::new()
///     .hosts(["ops.example"])
///     .credentials([Credential::bearer("8f2a61c09d3b4e57")?])
///     .networks(["10.0.0.0/8".parse()?, "127.0.0.1".parse()?]);
/// let switches: Router = gate.restrict(Router::new().route("/restart", post(|| async {})));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The settings may be called in any order; calling one again replaces its list.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    origins: Arc<[String]>,
    hosts: Arc<[String]>,
    bound: Arc<AtomicU8>,
    access: Arc<Access>,
}

/// Allows every origin.
const ANY: &str = "*";

/// The addresses on which the endpoints are served, as bits.
const LOOPBACK: u8 = 1;
const OTHERS: u8 = 2;

/// The header in which a browser tells where a request comes from.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

impl Gate {
    /// Makes a gate for pages of the same host and port, under every name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets pages of these origins, such as `https://ops.example`, change state and read the stream
    /// too; `*` means all. By default only pages of the same host and port may, and clients that are
    /// no browsers.
    #[must_use]
    pub fn origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Refuses requests whose `Host` is not one of these names, a name of loopback or an address of
    /// numbers; by default every name is accepted, unless the endpoints are served on loopback alone.
    #[must_use]
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Lets only clients with one of these secrets read, in the header `Authorization`; others get a 401
    /// `unauthorized`. By default no secret is needed. An empty list lets nobody read.
    ///
    /// HTTP carries a secret in the clear: serve on loopback behind a proxy with TLS, or in a network
    /// whose traffic nobody else sees.
    #[must_use]
    pub fn credentials(mut self, credentials: impl IntoIterator<Item = Credential>) -> Self {
        let credentials = Some(credentials.into_iter().collect());
        Arc::make_mut(&mut self.access).credentials = credentials;
        self
    }

    /// Lets only clients with an address in these networks read; others get a 403
    /// `network_not_allowed`. By default the address does not matter. An empty list lets nobody read.
    ///
    /// The address is that of the connection, in the `ConnectInfo<SocketAddr>` of the request, which a
    /// server inserts if asked: see [`Serve::connect_info`](crate::Serve::connect_info). Without it
    /// nobody may read. Behind a proxy it is the proxy's: headers such as `X-Forwarded-For` are not
    /// read, since everybody can send them.
    #[must_use]
    pub fn networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        Arc::make_mut(&mut self.access).networks = Some(networks.into_iter().collect());
        self
    }

    /// Lets everybody read the probes `/health/live`, `/health/ready`, `/livez` and `/readyz`, for
    /// orchestrators that have no secret; by default the [`credentials`](Self::credentials) and [`networks`](Self::networks)
    /// are needed there too.
    #[must_use]
    pub fn open_probes(mut self) -> Self {
        Arc::make_mut(&mut self.access).has_open_probes = true;
        self
    }

    /// Returns `true` if a secret or the network decides who may read.
    pub fn is_restricted(&self) -> bool {
        self.access.is_restricted()
    }

    /// Returns `true` if the server must insert the address of the client, as
    /// [`networks`](Self::networks) need it.
    pub fn needs_peers(&self) -> bool {
        self.access.needs_peers()
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Notes that the endpoints are served on an address; from then on, all clones of the gate know it.
    ///
    /// On loopback addresses alone, only the names of loopback are accepted besides the
    /// [`hosts`](Self::hosts).
    pub fn serves(&self, address: SocketAddr) {
        let bit = if address.ip().to_canonical().is_loopback() { LOOPBACK } else { OTHERS };
        self.bound.fetch_or(bit, Ordering::Relaxed);
    }

    /// Puts the gate before routes that everybody may use: it refuses pages of other sites.
    ///
    /// Methods other than GET, HEAD, OPTIONS and TRACE change state. Each answer says that it must not
    /// be shown in a frame, and that its type is not to be guessed. It costs a request about 150 ns.
    pub fn protect<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        Guard { access: Arc::default(), ..Guard::of(self) }.before(router)
    }

    /// Puts the gate before routes for those who may read our endpoints: as [`protect`](Self::protect),
    /// and it asks for the [`credentials`](Self::credentials) and checks the
    /// [`networks`](Self::networks).
    pub fn restrict<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        Guard::of(self).before(router)
    }

    /// Checks the name by which the service is addressed.
    fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        let is_ours = host(uri, headers).is_none_or(|host| self.is_our_host(host));
        if is_ours {
            return Ok(());
        }
        let message = "the request's `Host` is not a name of this service: add it to the `hosts`";
        Err(ApiError::foreign_host(message))
    }

    /// Checks the page from which a request comes.
    pub(crate) fn check_origin(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let is_allowed = match origins.next() {
            None => !is_foreign_site(headers),
            Some(origin) => {
                let origin = origin.to_str().ok().filter(|_| origins.next().is_none());
                let is_ours = |origin| {
                    let host = host(uri, headers);
                    host.is_some_and(|host| is_same(origin, host)) && !is_foreign_site(headers)
                };
                origin.is_some_and(|origin| self.is_listed(origin) || is_ours(origin))
            }
        };
        if is_allowed {
            return Ok(());
        }
        let message = "pages of this origin may not do that: add it to the `origins`, or serve the page \
                       from the same host and port";
        Err(ApiError::foreign_origin(message))
    }

    fn is_our_host(&self, host: &str) -> bool {
        let knows_its_names =
            !self.hosts.is_empty() || self.bound.load(Ordering::Relaxed) == LOOPBACK;
        if !knows_its_names {
            return true;
        }
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host();
        // No one can let a number resolve to another one.
        let address = name.trim_start_matches('[').trim_end_matches(']');
        let is_address = address.parse::<std::net::IpAddr>().is_ok();
        let is_listed = self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name));
        is_address || is_listed || is_loopback(name)
    }

    fn is_listed(&self, origin: &str) -> bool {
        self.origins.iter().any(|listed| listed == ANY || listed.eq_ignore_ascii_case(origin))
    }
}

/// The state of a gate's middleware.
#[derive(Debug)]
pub(crate) struct Guard {
    gate: Gate,
    /// The rules for who may read, which not all routes have.
    access: Arc<Access>,
    /// The layer whose operation the requests are not of.
    requests: Option<RequestLayer>,
    /// Counts the clients that may not read.
    denied: Option<Denied>,
    /// Kept for as long as the router lives.
    _kept: Vec<Arc<dyn Any + Send + Sync>>,
}

/// The counters of clients that may not read.
#[derive(Debug)]
pub(crate) struct Denied {
    pub(crate) by_network: Counter,
    pub(crate) by_credential: Counter,
}

impl Guard {
    /// Makes the guard with all rules of a gate.
    pub(crate) fn of(gate: &Gate) -> Self {
        let (gate, access) = (gate.clone(), gate.access.clone());
        Self { gate, access, requests: None, denied: None, _kept: Vec::new() }
    }

    /// Keeps the requests out of the operation of this layer.
    pub(crate) fn set_aside(self, requests: Option<RequestLayer>) -> Self {
        Self { requests, ..self }
    }

    /// Counts the clients that may not read.
    pub(crate) fn count(self, denied: Option<Denied>) -> Self {
        Self { denied, ..self }
    }

    /// Keeps values for as long as the router lives.
    pub(crate) fn keep(self, kept: Vec<Arc<dyn Any + Send + Sync>>) -> Self {
        Self { _kept: kept, ..self }
    }

    /// Puts the guard before the routes of a router.
    pub(crate) fn before<S: Clone + Send + Sync + 'static>(self, router: Router<S>) -> Router<S> {
        router.layer(from_fn_with_state(Arc::new(self), pass))
    }

    /// Returns the answer to a request that does not pass.
    fn refuse(&self, request: &Request) -> Option<Response> {
        let (uri, headers) = (request.uri(), request.headers());
        if let Err(refused) = self.gate.check_host(uri, headers) {
            return Some(refused.into_response());
        }
        if let Err(denial) = self.access.check(uri.path(), headers, request.extensions()) {
            self.counted(denial);
            return Some(self.access.refuse(denial));
        }
        if request.method().is_safe() {
            return None;
        }
        self.gate.check_origin(uri, headers).err().map(ApiError::into_response)
    }

    fn counted(&self, denial: Denial) {
        let Some(denied) = &self.denied else { return };
        match denial {
            Denial::Network => denied.by_network.inc(),
            Denial::Credential => denied.by_credential.inc(),
        }
    }
}

/// Lets a request pass, or refuses it.
async fn pass(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if let (Some(requests), Some(matched)) =
        (&guard.requests, request.extensions().get::<MatchedPath>())
    {
        requests.set_aside(matched.as_str());
    }
    let mut response = match guard.refuse(&request) {
        None => next.run(request).await,
        Some(refused) => refused,
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

/// Returns the name by which a request addresses the service; browsers always send one.
fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    match headers.get(header::HOST) {
        // What is no text is no name.
        Some(host) => Some(host.to_str().unwrap_or_default()),
        // HTTP/2 has it in the URI.
        None => uri.authority().map(Authority::as_str),
    }
}

/// Returns `true` if a browser says that a request comes from a page of another origin.
fn is_foreign_site(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE);
    site.is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// Returns `true` for a name that browsers resolve to a loopback address, whoever answers for it.
fn is_loopback(name: &str) -> bool {
    let is = |suffix: &str| {
        let start = name.len().checked_sub(suffix.len());
        start.and_then(|at| name.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    name.eq_ignore_ascii_case("localhost") || is(".localhost")
}

/// Returns `true` if an origin such as `https://example.com:8443` has this host and port.
fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let [origin, host] = [authority, host].map(|it| it.strip_suffix(default_port).unwrap_or(it));
    !host.is_empty() && origin.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests;

//! The gate before our endpoints: it refuses what a page of another site asks for.
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
use node0_request_layer::RequestLayer;

use crate::endpoints::ApiError;

/// The rules for the headers `Host`, `Origin` and `Sec-Fetch-Site`; clones share the addresses.
///
/// [`Routes::gate`](crate::Routes::gate) puts it before our endpoints, and [`Gate::protect`] before
/// those of the host.
///
/// ```
/// use axum::{Router, routing::post};
/// use node0_http_glue::Gate;
///
/// let gate = Gate::new().hosts(["ops.example"]);
/// let switches: Router = gate.protect(Router::new().route("/restart", post(|| async {})));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gate {
    origins: Arc<[String]>,
    hosts: Arc<[String]>,
    bound: Arc<AtomicU8>,
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

    /// Notes that the endpoints are served on an address; from then on, all clones of the gate know it.
    ///
    /// On loopback addresses alone, only the names of loopback are accepted besides the
    /// [`hosts`](Self::hosts).
    pub fn serves(&self, address: SocketAddr) {
        let bit = if address.ip().to_canonical().is_loopback() { LOOPBACK } else { OTHERS };
        self.bound.fetch_or(bit, Ordering::Relaxed);
    }

    /// Puts the gate before the routes of a router.
    ///
    /// Methods other than GET, HEAD, OPTIONS and TRACE change state. Each answer says that it must not
    /// be shown in a frame, and that its type is not to be guessed. It costs a request about 150 ns.
    pub fn protect<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        self.guard(router, None, Vec::new())
    }

    /// Puts the gate before the routes of a router, whose requests are not of the operation of all.
    pub(crate) fn guard<S: Clone + Send + Sync + 'static>(
        &self,
        router: Router<S>,
        requests: Option<RequestLayer>,
        kept: Vec<Arc<dyn Any + Send + Sync>>,
    ) -> Router<S> {
        let guard = Arc::new(Guard { gate: self.clone(), requests, _kept: kept });
        router.layer(from_fn_with_state(guard, pass))
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
struct Guard {
    gate: Gate,
    /// The layer whose operation the requests are not of.
    requests: Option<RequestLayer>,
    /// Kept for as long as the router lives.
    _kept: Vec<Arc<dyn Any + Send + Sync>>,
}

/// Lets a request pass, or refuses it.
async fn pass(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if let (Some(requests), Some(matched)) =
        (&guard.requests, request.extensions().get::<MatchedPath>())
    {
        requests.set_aside(matched.as_str());
    }
    let (uri, headers) = (request.uri(), request.headers());
    let checked = guard.gate.check_host(uri, headers);
    let checked = match request.method().is_safe() {
        true => checked,
        false => checked.and_then(|()| guard.gate.check_origin(uri, headers)),
    };
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
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
mod tests {
    use super::*;

    fn headers(host: &'static str, others: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let host = HeaderValue::from_bytes(host.as_bytes()).expect("no control characters");
        headers.insert(header::HOST, host);
        for (name, value) in others {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn lets_in(gate: &Gate, host: &'static str) -> bool {
        gate.check_host(&Uri::from_static("/"), &headers(host, &[])).is_ok()
    }

    fn allows(gate: &Gate, host: &'static str, origins: &[&'static str]) -> bool {
        let origins: Vec<_> = origins.iter().map(|origin| ("origin", *origin)).collect();
        gate.check_origin(&Uri::from_static("/"), &headers(host, &origins)).is_ok()
    }

    #[test]
    fn only_pages_of_the_same_host_and_port_pass_by_default() {
        let gate = Gate::new();
        let check = |host, origin, expected| {
            assert_eq!(allows(&gate, host, &[origin]), expected, "{origin} to {host}");
        };
        check("a.example", "http://a.example", true);
        check("a.example", "https://A.example", true);
        check("a.example:443", "https://a.example", true);
        check("127.0.0.1:3000", "http://127.0.0.1:3000", true);
        check("[::1]:3000", "http://[::1]:3000", true);
        check("a.example", "http://b.example", false);
        check("a.example:3000", "http://a.example:3001", false);
        check("a.example", "https://a.example:80", false);
        check("a.example", "https://a.example.b.example", false);
        check("a.example", "https://b.example/a.example", false);
        check("a.example", "null", false);
        check("a.example", "file://", false);
        check("a.example", "a.example", false);
        check("", "http://", false);
        assert!(allows(&gate, "a.example", &[]), "it is no browser");
        assert!(!allows(&gate, "a.example", &["http://a.example", "http://b.example"]));
    }

    #[test]
    fn what_a_browser_says_of_the_site_counts_too() {
        let check = |gate: &Gate, others: &[_], expected| {
            let checked = gate.check_origin(&Uri::from_static("/"), &headers("a.example", others));
            assert_eq!(checked.is_ok(), expected, "{others:?}");
        };
        let (gate, ours) = (Gate::new(), ("origin", "http://a.example"));
        for (site, expected) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
        {
            check(&gate, &[("sec-fetch-site", site)], expected);
            check(&gate, &[("sec-fetch-site", site), ours], expected);
        }
        let listed = Gate::new().origins(["https://ops.example"]);
        check(
            &listed,
            &[("sec-fetch-site", "cross-site"), ("origin", "https://ops.example")],
            true,
        );
    }

    #[test]
    fn listed_origins_pass_and_a_star_lets_all_pass() {
        let list = Gate::new().origins(["https://ops.example"]);
        assert!(allows(&list, "a.example", &["https://ops.example"]));
        assert!(!allows(&list, "a.example", &["https://other.example"]));
        let any = Gate::new().origins([ANY]);
        assert!(allows(&any, "a.example", &["https://other.example"]));
        assert!(allows(&any, "a.example", &["null"]));
    }

    #[test]
    fn with_a_list_of_hosts_a_foreign_name_for_our_address_is_refused() {
        let gate = Gate::new().hosts(["a.example"]);
        for host in ["rebound.example:3000", "localhost.example", "notlocalhost", "", "a b", "ü"] {
            assert!(!lets_in(&gate, host), "{host}");
        }
        let ours = ["A.example", "a.example:3000", "localhost:3000", "api.localhost", "[::1]:1"];
        for host in ours.into_iter().chain(["127.0.0.1:1", "10.0.0.7"]) {
            assert!(lets_in(&gate, host), "{host}");
        }
        let without = gate.check_host(&Uri::from_static("/"), &HeaderMap::new());
        assert!(without.is_ok(), "each browser sends a host");
        let http2 = Uri::from_static("http://rebound.example/");
        assert!(gate.check_host(&http2, &HeaderMap::new()).is_err());
    }

    #[test]
    fn a_service_on_loopback_alone_has_no_other_names() {
        let gate = Gate::new();
        assert!(lets_in(&gate, "rebound.example"));
        gate.clone().serves("127.0.0.1:3000".parse().expect("an address"));
        assert!(!lets_in(&gate, "rebound.example") && lets_in(&gate, "localhost:3000"));
        gate.serves("[::ffff:127.0.0.2]:3000".parse().expect("an address"));
        assert!(!lets_in(&gate, "rebound.example"));
        gate.serves("0.0.0.0:3000".parse().expect("an address"));
        assert!(lets_in(&gate, "shop.example"), "we do not know by which names it is known");
    }
}

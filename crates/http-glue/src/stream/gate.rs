//! The pages that may read the stream.
//!
//! A browser lets any page open a WebSocket to any server, and sends the page's origin with it. So a
//! page of another site could read the stream of a service in the network of its visitor, unless the
//! service checks the origin. Clients that are no browsers send none.
//!
//! An origin with the host of the request is the service's own page, but only if the name of the host
//! is right: the owner of a foreign name can let it resolve to an address in the visitor's network
//! (DNS rebinding), and then both headers have that name. A service that knows its names can list
//! them.

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

use crate::endpoints::ApiError;

/// The rules for the headers `Origin` and `Host`.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    pub(super) origins: Vec<String>,
    pub(super) hosts: Vec<String>,
}

/// Allows every origin.
const ANY: &str = "*";

impl Gate {
    /// Checks the headers of a request.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        // HTTP/2 has the host in the URI.
        let host = host.or(uri.authority().map(Authority::as_str));
        if !self.is_our_host(host) {
            let message = "the request's `Host` is not a name of this service: add it to the hosts of \
                           the stream";
            return Err(ApiError::foreign_origin(message));
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(()) };
        let origin = origin.to_str().ok().filter(|_| origins.next().is_none());
        if origin.is_some_and(|origin| self.is_allowed(origin, host)) {
            return Ok(());
        }
        let message = "pages of this origin may not read the stream: add it to the origins of the \
                       stream, or serve the page from the same host and port";
        Err(ApiError::foreign_origin(message))
    }

    fn is_our_host(&self, host: Option<&str>) -> bool {
        if self.hosts.is_empty() {
            return true;
        }
        let Some(Ok(authority)) = host.map(str::parse::<Authority>) else { return false };
        let name = authority.host();
        // No one can let a number resolve to another one.
        let address = name.trim_start_matches('[').trim_end_matches(']');
        let is_address = address.parse::<std::net::IpAddr>().is_ok();
        let is_listed = self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name));
        is_address || is_listed || name.eq_ignore_ascii_case("localhost")
    }

    fn is_allowed(&self, origin: &str, host: Option<&str>) -> bool {
        let is_listed = |listed: &String| listed == ANY || listed.eq_ignore_ascii_case(origin);
        self.origins.iter().any(is_listed) || host.is_some_and(|host| is_same(origin, host))
    }
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
    use http::HeaderValue;

    use super::*;

    fn allows(gate: &Gate, host: &'static str, origins: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        gate.check(&Uri::from_static("/metrics/stream"), &headers).is_ok()
    }

    #[test]
    fn only_pages_of_the_same_host_and_port_pass_by_default() {
        let gate = Gate::default();
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
    fn listed_origins_pass_and_a_star_lets_all_pass() {
        let list = Gate { origins: vec!["https://ops.example".to_owned()], ..Gate::default() };
        assert!(allows(&list, "a.example", &["https://ops.example"]));
        assert!(!allows(&list, "a.example", &["https://other.example"]));
        let any = Gate { origins: vec![ANY.to_owned()], ..Gate::default() };
        assert!(allows(&any, "a.example", &["https://other.example"]));
        assert!(allows(&any, "a.example", &["null"]));
    }

    #[test]
    fn with_a_list_of_hosts_a_foreign_name_for_our_address_is_refused() {
        let gate = Gate { hosts: vec!["a.example".to_owned()], ..Gate::default() };
        assert!(!allows(&gate, "rebound.example:3000", &["http://rebound.example:3000"]));
        assert!(!allows(&gate, "rebound.example:3000", &[]), "a page sends no origin for a GET");
        for host in ["A.example", "a.example:3000", "localhost:3000", "127.0.0.1:1", "[::1]:1"] {
            assert!(allows(&gate, host, &[]), "{host}");
        }
        assert!(!allows(&gate, "", &[]));
    }
}

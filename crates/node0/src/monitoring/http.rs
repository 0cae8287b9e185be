//! The settings of what a monitoring does with HTTP: the requests that it records, and its endpoints.

use std::time::Duration;

use node0_http_glue::{Credential, Gate, Network, Serve};
use node0_request_layer::RequestLayer;

use super::{Monitoring, MonitoringBuilder};

/// Settings for the requests to a service, and for the endpoints of its monitoring.
///
/// ```
/// use node0::Monitoring;
/// use std::time::Duration;
///
/// let monitoring = Monitoring::builder()
///     .http(|http| {
///         http.ignore(["/healthz", "/internal/*"])
///             .buckets(&[0.01, 0.1, 1.0, 10.0])
///             .streams_after(Duration::from_secs(2))
///             .hosts(["shop.example"])
///     })
///     .build()?;
/// # drop(monitoring);
/// # Ok::<(), node0::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "return it from the function that `MonitoringBuilder::http` calls"]
pub struct HttpSettings {
    ignored: Vec<Box<str>>,
    pub(super) buckets: Option<Vec<f64>>,
    streams_after: Option<Duration>,
    pub(super) counts_failures: bool,
    gives_peers: bool,
    pub(super) gate: Gate,
    body_timeout: Option<Duration>,
    request_timeout: Option<Duration>,
    max_connections_per_peer: Option<usize>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            ignored: Vec::new(),
            buckets: None,
            streams_after: None,
            counts_failures: true,
            gives_peers: true,
            gate: Gate::new(),
            body_timeout: None,
            request_timeout: None,
            max_connections_per_peer: None,
        }
    }
}

impl HttpSettings {
    /// Keeps requests to more routes out of the operations `http:request` and `http:requests`, which
    /// are judged; by default only the endpoints of the monitoring are kept out.
    ///
    /// They are still recorded by route. Routes are named by their templates; one that ends in `*`
    /// names all that begin so. `_unmatched` stands for requests that no route matched.
    pub fn ignore<R: Into<Box<str>>>(mut self, routes: impl IntoIterator<Item = R>) -> Self {
        self.ignored.extend(routes.into_iter().map(Into::into));
        self
    }

    /// Sets the upper bounds in seconds of the exported buckets of
    /// `http_server_request_duration_seconds`; by default 14 bounds from 5 ms to 10 s.
    ///
    /// Quantiles in reports do not depend on them.
    pub fn buckets(mut self, bounds: &[f64]) -> Self {
        self.buckets = Some(bounds.to_vec());
        self
    }

    /// Sets the time after its head from which on a body of unknown length is a stream, so that its
    /// request counts by the time to the head; 5 s by default.
    ///
    /// Event streams, upgrades and responses with the mark [`LongLived`](crate::LongLived) always
    /// are.
    pub fn streams_after(mut self, length: Duration) -> Self {
        self.streams_after = Some(length);
        self
    }

    /// Does not judge how many requests fail; by default too many answers with a status of 500 or above
    /// are a finding, see [`Thresholds::failing`](crate::performance::Thresholds::failing).
    pub fn without_failures(mut self) -> Self {
        self.counts_failures = false;
        self
    }

    /// Does not give requests the address of their client in [`Monitoring::serve`], which saves each an
    /// allocation; by default they have axum's `ConnectInfo<SocketAddr>`.
    pub fn without_connect_info(mut self) -> Self {
        self.gives_peers = false;
        self
    }

    /// Refuses requests to the endpoints under other names than these, addresses of numbers and the
    /// names of loopback; see [`Gate::hosts`]. By default every name is accepted, unless
    /// [`Monitoring::serve`] listens on a loopback address alone.
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.gate = self.gate.hosts(hosts);
        self
    }

    /// Lets pages of these origins, such as `https://ops.example`, read the stream; `*` means all. By
    /// default only pages of the same host and port may. See [`Gate::origins`].
    pub fn origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.gate = self.gate.origins(origins);
        self
    }

    /// Lets only clients with one of these secrets read the endpoints, the stream and the page; see
    /// [`Gate::credentials`]. By default no secret is needed.
    ///
    /// ```
    /// use node0::{Credential, Monitoring};
    ///
    /// let scraper = Credential::bearer("8f2a61c09d3b4e57")?;
    /// let person = Credential::basic("ops", "correct horse battery")?;
    /// let monitoring = Monitoring::builder()
    ///     .http(|http| http.credentials([scraper, person]).open_probes())
    ///     .build()?;
    /// # drop(monitoring);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn credentials(mut self, credentials: impl IntoIterator<Item = Credential>) -> Self {
        self.gate = self.gate.credentials(credentials);
        self
    }

    /// Lets only clients with an address in these networks read the endpoints, the stream and the page;
    /// see [`Gate::networks`]. By default the address does not matter.
    ///
    /// [`Monitoring::serve`] then always gives requests the address of their client.
    pub fn networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.gate = self.gate.networks(networks);
        self
    }

    /// Lets everybody read the probes; by default the [`credentials`](Self::credentials) and
    /// [`networks`](Self::networks) are needed there too. See [`Gate::open_probes`].
    pub fn open_probes(mut self) -> Self {
        self.gate = self.gate.open_probes();
        self
    }

    /// Returns `true` if requests get the address of their client.
    pub(super) fn gives_peers(&self) -> bool {
        self.gives_peers || self.gate.needs_peers()
    }

    /// Limits the time that handlers wait for more of a request's body in [`Monitoring::serve`]; 10 s by
    /// default, see [`Serve::body_timeout`].
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = Some(timeout);
        self
    }

    /// Limits the time that handlers wait for a request's body in all in [`Monitoring::serve`]; 5 min by
    /// default, see [`Serve::request_timeout`].
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// Limits the open connections of one client in [`Monitoring::serve`]; three quarters of all by
    /// default, see [`Serve::max_connections_per_peer`]. Behind a proxy raise it to all of them.
    pub fn max_connections_per_peer(mut self, connections: usize) -> Self {
        self.max_connections_per_peer = Some(connections);
        self
    }

    /// Applies the limits on clients to a server.
    pub(super) fn limit<L, S>(&self, server: Serve<L, S>) -> Serve<L, S> {
        let server = self.body_timeout.into_iter().fold(server, Serve::body_timeout);
        let server = self.request_timeout.into_iter().fold(server, Serve::request_timeout);
        self.max_connections_per_peer.into_iter().fold(server, Serve::max_connections_per_peer)
    }

    /// Applies the settings of what is recorded.
    pub(super) fn apply_to(&self, requests: RequestLayer) -> RequestLayer {
        let requests = requests.ignore(self.ignored.clone());
        self.streams_after.into_iter().fold(requests, RequestLayer::streams_after)
    }
}

impl MonitoringBuilder {
    /// Changes the settings of requests and endpoints; see [`HttpSettings`] for the defaults.
    pub fn http(mut self, settings: impl FnOnce(HttpSettings) -> HttpSettings) -> Self {
        self.http = settings(self.http);
        self
    }
}

impl Monitoring {
    /// Returns the gate before the endpoints, to [protect](Gate::protect) routes of the host's own that
    /// change state.
    pub fn gate(&self) -> &Gate {
        &self.inner.http.gate
    }
}

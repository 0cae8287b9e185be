//! The stream of a monitoring, and its settings.

use std::borrow::Cow;

use node0_aggregator::Events;
use node0_http_glue::{Routes, StreamEndpoint};
use node0_metrics_core::{RegisterError, Registry};
use node0_streaming::{StartError, Streaming};

use super::{Monitoring, MonitoringBuilder};

/// The most clients of the stream unless the host says otherwise.
const MAX_CLIENTS: usize = 10_000;

/// The settings of the stream, and of its endpoint.
#[derive(Clone, Debug)]
pub(super) struct StreamSettings {
    is_enabled: bool,
    path: Cow<'static, str>,
    max_clients: Option<usize>,
    max_clients_per_ip: Option<usize>,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            is_enabled: false,
            path: "/metrics/stream".into(),
            max_clients: None,
            max_clients_per_ip: None,
        }
    }
}

impl MonitoringBuilder {
    /// Adds `/metrics/stream`, which sends the present over a WebSocket, or as server-sent events;
    /// off by default.
    ///
    /// It costs a thread, and a few KB for each client, which also takes one of the server's
    /// connections.
    pub fn enable_streaming(mut self) -> Self {
        self.stream.is_enabled = true;
        self
    }

    /// Sets the path of the stream; `/metrics/stream` by default.
    pub fn streaming_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.stream.path = path.into();
        self
    }

    /// Limits the clients that read the stream at the same time; others get a 503.
    ///
    /// By default it is 10 000, and at most half of the connections that a server takes: see
    /// [`MonitoringBuilder::max_connections`].
    pub fn streaming_max_clients(mut self, clients: usize) -> Self {
        self.stream.max_clients = Some(clients);
        self
    }

    /// Limits the streams of one IP address; no limit by default.
    ///
    /// It needs a server that tells the address: see [`StreamEndpoint::max_clients_per_ip`].
    pub fn streaming_max_clients_per_ip(mut self, clients: usize) -> Self {
        self.stream.max_clients_per_ip = Some(clients);
        self
    }
}

impl Monitoring {
    /// Returns the stream, to read it within the process; `None` if it is not enabled.
    ///
    /// ```
    /// use node0::Monitoring;
    /// use node0::streaming::{Kind, Transport, Wanted};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let monitoring = Monitoring::builder().enable_streaming().build()?;
    /// let streaming = monitoring.streaming().expect("it is enabled");
    /// let mut session = streaming.open(&Wanted::topics(["system"]), Transport::WebSocket)?;
    /// assert_eq!(session.next().await?.kind, Kind::Snapshot);
    /// session.end();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn streaming(&self) -> Option<&Streaming> {
        self.inner.streaming.get()
    }
}

impl StreamSettings {
    /// Returns the path of the stream.
    pub(super) fn path(&self) -> Cow<'static, str> {
        self.path.clone()
    }

    /// Starts the stream if it is enabled, beside a server with so many connections.
    pub(super) fn start(
        &self,
        registry: &Registry,
        connections: usize,
        events: impl FnOnce() -> Events,
    ) -> Result<Option<Streaming>, StartError> {
        let max_clients = self.max_clients.unwrap_or(MAX_CLIENTS.min(connections / 2));
        let builder = Streaming::builder().max_clients(max_clients);
        self.is_enabled.then(|| builder.start(registry, events())).transpose()
    }

    /// Adds the endpoint of the stream.
    pub(super) fn add_to(
        &self,
        routes: Routes,
        registry: &Registry,
        streaming: &Streaming,
    ) -> Result<Routes, RegisterError> {
        let endpoint = StreamEndpoint::register(registry, streaming)?.path(self.path.clone());
        let per_ip = self.max_clients_per_ip.into_iter();
        Ok(routes.surface(per_ip.fold(endpoint, StreamEndpoint::max_clients_per_ip)))
    }

    /// Returns `true` if the addresses of clients count.
    pub(super) fn counts_addresses(&self) -> bool {
        self.is_enabled && self.max_clients_per_ip.is_some()
    }
}

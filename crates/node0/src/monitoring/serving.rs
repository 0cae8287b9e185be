//! Serving a router that is watched, and its shutdown.

use axum::Router;
use node0_http_glue::{RoutesError, Shutdown, serve};
use node0_metrics_core::RegisterError;
use node0_request_layer::{RequestLayer, WatchedRouter};
use tokio::net::TcpListener;

use super::{Monitoring, MonitoringBuilder};
use crate::signal::stop_signal;

impl MonitoringBuilder {
    /// Limits the open connections of [`Monitoring::serve`]; the default leaves a quarter of the
    /// process's file descriptors to everything else, see
    /// [`Serve::max_connections`](crate::Serve::max_connections).
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = Some(connections);
        self
    }
}

impl Monitoring {
    /// Returns the layer that records requests: for `Serve::record` of [`serve`](crate::serve()), for
    /// `Router::layer`, and for services other than an axum router.
    ///
    /// If a router with the layer is also [watched](Monitoring::watch), or served by
    /// [`Monitoring::serve`], the layer does nothing: each request counts once.
    pub fn layer(&self) -> RequestLayer {
        self.inner.requests.clone()
    }

    /// Wraps a router so that all requests are recorded by their route templates, under any server.
    ///
    /// Under [`serve`](crate::serve()), `record` with [`Monitoring::layer`] costs half as much.
    pub fn watch(&self, router: Router) -> WatchedRouter {
        self.inner.requests.wrap(router)
    }

    /// Returns the shutdown of the service, which first sets readiness to `Draining`, and closes the
    /// stream.
    ///
    /// There is one: to begin it ends [`Monitoring::serve`], and each server that it is given to.
    ///
    /// # Panics
    /// Outside a tokio runtime: see [`Monitoring::readiness`].
    pub fn shutdown(&self) -> Shutdown {
        let shutdown = self.inner.shutdown.get_or_init(|| {
            let shutdown = Shutdown::new().readiness(self.readiness());
            match self.streaming().cloned() {
                Some(streaming) => shutdown.at_begin(move || streaming.close()),
                None => shutdown,
            }
        });
        shutdown.clone()
    }

    /// Serves a router and records its requests, until SIGTERM, Ctrl-C or the
    /// [shutdown](Monitoring::shutdown); then shuts down gracefully.
    ///
    /// Requests have the address of their client, as axum's `ConnectInfo<SocketAddr>`, unless
    /// [`HttpSettings::without_connect_info`](crate::HttpSettings::without_connect_info) is set.
    ///
    /// For other limits or drain times use [`serve`](crate::serve()) with [`Monitoring::layer`] and
    /// [`Monitoring::shutdown`].
    ///
    /// # Errors
    /// [`RegisterError`] when the registry has its maximum of metric names.
    pub async fn serve(&self, listener: TcpListener, router: Router) -> Result<(), RegisterError> {
        let shutdown = self.shutdown();
        self.note_address(&listener);
        let server = serve(listener, router).record(&self.inner.requests).shutdown(&shutdown);
        let server = server.metrics(&self.inner.registry)?;
        let server = server.max_connections(self.inner.max_connections);
        let server = self.inner.http.limit(server);
        let server = match self.inner.http.gives_peers() || self.inner.stream.counts_addresses() {
            true => server.connect_info(),
            false => server,
        };
        let on_signal = async {
            stop_signal().await;
            shutdown.begin();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = server.run() => {}
            () = on_signal => {}
        }
        Ok(())
    }

    /// Serves the endpoints of the monitoring alone, on an address of their own, until the
    /// [shutdown](Monitoring::shutdown); spawn the future that it returns.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use node0::{Monitoring, bind};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let monitoring = Monitoring::builder().build()?;
    /// tokio::spawn(monitoring.serve_routes(bind("127.0.0.1:0").await?)?);
    ///
    /// let app = Router::new().route("/", get(|| async { "hello" }));
    /// # monitoring.shutdown().abort();
    /// monitoring.serve(bind("127.0.0.1:0").await?, app).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// Its requests are recorded by route, as those of [`Monitoring::serve`].
    ///
    /// # Errors
    /// [`RoutesError`] when the registry has its maximum of metric names.
    ///
    /// # Panics
    /// Outside a tokio runtime: see [`Monitoring::readiness`].
    pub fn serve_routes(
        &self,
        listener: TcpListener,
    ) -> Result<impl Future<Output = ()> + Send + use<>, RoutesError> {
        self.note_address(&listener);
        let server = serve(listener, self.routes()?).record(&self.inner.requests);
        let server = server.shutdown(&self.shutdown()).connect_info();
        Ok(server.metrics(&self.inner.registry)?.run())
    }

    /// Tells the gate where the endpoints are served.
    fn note_address(&self, listener: &TcpListener) {
        if let Ok(address) = listener.local_addr() {
            self.gate().serves(address);
        }
    }
}

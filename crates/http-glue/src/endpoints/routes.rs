//! The endpoints.
//!
//! One router with everything that is read: pages for Prometheus, reports by
//! topic, health for people and for probes. A topic's endpoint is there because
//! its monitor is, so a monitor of the host's own needs nothing here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::Router;
use axum::routing::{MethodRouter, get};
use exporter::{Exporter, ScrapeMetrics};
use metrics_core::{RegisterError, Registry};

use super::error::ApiError;
use super::render_slots::RenderSlots;
use super::{health, pages};
use crate::readiness::Readiness;
use crate::server::refusals;

/// Builds the router of all endpoints.
///
/// | path | what |
/// | --- | --- |
/// | `/metrics?naming=standard\|classic\|both` | a page for Prometheus |
/// | `/metrics/{topic}` | the report of a topic, of one instance if the topic's parameter names it |
/// | `/metrics/export.json` | all families |
/// | `/health/performance?detailed=&metrics=` | the judgement, 503 when it is unhealthy |
/// | `/health/live`, `/livez` | 200 while the process runs |
/// | `/health/ready`, `/readyz` | 200 while traffic is welcome |
///
/// ```
/// use axum::Router;
/// use exporter::Exporter;
/// use http_glue::{Readiness, Routes};
/// use metrics_core::Registry;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let registry = Registry::new();
/// let readiness = Readiness::builder(&registry).start();
/// let routes = Routes::new(&registry, Exporter::new(), &readiness).version("1.0.0");
/// let app: Router = Router::new().merge(routes.router()?);
/// # Ok::<(), metrics_core::RegisterError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `router` to get the endpoints"]
pub struct Routes {
    registry: Registry,
    exporter: Arc<Exporter>,
    readiness: Readiness,
    version: Option<String>,
    appendix: Option<Appendix>,
    renders: usize,
    render_timeout: Duration,
}

/// What the host adds to pages.
#[derive(Clone)]
pub(super) struct Appendix(pub(super) Arc<Append>);

type Append = dyn Fn(&mut Vec<u8>) + Send + Sync;

impl fmt::Debug for Appendix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Appendix(..)")
    }
}

/// What the handlers share.
#[derive(Debug)]
pub(super) struct Surface {
    pub(super) registry: Registry,
    pub(super) exporter: Arc<Exporter>,
    pub(super) scrapes: ScrapeMetrics,
    pub(super) readiness: Readiness,
    pub(super) version: Option<String>,
    pub(super) appendix: Option<Appendix>,
    pub(super) slots: RenderSlots,
    /// The size of the last page, for the buffer of the next.
    pub(super) page_bytes: AtomicUsize,
}

impl Routes {
    /// The endpoints of a registry.
    pub fn new(
        registry: &Registry,
        exporter: impl Into<Arc<Exporter>>,
        readiness: &Readiness,
    ) -> Self {
        Self {
            registry: registry.clone(),
            exporter: exporter.into(),
            readiness: readiness.clone(),
            version: None,
            appendix: None,
            renders: 4,
            render_timeout: Duration::from_secs(10),
        }
    }

    /// The host's version in `/health/performance`, as `env!("CARGO_PKG_VERSION")`; `null` by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Has the host add to each page for Prometheus what else it has; nothing by default.
    ///
    /// It is given the page as it stands, in text or in OpenMetrics with its last
    /// line, and runs where pages are made: within their number and their time.
    pub fn appendix(mut self, append: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Self {
        self.appendix = Some(Appendix(Arc::new(append)));
        self
    }

    /// The most pages, and reports of each topic, that are made at once; 4 by default.
    pub fn max_renders(mut self, renders: usize) -> Self {
        self.renders = renders.max(1);
        self
    }

    /// How long a page or report may take; 10 s by default.
    pub fn render_timeout(mut self, timeout: Duration) -> Self {
        self.render_timeout = timeout;
        self
    }

    /// The router, to be merged into the host's or served on an address of its own.
    ///
    /// # Errors
    /// [`RegisterError`] when the registry is out of names.
    pub fn router<S>(self) -> Result<Router<S>, RegisterError>
    where
        S: Clone + Send + Sync + 'static,
    {
        let refused = refusals(&self.registry, "renders")?;
        let surface = Arc::new(Surface {
            scrapes: ScrapeMetrics::register(&self.registry)?,
            registry: self.registry,
            exporter: self.exporter,
            readiness: self.readiness,
            version: self.version,
            appendix: self.appendix,
            slots: RenderSlots::new(self.renders, self.render_timeout, refused),
            page_bytes: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/metrics", read_only(get(pages::page)))
            .route("/metrics/export.json", read_only(get(pages::export)))
            .route("/metrics/{topic}", read_only(get(pages::topic)))
            .route("/health/performance", read_only(get(health::performance)))
            .route("/health/live", read_only(get(health::live)))
            .route("/livez", read_only(get(health::live)))
            .route("/health/ready", read_only(get(health::ready)))
            .route("/readyz", read_only(get(health::ready)));
        Ok(router.with_state(surface))
    }
}

fn read_only(methods: MethodRouter<Arc<Surface>>) -> MethodRouter<Arc<Surface>> {
    methods.fallback(async || ApiError::read_only())
}

//! The router of all endpoints.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use node0_exporter::{Exporter, ScrapeMetrics};
use node0_http_server::{REQUESTS_REFUSED, Readiness};
use node0_metrics_core::{RegisterError, Registry};
use node0_request_layer::RequestLayer;

use super::health::Health;
use super::index::{Index, Mounted};
use super::openapi::OpenApi;
use super::pages::{Appendix, Pages};
use super::paths::Paths;
use super::probes::Probes;
use super::render_slots::{RenderLimits, RenderSlots};
use super::reports::Reports;
use super::surface::{Mount, Surface};
use crate::gate::{Denied, Gate, Guard};

/// Builds the router of all endpoints.
///
/// | path | answer |
/// | --- | --- |
/// | `/metrics?naming=standard\|classic\|both` | all metrics, for Prometheus |
/// | `/metrics/{topic}` | the report of a topic; of one instance if the query names it, such as `?pool=main` |
/// | `/metrics/export.json` | all metrics as JSON |
/// | `/metrics/openapi.json` | the OpenAPI description of all endpoints |
/// | `/health/performance?detailed=&metrics=` | the health of the service; 503 when it is unhealthy |
/// | `/health/live`, `/livez` | 200 while the process runs |
/// | `/health/ready`, `/readyz` | 200 while the service takes traffic, else 503 |
///
/// ```
/// use axum::Router;
/// use node0_exporter::Exporter;
/// use node0_http_glue::{Readiness, Routes};
/// use node0_metrics_core::Registry;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let registry = Registry::new();
/// let readiness = Readiness::builder(&registry).start();
/// let routes = Routes::new(&registry, Exporter::new(), &readiness).version("1.0.0");
/// let app: Router = Router::new().merge(routes.router()?);
/// # Ok::<(), node0_http_glue::RoutesError>(())
/// # }).unwrap();
/// ```
#[must_use = "call `router` to get the endpoints"]
pub struct Routes {
    registry: Registry,
    exporter: Arc<Exporter>,
    readiness: Readiness,
    version: Option<String>,
    appendix: Option<Appendix>,
    limits: RenderLimits,
    gate: Gate,
    /// The layer whose operation the requests to these endpoints are not of.
    requests: Option<RequestLayer>,
    kept: Vec<Arc<dyn Any + Send + Sync>>,
    /// The surfaces that the host adds to those of this crate.
    surfaces: Vec<Box<dyn Surface>>,
    index: Index,
}

/// An error that keeps the router from being made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoutesError {
    /// A metric that the endpoints record about themselves could not be registered.
    #[error("the endpoints' own metrics cannot be registered")]
    Register(#[from] RegisterError),
    /// Two surfaces have the same path, or paths that axum cannot have in one router.
    #[error(
        "surfaces `{first}` and `{second}` both have the path `{path}`: change it in one of them"
    )]
    PathTaken {
        /// The path, as the second surface has it.
        path: String,
        /// The name of the surface that was mounted first.
        first: &'static str,
        /// The name of the other surface.
        second: &'static str,
    },
    /// A path is malformed.
    #[error("the path `{path}` of surface `{surface}` {rule}")]
    InvalidPath {
        /// The path.
        path: String,
        /// The name of the surface that has the path.
        surface: &'static str,
        /// The rule that the path breaks.
        rule: &'static str,
    },
    /// The path is `/metrics/` with a segment that may be a topic's name, which is reserved for reports.
    #[error(
        "the path `{path}` of surface `{surface}` would hide a topic of that name: choose another path"
    )]
    PathOfTopics {
        /// The path.
        path: String,
        /// The name of the surface that has the path.
        surface: &'static str,
    },
}

impl Routes {
    /// Starts with the endpoints of this crate over a registry, with default settings.
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
            limits: RenderLimits { renders: 4, timeout: Duration::from_secs(10) },
            gate: Gate::new(),
            requests: None,
            kept: Vec::new(),
            surfaces: Vec::new(),
            index: Index::default(),
        }
    }

    /// Shows the host's version, usually `env!("CARGO_PKG_VERSION")`, in the health body and in the
    /// OpenAPI description; by default `null` in the former and `unknown` in the latter.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Calls `append` on each page for Prometheus, so that it can add other metrics; none by default.
    ///
    /// `append` gets the finished page: text, or OpenMetrics, where new lines must be inserted before
    /// the last one, `# EOF`.
    /// It is called as a [guest](node0_metrics_core::GuardedCall) named `appendix`, with the timeout of a
    /// report, on a copy of the page: if it fails, the page comes without it, and the failure is
    /// counted in `node0_guest_failures_total`.
    pub fn appendix(mut self, append: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Self {
        self.appendix = Some(Appendix(Arc::new(append)));
        self
    }

    /// Limits the number of pages, and of reports of each topic, made at once; 4 by default, at least 1.
    pub fn max_renders(mut self, renders: usize) -> Self {
        self.limits.renders = renders.max(1);
        self
    }

    /// Limits the time to make a page or a report; 10 s by default. A later one gets a 503.
    pub fn render_timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// Sets the rules by which requests are refused; [`Gate::new`] by default.
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = gate.clone();
        self
    }

    /// Keeps the requests to these endpoints out of the operation of all requests, since they are no
    /// work of the service; see [`RequestLayer::set_aside`]. By default they count as any other.
    pub fn set_aside(mut self, requests: &RequestLayer) -> Self {
        self.requests = Some(requests.clone());
        self
    }

    /// Keeps a value as long as the router, such as one whose end would end what the endpoints show.
    pub fn keep(mut self, value: impl Send + Sync + 'static) -> Self {
        self.kept.push(Arc::new(value));
        self
    }

    /// Adds endpoints of the host; see [`Surface`].
    pub fn surface(mut self, surface: impl Surface) -> Self {
        self.surfaces.push(Box::new(surface));
        self
    }

    /// Returns the list of the endpoints, which is empty until the router is made.
    pub fn index(&self) -> Index {
        self.index.clone()
    }

    /// Makes the router; merge it into the host's router, or serve it on another address.
    ///
    /// Monitors may be registered later: the endpoint of a topic answers as soon as its
    /// monitor is registered, since no surface can take its path.
    ///
    /// # Errors
    /// [`RoutesError`] when two surfaces have the same path, when a path is malformed or
    /// reserved for topics, or when the registry has its maximum of metric names.
    pub fn router<S>(self) -> Result<Router<S>, RoutesError>
    where
        S: Clone + Send + Sync + 'static,
    {
        let refused = &self.registry.counter(&REQUESTS_REFUSED, &["renders"])?;
        let (mut router, mut paths, mut mounted) = (Router::new(), Paths::default(), Vec::new());
        let ours = self.ours()?;
        for surface in ours.iter().chain(&self.surfaces) {
            let slots = RenderSlots::new(surface.limits(self.limits), refused.clone());
            for endpoint in
                surface.endpoints(&Mount::new(slots, self.index.clone(), self.gate.clone()))
            {
                let desc = endpoint.desc.mounted_by(surface.name());
                paths.take(desc.path(), desc.surface())?;
                router = router.route(desc.path(), endpoint.methods);
                mounted.push(Mounted { desc, instances: endpoint.instances });
            }
        }
        self.index.fill(mounted);
        let denied = self.denied()?;
        let guard = Guard::of(&self.gate).set_aside(self.requests).count(denied).keep(self.kept);
        Ok(guard.before(router).with_state(()))
    }

    /// Returns the counters of clients that may not read, if there may be some.
    fn denied(&self) -> Result<Option<Denied>, RegisterError> {
        if !self.gate.is_restricted() {
            return Ok(None);
        }
        let refused = |reason| self.registry.counter(&REQUESTS_REFUSED, &[reason]);
        Ok(Some(Denied { by_network: refused("network")?, by_credential: refused("credential")? }))
    }

    /// Returns the surfaces of this crate, which every router has.
    fn ours(&self) -> Result<Vec<Box<dyn Surface>>, RoutesError> {
        let (registry, version) = (&self.registry, &self.version);
        Ok(vec![
            Box::new(Pages {
                registry: registry.clone(),
                exporter: self.exporter.clone(),
                scrapes: ScrapeMetrics::register(registry)?,
                appendix: self.appendix.clone(),
            }),
            Box::new(OpenApi { version: version.clone() }),
            Box::new(Reports { registry: registry.clone() }),
            Box::new(Health { registry: registry.clone(), version: version.clone() }),
            Box::new(Probes { readiness: self.readiness.clone() }),
        ])
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let surfaces: Vec<_> = self.surfaces.iter().map(|surface| surface.name()).collect();
        f.debug_struct("Routes")
            .field("version", &self.version)
            .field("limits", &self.limits)
            .field("surfaces", &surfaces)
            .finish_non_exhaustive()
    }
}

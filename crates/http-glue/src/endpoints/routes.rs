//! The router of all endpoints.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use exporter::{Exporter, ScrapeMetrics};
use metrics_core::{RegisterError, Registry};

use super::health::Health;
use super::index::{Index, Mounted};
use super::openapi::OpenApi;
use super::pages::{Appendix, Pages};
use super::paths::Paths;
use super::probes::Probes;
use super::render_slots::{RenderLimits, RenderSlots};
use super::reports::Reports;
use super::surface::{Mount, Surface};
use crate::readiness::Readiness;
use crate::server::refusals;

/// Builds the router of all endpoints.
///
/// | path | what |
/// | --- | --- |
/// | `/metrics?naming=standard\|classic\|both` | a page for Prometheus |
/// | `/metrics/{topic}` | the report of a topic, of one instance if the topic's parameter names it |
/// | `/metrics/export.json` | all families |
/// | `/metrics/openapi.json` | the description of all endpoints |
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
/// # Ok::<(), http_glue::RoutesError>(())
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
    /// The surfaces that the host adds to ours.
    surfaces: Vec<Box<dyn Surface>>,
    index: Index,
}

/// Endpoints that cannot be mounted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoutesError {
    /// A metric of the endpoints could not be registered.
    #[error("the endpoints' own metrics cannot be registered")]
    Register(#[from] RegisterError),
    /// Two surfaces have paths between which a router cannot tell.
    #[error("surfaces `{first}` and `{second}` both have the path `{path}`: move one of them")]
    PathTaken {
        /// The path, as the second has it.
        path: String,
        /// The surface that was mounted first.
        first: &'static str,
        /// The other surface.
        second: &'static str,
    },
    /// A path is malformed.
    #[error("the path `{path}` of surface `{surface}` {rule}")]
    InvalidPath {
        /// The path.
        path: String,
        /// The surface that has it.
        surface: &'static str,
        /// The broken rule.
        rule: &'static str,
    },
    /// A path under `/metrics/` could be that of a topic.
    #[error(
        "the path `{path}` of surface `{surface}` would hide a topic of that name: move it elsewhere"
    )]
    PathOfTopics {
        /// The path.
        path: String,
        /// The surface that has it.
        surface: &'static str,
    },
}

impl Routes {
    /// Makes settings for the endpoints of a registry.
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
            surfaces: Vec::new(),
            index: Index::default(),
        }
    }

    /// Shows the host's version in `/health/performance`, usually `env!("CARGO_PKG_VERSION")`; `null` by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Calls the host's function on each page for Prometheus, to add metrics of its own; none by default.
    ///
    /// It gets the finished page, which is text, or OpenMetrics with its last
    /// line. It runs in the place of the page and counts towards its timeout.
    pub fn appendix(mut self, append: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Self {
        self.appendix = Some(Appendix(Arc::new(append)));
        self
    }

    /// Limits the pages, and the reports of each topic, that are made at once; 4 by default.
    pub fn max_renders(mut self, renders: usize) -> Self {
        self.limits.renders = renders.max(1);
        self
    }

    /// Limits the time for a page or a report; 10 s by default.
    pub fn render_timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// Adds endpoints of the host's own; see [`Surface`].
    pub fn surface(mut self, surface: impl Surface) -> Self {
        self.surfaces.push(Box::new(surface));
        self
    }

    /// Returns the index of the endpoints, which is filled when the router is made.
    pub fn index(&self) -> Index {
        self.index.clone()
    }

    /// Makes the router, to be merged into the host's or served on an address of its own.
    ///
    /// Monitors may still join: the endpoint of a topic is there as soon as its
    /// monitor is registered, since no surface can have its path.
    ///
    /// # Errors
    /// [`RoutesError`] when two surfaces have one path, a path is malformed or
    /// belongs to topics, or the registry is out of names.
    pub fn router<S>(self) -> Result<Router<S>, RoutesError>
    where
        S: Clone + Send + Sync + 'static,
    {
        let refused = refusals(&self.registry, "renders")?;
        let (mut router, mut paths, mut mounted) = (Router::new(), Paths::default(), Vec::new());
        let ours = self.ours()?;
        for surface in ours.iter().chain(&self.surfaces) {
            let slots = RenderSlots::new(surface.limits(self.limits), refused.clone());
            for endpoint in surface.endpoints(&Mount::new(slots, self.index.clone())) {
                let desc = endpoint.desc.mounted_by(surface.name());
                paths.take(desc.path(), desc.surface())?;
                router = router.route(desc.path(), endpoint.methods);
                mounted.push(Mounted { desc, instances: endpoint.instances });
            }
        }
        self.index.fill(mounted);
        Ok(router.with_state(()))
    }

    /// The surfaces that each router has.
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

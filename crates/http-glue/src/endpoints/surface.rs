//! The trait by which a part of the HTTP surface is mounted.

use super::endpoint::Endpoint;
use super::index::Index;
use super::render_slots::{RenderLimits, RenderSlots};

/// A part of the HTTP surface: its paths, its limits, and its part of the OpenAPI description.
///
/// Our own endpoints are mounted by this trait, and a host's are no different:
///
/// ```
/// use axum::extract::State;
/// use http::Uri;
/// use http_glue::{ApiError, Endpoint, EndpointDesc, Mount, Parameter, Query, Surface};
///
/// /// The names of a service's jobs.
/// #[derive(Clone)]
/// struct Jobs {
///     waiting: Vec<&'static str>,
///     done: Vec<&'static str>,
/// }
///
/// const STATE: Parameter =
///     Parameter::words("state", "Lists only jobs in this state.", &["waiting", "done"]);
///
/// impl Surface for Jobs {
///     fn name(&self) -> &'static str {
///         "jobs"
///     }
///
///     fn endpoints(&self, _: &Mount) -> Vec<Endpoint> {
///         let jobs = EndpointDesc::get("/jobs", "The names of all jobs.")
///             .parameter(STATE)
///             .returns("text/plain; charset=utf-8", "One name a line.")
///             .handler(list_jobs, self.clone());
///         vec![jobs]
///     }
/// }
///
/// async fn list_jobs(State(jobs): State<Jobs>, uri: Uri) -> Result<String, ApiError> {
///     Ok(match Query::of(&uri).text(&STATE)?.as_deref() {
///         Some("waiting") => jobs.waiting.join("\n"),
///         Some(_) => jobs.done.join("\n"),
///         None => [jobs.waiting, jobs.done].concat().join("\n"),
///     })
/// }
///
/// # use axum::Router;
/// # use exporter::Exporter;
/// # use http_glue::{Readiness, Routes};
/// # use metrics_core::Registry;
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let registry = Registry::new();
/// # let readiness = Readiness::builder(&registry).start();
/// let jobs = Jobs { waiting: vec!["mail"], done: vec!["thumbnail"] };
/// let routes = Routes::new(&registry, Exporter::new(), &readiness).surface(jobs);
/// let app: Router = routes.router()?; // answers /jobs, and describes it in /metrics/openapi.json
/// # Ok::<(), http_glue::RoutesError>(())
/// # }).unwrap();
/// ```
///
/// This trait is for hosts to implement.
pub trait Surface: Send + Sync + 'static {
    /// Returns the name of the surface, in errors and as a tag in the OpenAPI description.
    fn name(&self) -> &'static str;

    /// Returns the limits for work of this surface, given those that the host set.
    fn limits(&self, of_host: RenderLimits) -> RenderLimits {
        of_host
    }

    /// Returns the endpoints; called once, when the router is made.
    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint>;
}

/// The parts of the router that a [`Surface`] may use.
#[derive(Clone, Debug)]
pub struct Mount {
    slots: RenderSlots,
    index: Index,
}

impl Mount {
    pub(super) fn new(slots: RenderSlots, index: Index) -> Self {
        Self { slots, index }
    }

    /// Returns the places for work of this surface that blocks or takes time, within its limits.
    pub fn slots(&self) -> &RenderSlots {
        &self.slots
    }

    /// Returns the index of all surfaces; it is empty until the router is made.
    pub fn index(&self) -> &Index {
        &self.index
    }
}

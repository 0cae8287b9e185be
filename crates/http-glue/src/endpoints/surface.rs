//! The trait of a group of endpoints.

use super::endpoint::Endpoint;
use super::index::Index;
use super::render_slots::{RenderLimits, RenderSlots};
use crate::gate::Gate;

/// A group of endpoints, with its limits and its tag in the OpenAPI description.
///
/// A host implements it to mount endpoints of its own beside those of this crate:
///
/// ```
/// use axum::extract::State;
/// use http::Uri;
/// use node0_http_glue::{ApiError, Endpoint, EndpointDesc, Mount, Parameter, Query, Surface};
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
/// # use node0_exporter::Exporter;
/// # use node0_http_glue::{Readiness, Routes};
/// # use node0_metrics_core::Registry;
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let registry = Registry::new();
/// # let readiness = Readiness::builder(&registry).start();
/// let jobs = Jobs { waiting: vec!["mail"], done: vec!["thumbnail"] };
/// let routes = Routes::new(&registry, Exporter::new(), &readiness).surface(jobs);
/// let app: Router = routes.router()?; // answers /jobs, and describes it in /metrics/openapi.json
/// # Ok::<(), node0_http_glue::RoutesError>(())
/// # }).unwrap();
/// ```
///
/// The endpoints of this crate are mounted through the same trait.
pub trait Surface: Send + Sync + 'static {
    /// Returns the name of the surface, for errors and as a tag in the OpenAPI description.
    fn name(&self) -> &'static str;

    /// Returns the limits for slow answers of this surface; by default those of the host.
    fn limits(&self, of_host: RenderLimits) -> RenderLimits {
        of_host
    }

    /// Returns the endpoints; called once, when the router is made.
    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint>;
}

/// The parts of the router that a [`Surface`] may use in its handlers.
#[derive(Clone, Debug)]
pub struct Mount {
    slots: RenderSlots,
    index: Index,
    gate: Gate,
}

impl Mount {
    pub(super) fn new(slots: RenderSlots, index: Index, gate: Gate) -> Self {
        Self { slots, index, gate }
    }

    /// Returns the slots for answers of this surface that block or take time, with its limits.
    pub fn slots(&self) -> &RenderSlots {
        &self.slots
    }

    /// Returns the gate before all endpoints, whose rules a surface may ask too.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns the index of all surfaces; it is empty until the router is made.
    pub fn index(&self) -> &Index {
        &self.index
    }
}

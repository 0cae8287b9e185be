//! The list of all endpoints.

use std::sync::{Arc, OnceLock};

use super::endpoint::{EndpointDesc, Instances};

/// The list of all endpoints of a router, in the order of mounting; clones share the list.
///
/// It is empty until [`Routes::router`](crate::Routes::router) has made the router.
///
/// ```
/// # use axum::Router;
/// # use node0_exporter::Exporter;
/// # use node0_http_glue::{Readiness, Routes};
/// # use node0_metrics_core::Registry;
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let registry = Registry::new();
/// # let readiness = Readiness::builder(&registry).start();
/// let routes = Routes::new(&registry, Exporter::new(), &readiness);
/// let index = routes.index();
/// let app: Router = routes.router()?;
/// for endpoint in index.endpoints() {
///     println!("{} {}: {}", endpoint.method(), endpoint.path(), endpoint.summary());
/// }
/// # assert_eq!(index.endpoints()[0].path(), "/metrics");
/// # Ok::<(), node0_http_glue::RoutesError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Index {
    mounted: Arc<OnceLock<Vec<Mounted>>>,
}

pub(super) struct Mounted {
    pub(super) desc: EndpointDesc,
    pub(super) instances: Option<Instances>,
}

impl std::fmt::Debug for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.desc.fmt(f)
    }
}

impl Index {
    /// Returns all endpoints; a path with parameters is followed by its current concrete paths.
    ///
    /// Topics are such paths: `/metrics/{topic}` is followed by `/metrics/database`, once that
    /// monitor is registered.
    pub fn endpoints(&self) -> Vec<EndpointDesc> {
        let mut endpoints = Vec::new();
        for Mounted { desc, instances } in self.mounted.get().into_iter().flatten() {
            endpoints.push(desc.clone());
            if let Some(list) = instances {
                endpoints
                    .extend(list().into_iter().map(|instance| instance.mounted_by(desc.surface())));
            }
        }
        endpoints
    }

    /// Sets the list; called once, when the router is made.
    pub(super) fn fill(&self, mounted: Vec<Mounted>) {
        // Making the router consumes the `Routes`, so this is the only call.
        let _ = self.mounted.set(mounted);
    }
}

//! The route of a request, before the router runs or after.
//!
//! A request whose path matches a known template goes through the host's router as it is. Any
//! other request goes through a copy of it with a layer in each route, which exposes the template
//! that axum matched, and costs three allocations; its template is then known for the next one.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use http::Request;

use crate::matched_route::{AwaitedRoute, ExposeRoute, is_outermost};
use crate::measurement::{Holder, Measurement};
use crate::method::KnownMethod;
use crate::recorder::{Recorder, RouteId};
use crate::templates::{Template, Templates};

/// Records the requests to one router; made by [`RequestLayer::routes`](crate::RequestLayer::routes).
///
/// It is for servers that keep a state for each request: they hold the [`Measurement`] there, which
/// costs less than a future around the router's own. Others use a
/// [`WatchedRouter`](crate::WatchedRouter).
#[derive(Clone)]
pub struct RouteRecorder {
    recorder: Arc<Recorder>,
    routes: Arc<Routes>,
}

struct Routes {
    templates: Templates,
    exposing: Router,
}

/// What is known of a request before the router runs.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// `None` if the request is not recorded.
    pub(crate) method: Option<KnownMethod>,
    pub(crate) route: RouteId,
}

impl Start {
    /// The start of a request that is not recorded.
    pub const UNMEASURED: Self = Self { method: None, route: RouteId::UNMATCHED };
}

/// A route that is known only after the first poll of its request.
#[derive(Debug)]
pub struct FollowedRoute(Option<Box<AwaitedRoute>>);

impl RouteRecorder {
    pub(crate) fn new(recorder: Arc<Recorder>, router: &Router) -> Self {
        let exposing = router.clone().layer(ExposeRoute);
        let routes = Arc::new(Routes { templates: Templates::of(router), exposing });
        Self { recorder, routes }
    }

    /// Returns the recorder, which a [`Holder`] returns.
    #[inline]
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// Returns what is known of a request.
    #[inline]
    pub fn start<B>(&self, request: &Request<B>) -> (Start, FollowedRoute) {
        if !self.recorder.registry.is_measuring() {
            return (Start::UNMEASURED, FollowedRoute::NONE);
        }
        let method = Some(KnownMethod::of(request.method()));
        // Inside another router, the template that axum names is longer than the path is here.
        let template = match is_outermost(request) {
            true => self.routes.templates.at(request.uri().path()),
            false => None,
        };
        match template.and_then(|template| template.route()) {
            Some(route) => (Start { method, route }, FollowedRoute::NONE),
            None => (Start { method, route: RouteId::UNMATCHED }, FollowedRoute::after(template)),
        }
    }

    /// Returns the router that must answer a request whose route is [followed](FollowedRoute).
    #[inline]
    pub fn exposing(&self) -> &Router {
        &self.routes.exposing
    }
}

impl fmt::Debug for RouteRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteRecorder").finish_non_exhaustive()
    }
}

impl FollowedRoute {
    /// The route is known already, or nobody asks for it.
    pub const NONE: Self = Self(None);

    /// Returns `true` if [`RouteRecorder::exposing`] must answer the request.
    #[inline]
    pub fn is_followed(&self) -> bool {
        self.0.is_some()
    }

    #[cold]
    fn after(template: Option<&Arc<Template>>) -> Self {
        Self(Some(Box::new(AwaitedRoute { expected: template.cloned() })))
    }

    /// Polls the future of the router, and sets the route of the request at the first poll.
    #[inline(always)]
    pub fn poll<H: Holder, T>(
        &mut self,
        measurement: &mut Measurement<H>,
        poll: impl FnOnce() -> T,
    ) -> T {
        match self.0.take() {
            None => measurement.poll(poll),
            Some(awaited) => awaited.poll(measurement, poll),
        }
    }
}

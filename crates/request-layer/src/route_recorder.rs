//! The route of a request, before the router runs or after.
//!
//! A request whose path matches a known template goes through the host's router as it is. Any
//! other request goes through a copy of it with a layer in each route, which exposes the template
//! that axum matched, and costs three allocations; its template is then known for the next one.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use http::Request;

use crate::matched_route::{ExposeRoute, Guess, ServicePoll, is_outermost};
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
    routes: Arc<Routes>,
}

/// The routes of one router, with the recorder of its requests.
pub(crate) struct Routes {
    recorder: Arc<Recorder>,
    pub(crate) templates: Templates,
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
pub struct FollowedRoute(Option<Box<Guess>>);

impl RouteRecorder {
    pub(crate) fn new(recorder: Arc<Recorder>, router: &Router) -> Self {
        let exposing = router.clone().layer(ExposeRoute);
        let routes = Routes { recorder, templates: Templates::of(router), exposing };
        Self { routes: Arc::new(routes) }
    }

    /// Returns the recorder, which a [`Holder`] returns.
    #[inline]
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.routes.recorder
    }

    /// Returns what is known of a request.
    #[inline]
    pub fn start<B>(&self, request: &Request<B>) -> (Start, FollowedRoute) {
        if !self.routes.recorder.registry.is_measuring() {
            return (Start::UNMEASURED, FollowedRoute::NONE);
        }
        let method = Some(KnownMethod::of(request.method()));
        let path = request.uri().path();
        // Inside another router, the template that axum names is longer than the path is here.
        let template = is_outermost(request).then(|| self.routes.templates.at(path)).flatten();
        match template.and_then(Template::route) {
            Some(route) => (Start { method, route }, FollowedRoute::NONE),
            None => {
                let path = template.map(|_| path);
                (Start { method, route: RouteId::UNMATCHED }, self.follow(path))
            }
        }
    }

    #[cold]
    fn follow(&self, path: Option<&str>) -> FollowedRoute {
        let guess = Guess { routes: self.routes.clone(), path: path.map(Box::from) };
        FollowedRoute(Some(Box::new(guess)))
    }

    /// Returns the router that must answer a request whose route is [followed](FollowedRoute).
    #[inline]
    pub fn exposing(&self) -> &Router {
        &self.routes.exposing
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").finish_non_exhaustive()
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

    /// Begins a poll of the router's future; the first one sets the route of the request.
    #[inline(always)]
    pub fn begin_poll<'m, H: Holder>(
        &mut self,
        measurement: &'m mut Measurement<H>,
    ) -> ServicePoll<'m, H> {
        match self.0.take() {
            None => ServicePoll::begin(measurement),
            guess => ServicePoll::begin_exposing(measurement, guess),
        }
    }
}

//! The route of a request, before the router runs or after.
//!
//! A request whose path matches a known template goes through the host's router as it is. Any
//! other request goes through a copy of it with a layer in each route, which exposes the template
//! that axum matched, and costs three allocations; its template is then known for the next one.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use http::Request;

use crate::matched_route::{ExposeRoute, ExposingRoute, Guess, ServicePoll, is_outermost};
use crate::measurement::{Holder, Measurement};
use crate::method::KnownMethod;
use crate::recorded_once;
use crate::recorder::{Recorder, RouteId};
use crate::templates::{Template, Templates};
use crate::traces::FollowedTrace;

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

/// A route, or a trace, that is known only after a poll of its request.
#[derive(Debug)]
pub struct FollowedRoute(Option<Box<Followed>>);

#[derive(Debug)]
struct Followed {
    /// `None` if the route is known.
    guess: Option<Guess>,
    trace: Option<FollowedTrace>,
}

impl RouteRecorder {
    pub(crate) fn new(recorder: Arc<Recorder>, router: &Router) -> Self {
        recorder.places.add_around();
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
    ///
    /// A request that is recorded is marked, so that a [`RequestLayer`](crate::RequestLayer) of the
    /// same registry inside the router does not record it again.
    #[inline]
    pub fn start<B>(&self, request: &mut Request<B>) -> (Start, FollowedRoute) {
        if !self.routes.recorder.registry.is_measuring() {
            return (Start::UNMEASURED, FollowedRoute::NONE);
        }
        recorded_once::mark(request, &self.routes.recorder);
        let method = Some(KnownMethod::of(request.method()));
        let path = request.uri().path();
        // Inside another router, the template that axum names is longer than the path is here.
        let template = is_outermost(request).then(|| self.routes.templates.at(path)).flatten();
        let trace = match self.routes.recorder.traces.get() {
            None => None,
            Some(traces) => traces.follow(request.headers()),
        };
        match (template.and_then(Template::route), trace) {
            (Some(route), None) => (Start { method, route }, FollowedRoute::NONE),
            (Some(route), trace) => {
                let followed = Followed { guess: None, trace };
                (Start { method, route }, FollowedRoute(Some(Box::new(followed))))
            }
            (None, trace) => {
                let path = template.map(|_| path);
                (Start { method, route: RouteId::UNMATCHED }, self.follow(path, trace))
            }
        }
    }

    #[cold]
    fn follow(&self, path: Option<&str>, trace: Option<FollowedTrace>) -> FollowedRoute {
        let guess = Guess { routes: self.routes.clone(), path: path.map(Box::from) };
        FollowedRoute(Some(Box::new(Followed { guess: Some(guess), trace })))
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
        self.0.as_ref().is_some_and(|followed| followed.guess.is_some())
    }

    /// Begins a poll of the router's future; the first one sets the route of the request.
    #[inline(always)]
    pub fn begin_poll<'m, H: Holder>(
        &'m mut self,
        measurement: &'m mut Measurement<H>,
    ) -> ServicePoll<'m, H> {
        match &mut self.0 {
            None => ServicePoll::begin(measurement),
            Some(followed) => followed.begin_poll(measurement),
        }
    }
}

impl Followed {
    #[cold]
    fn begin_poll<'m, H: Holder>(
        &'m mut self,
        measurement: &'m mut Measurement<H>,
    ) -> ServicePoll<'m, H> {
        let route = match self.guess.take() {
            None => ExposingRoute::No,
            guess => ExposingRoute::Yes(guess),
        };
        ServicePoll::begin_exposing(measurement, route, self.trace.as_mut())
    }
}

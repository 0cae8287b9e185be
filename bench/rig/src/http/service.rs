//! The service: an axum router of small handlers, and a branch in front of it.
//!
//! Two builds of the same source differ by a percent, and so do two types: so one service of one
//! type holds the router alone and the router that node0 watches, and a flag that the client sets
//! between two batches chooses between them. A request that goes to the router alone never
//! enters a line of node0. node0's own server records requests itself, so there the branch is the
//! choice of the server, see [`Loopback`](super::Loopback).

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http::Request;
use node0::{AxumService, Monitoring, RegisterError};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::BODY;
use super::clock;
use super::floor::{FloorFuture, RequestFloor};

/// The form of the service that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The router alone.
    Alone,
    /// The same once more.
    Again,
    /// The router that node0 watches.
    Watched,
    /// The router with a future around its own.
    Wrapped,
    /// The same, with the least that a layer records.
    Recorded,
}

/// The present form. It belongs to the process, since a question has a process of its own.
static FORM: AtomicU8 = AtomicU8::new(ALONE);

const ALONE: u8 = Form::Alone as u8;
const AGAIN: u8 = Form::Again as u8;
const WATCHED: u8 = Form::Watched as u8;
const RECORDED: u8 = Form::Recorded as u8;

impl Form {
    pub fn choose(self) {
        FORM.store(self as u8, Ordering::Relaxed);
    }
}

/// A router with a static route, a route with a parameter, and twenty others as company.
pub fn hello() -> Router {
    let router = Router::new()
        .route("/hello", get(async || BODY))
        .route("/users/{id}", get(async |Path(_): Path<u64>| BODY))
        .merge(clock());
    (0..20).fold(router, |router, number| {
        router.route(&format!("/company{number}/{{of}}/parts/{{part}}"), get(async || BODY))
    })
}

/// The service in all forms.
///
/// A server clones its service for each request. So that each form pays for its own clone only,
/// they are behind one pointer, and the chosen one is cloned.
#[derive(Clone, Debug)]
pub struct Toggled {
    forms: Arc<Forms>,
    monitoring: Monitoring,
}

#[derive(Debug)]
struct Forms {
    alone: Router,
    watched: AxumService,
    floor: RequestFloor,
}

impl Toggled {
    /// # Errors
    /// Fails when the monitoring has the names of the floor's metrics already.
    pub fn new(monitoring: &Monitoring, router: Router) -> Result<Self, RegisterError> {
        // As `axum::serve` does for a router, or handlers become routes again for each request.
        let alone = router.with_state(());
        let watched = monitoring.watch(alone.clone()).into_axum_service();
        let floor = RequestFloor::new(monitoring.registry(), alone.clone())?;
        let forms = Arc::new(Forms { alone, watched, floor });
        Ok(Self { forms, monitoring: monitoring.clone() })
    }

    pub(crate) fn router(&self) -> Router {
        self.forms.alone.clone()
    }

    pub(crate) fn monitoring(&self) -> &Monitoring {
        &self.monitoring
    }

    /// Makes the service that `axum::serve` takes.
    pub(crate) fn make(self) -> MakeToggled {
        MakeToggled(self)
    }
}

pin_project! {
    /// The answer of any form.
    #[project = AnswerProjection]
    pub enum Answer<A, W> {
        Alone { #[pin] inner: A },
        Watched { #[pin] inner: W },
        Floor { #[pin] inner: FloorFuture<A> },
    }
}

impl<A, W> Future for Answer<A, W>
where
    A: Future<Output = Result<Response, Infallible>>,
    W: Future<Output = Result<Response, Infallible>>,
{
    type Output = Result<Response, Infallible>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AnswerProjection::Alone { inner } => inner.poll(cx),
            AnswerProjection::Watched { inner } => inner.poll(cx),
            AnswerProjection::Floor { inner } => inner.poll(cx),
        }
    }
}

impl<B> Service<Request<B>> for Toggled
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answer<
        <Router as Service<Request<Body>>>::Future,
        <AxumService as Service<Request<Body>>>::Future,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Forms { alone, watched, floor } = &*self.forms;
        let request = request.map(Body::new);
        match FORM.load(Ordering::Relaxed) {
            ALONE | AGAIN => Answer::Alone { inner: alone.clone().call(request) },
            WATCHED => Answer::Watched { inner: watched.clone().call(request) },
            form => Answer::Floor { inner: floor.clone().call(request, form == RECORDED) },
        }
    }
}

/// Gives each connection of `axum::serve` a clone of the service.
#[derive(Clone, Debug)]
pub(crate) struct MakeToggled(Toggled);

impl<T> Service<T> for MakeToggled {
    type Response = Toggled;
    type Error = Infallible;
    type Future = Ready<Result<Toggled, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: T) -> Self::Future {
        ready(Ok(self.0.clone()))
    }
}

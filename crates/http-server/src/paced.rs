//! Responses on a connection of HTTP/2, which note whether the client still wants them.
//!
//! There a client grants each response the bytes that may be sent. If it grants none, no write has to
//! wait, so the transport sees no stall, and the client could hold the connection and a hundred
//! responses for ever. But hyper asks a body for its next part only when that may be sent. So a
//! response waits for its client from its head on and after each part, until hyper asks again, and
//! [`Activity`] limits the time in which a client wants none of the responses that wait for it.
//! Between the question and the part, a response waits for the service, which may take its time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project_lite::pin_project;

use crate::activity::Activity;
use crate::connection::Connection;

/// A service of one connection whose responses are paced.
pub(crate) struct Paced<S> {
    pub(crate) service: S,
    pub(crate) connection: Arc<Connection>,
}

impl<S, B> Service<Request<Incoming>> for Paced<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    type Response = Response<PacedBody<B>>;
    type Error = S::Error;
    type Future = PacedFuture<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        PacedFuture { inner: self.service.call(request), connection: self.connection.clone() }
    }
}

pin_project! {
    pub(crate) struct PacedFuture<F> {
        #[pin]
        inner: F,
        connection: Arc<Connection>,
    }
}

impl<F, B, E> Future for PacedFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<PacedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.inner.poll(cx);
        let paced = |inner| PacedBody { inner, turn: Turn::of_client(this.connection.clone()) };
        polled.map_ok(|response| response.map(paced))
    }
}

pin_project! {
    /// The body of a response that is paced.
    pub(crate) struct PacedBody<B> {
        #[pin]
        inner: B,
        turn: Turn,
    }
}

impl<B: Body> Body for PacedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        this.turn.set_client(false);
        let polled = this.inner.poll_frame(cx);
        if let Poll::Ready(Some(Ok(_))) = polled {
            this.turn.set_client(true);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Tells whether a response waits for the client or for the service.
struct Turn {
    connection: Arc<Connection>,
    is_clients: bool,
}

impl Turn {
    fn of_client(connection: Arc<Connection>) -> Self {
        connection.activity.offer();
        Self { connection, is_clients: true }
    }

    fn set_client(&mut self, is_clients: bool) {
        let activity: &Activity = &self.connection.activity;
        match (self.is_clients, is_clients) {
            (false, true) => activity.offer(),
            (true, false) => activity.wanted(),
            (true, true) | (false, false) => {}
        }
        self.is_clients = is_clients;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.set_client(false);
    }
}

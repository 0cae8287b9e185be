//! The mark of responses that last as long as their client stays.

/// Marks a response as long-lived: insert it into the extensions of a stream without an end.
///
/// Its duration says how long a client stayed, and not how fast the service is. So the request is not
/// one of the [operation](crate::RequestLayer::operation) of all requests. It is in flight until its
/// body ends, and is then recorded under its own route as any other. A response with status 101, such
/// as to the handshake of a WebSocket, needs no mark.
///
/// The mark has an effect on bodies of unknown length alone.
///
/// ```
/// use axum::response::{IntoResponse, Response};
/// use request_layer::LongLived;
///
/// fn endless(body: axum::body::Body) -> Response {
///     let mut response = ([("content-type", "text/event-stream")], body).into_response();
///     response.extensions_mut().insert(LongLived);
///     response
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LongLived;

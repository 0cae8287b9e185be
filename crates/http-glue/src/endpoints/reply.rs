//! Responses with the headers that all of ours have.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::error::ApiError;

/// The media type of JSON.
pub(super) const JSON: &str = "application/json";

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A response that nobody may keep: it is old the moment it is sent.
pub(super) fn bytes(status: StatusCode, content_type: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// A body that is JSON already.
pub(super) fn raw_json(status: StatusCode, body: impl Into<Body>) -> Response {
    bytes(status, HeaderValue::from_static(JSON), body.into())
}

/// A body of our own types, which can always be written.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => raw_json(status, body),
        // Not reached: our types have string keys and no failing part.
        Err(_) => raw_json(StatusCode::INTERNAL_SERVER_ERROR, "{}"),
    }
}

/// A body with parts of others, which may fail to be written.
pub(super) fn to_json(body: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(body)
        .map_err(|error| ApiError::internal(format!("the answer cannot be written: {error}")))
}

//! Responses with the headers that all endpoints of this crate send.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::error::ApiError;

/// The media type of JSON.
pub(super) const JSON: &str = "application/json";

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Makes a response that caches must not store, since it shows the current moment.
pub(super) fn bytes(status: StatusCode, content_type: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// Makes a response from a body that is JSON text already.
pub(super) fn raw_json(status: StatusCode, body: impl Into<Body>) -> Response {
    bytes(status, HeaderValue::from_static(JSON), body.into())
}

/// Makes a response from a value whose serialization cannot fail.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => raw_json(status, body),
        // Not reached: the types of this crate have string keys and no part that can fail.
        Err(_) => raw_json(StatusCode::INTERNAL_SERVER_ERROR, "{}"),
    }
}

/// Serializes a value with parts that are foreign code, such as a report, and may fail.
pub(super) fn to_json(body: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(body)
        .map_err(|error| ApiError::internal(format!("the answer cannot be written: {error}")))
}

//! The error type of all endpoints, and its JSON body.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::reply;

/// An error as a JSON body, with its status and headers.
///
/// Endpoints of the host can return it too, so that all errors look the same:
///
/// ```
/// use axum::response::IntoResponse;
/// use node0_http_glue::ApiError;
///
/// let error = ApiError::not_found("there is no order 7", ["1", "2"]);
/// assert_eq!(error.into_response().status(), 404);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", problem.message)]
pub struct ApiError {
    /// Boxed to keep the `Result` of every handler small.
    problem: Box<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
    parameter: Option<Cow<'static, str>>,
    allowed: Vec<&'static str>,
    known: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Fields<'a>,
}

#[derive(Serialize)]
struct Fields<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allowed: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<&'a [String]>,
}

impl ApiError {
    /// Makes an error with a code for programs, which never changes, and a message for people.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        let (code, message) = (code.into(), message.into());
        let problem =
            Problem { status, code, message, parameter: None, allowed: Vec::new(), known: None };
        Self { problem: Box::new(problem) }
    }

    /// Makes a 400 `invalid_parameter`, with the message "parameter `{parameter}` {rule}".
    ///
    /// `allowed` lists the allowed values in the body; leave it empty if any value is allowed.
    pub fn invalid_parameter(
        parameter: impl Into<Cow<'static, str>>,
        rule: &str,
        allowed: &[&'static str],
    ) -> Self {
        let parameter = parameter.into();
        let message = format!("parameter `{parameter}` {rule}");
        let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", message);
        error.problem.parameter = Some(parameter);
        error.problem.allowed = allowed.to_vec();
        error
    }

    /// Makes a 404 `not_found`, whose body lists the `known` names.
    pub fn not_found<K: Into<String>>(
        message: impl Into<String>,
        known: impl IntoIterator<Item = K>,
    ) -> Self {
        let mut error = Self::new(StatusCode::NOT_FOUND, "not_found", message);
        error.problem.known = Some(known.into_iter().map(Into::into).collect());
        error
    }

    /// Makes a 404 `unknown_{thing}` for a name, whose body lists the `known` names.
    pub fn unknown<K: Into<String>>(
        thing: &str,
        name: &str,
        known: impl IntoIterator<Item = K>,
    ) -> Self {
        let mut error = Self::not_found(format!("there is no {thing} `{name}`"), known);
        error.problem.code = format!("unknown_{thing}").into();
        error
    }

    /// Adds the name of the parameter that caused the error to the body.
    #[must_use]
    pub fn parameter(mut self, parameter: impl Into<Cow<'static, str>>) -> Self {
        self.problem.parameter = Some(parameter.into());
        self
    }

    /// Makes the 405 `method_not_allowed` of an endpoint that answers only `GET` and `HEAD`.
    pub fn read_only() -> Self {
        let message = "this endpoint is read-only: use GET or HEAD";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    /// Makes a 503 `overloaded`, which asks the client to retry after a second.
    pub fn overloaded(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
    }

    /// Makes a 403 `origin_not_allowed` for a request that comes from a page of another host.
    pub fn foreign_origin(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "origin_not_allowed", message)
    }

    /// Makes a 403 `host_not_allowed` for a request that addresses the service by a foreign name.
    pub fn foreign_host(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "host_not_allowed", message)
    }

    /// Makes a 403 `network_not_allowed` for a client whose address may not read.
    pub(crate) fn foreign_network() -> Self {
        let message = "clients of this address may not read: add its network to the `networks`, and let \
                       the server insert the address (`connect_info`)";
        Self::new(StatusCode::FORBIDDEN, "network_not_allowed", message)
    }

    /// Makes a 401 `unauthorized` for a client without a secret that lets it in.
    pub(crate) fn unauthorized() -> Self {
        let message = "the header `Authorization` has no secret that lets you in: send one of the \
                       `credentials`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// Makes a 500 `internal` for a fault of the service.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// Returns the extra headers of errors with this status.
    pub(super) fn headers_of(status: StatusCode) -> &'static [(HeaderName, &'static str)] {
        match status {
            StatusCode::METHOD_NOT_ALLOWED => &[(header::ALLOW, "GET, HEAD")],
            StatusCode::SERVICE_UNAVAILABLE => &[(header::RETRY_AFTER, "1")],
            StatusCode::UPGRADE_REQUIRED => &[
                (header::CONNECTION, "upgrade"),
                (header::UPGRADE, "websocket"),
                (header::SEC_WEBSOCKET_VERSION, "13"),
            ],
            _ => &[],
        }
    }

    /// Returns the code for programs.
    pub fn code(&self) -> &str {
        &self.problem.code
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = Fields {
            code: &self.problem.code,
            message: &self.problem.message,
            parameter: self.problem.parameter.as_deref(),
            allowed: &self.problem.allowed,
            known: self.problem.known.as_deref(),
        };
        let mut response = reply::json(self.problem.status, &Body { error });
        for (name, value) in Self::headers_of(self.problem.status) {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

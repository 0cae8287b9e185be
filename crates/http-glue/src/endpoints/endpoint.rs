//! One endpoint: its description as data, and the handler that answers it.
//!
//! One value holds both, so no endpoint can be mounted without its description, or be
//! described without being mounted.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::handler::Handler;
use axum::routing::{MethodRouter, get};
use http::StatusCode;

use super::error::ApiError;
use super::parameter::Parameter;
use super::render_slots::RenderSlots;

/// The description of an endpoint; [`handler`](EndpointDesc::handler) makes it an [`Endpoint`].
///
/// Errors that every endpoint can return are described automatically: 403 `host_not_allowed`, 405
/// `method_not_allowed`, and 400 `invalid_parameter` if there are parameters.
#[derive(Clone, Debug)]
#[must_use = "call `handler` to get an endpoint"]
pub struct EndpointDesc {
    path: Cow<'static, str>,
    summary: Cow<'static, str>,
    /// The name of the surface that mounts the endpoint; empty until then.
    surface: &'static str,
    parameters: Vec<Parameter>,
    answers: Vec<Answer>,
}

/// One kind of response, for the OpenAPI description.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) description: Cow<'static, str>,
    pub(super) body: AnswerBody,
}

#[derive(Clone, Debug)]
pub(super) enum AnswerBody {
    /// A body of this media type.
    Media(&'static str),
    /// No body.
    None,
    /// An [`ApiError`] with this code.
    Error(Cow<'static, str>),
}

impl EndpointDesc {
    /// Describes an endpoint that answers `GET` and `HEAD`.
    ///
    /// The path has axum's syntax: `/jobs`, `/jobs/{id}` or `/assets/{*file}`.
    /// The summary is one line for lists of endpoints.
    pub fn get(path: impl Into<Cow<'static, str>>, summary: impl Into<Cow<'static, str>>) -> Self {
        let error = |status, code: &'static str, description: &'static str| {
            let (description, body) = (description.into(), AnswerBody::Error(code.into()));
            Answer { status, description, body }
        };
        let foreign = "The request addresses the service by a name that is not its own.";
        let answers = vec![
            error(StatusCode::FORBIDDEN, "host_not_allowed", foreign),
            error(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "The method is neither GET nor HEAD.",
            ),
        ];
        let (path, summary) = (path.into(), summary.into());
        Self { path, summary, surface: "", parameters: Vec::new(), answers }
    }

    /// Adds a parameter; the first one also adds the answer 400 `invalid_parameter`.
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        let is_first = self.parameters.is_empty();
        self.parameters.push(parameter);
        if is_first {
            let text = "A parameter is missing or has an invalid value.";
            return self.error(StatusCode::BAD_REQUEST, "invalid_parameter", text);
        }
        self
    }

    /// Adds the answer 200: the media type of its body, and a sentence that describes it.
    pub fn returns(self, media_type: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        self.answer(StatusCode::OK, media_type, text)
    }

    /// Adds the answer 101, after which the connection has another protocol.
    pub fn upgrades(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        let (status, body) = (StatusCode::SWITCHING_PROTOCOLS, AnswerBody::None);
        self.answers.push(Answer { status, description: text.into(), body });
        self
    }

    /// Adds an answer with another status than 200.
    pub fn answer(
        mut self,
        status: StatusCode,
        media_type: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let body = AnswerBody::Media(media_type);
        self.answers.push(Answer { status, description: text.into(), body });
        self
    }

    /// Adds an answer that is an [`ApiError`] with this code.
    pub fn error(
        mut self,
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let body = AnswerBody::Error(code.into());
        self.answers.push(Answer { status, description: text.into(), body });
        self
    }

    /// Adds the errors of [`RenderSlots::run`]: 500 `internal` and 503 `overloaded`.
    pub fn rendered(self, slots: &RenderSlots) -> Self {
        let limits = slots.limits();
        let (places, seconds) = (limits.renders, limits.timeout.as_secs_f64());
        let busy = format!(
            "{places} answers of this kind are being made already, or this one takes longer than {seconds} s."
        );
        self.error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The answer cannot be made.")
            .error(StatusCode::SERVICE_UNAVAILABLE, "overloaded", busy)
    }

    /// Returns the path, with its parameters in braces.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the method, which is `GET`; `HEAD` is answered as well.
    pub fn method(&self) -> &'static str {
        "GET"
    }

    /// Returns the summary, one line for lists of endpoints.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Returns the name of the surface that mounts the endpoint.
    pub fn surface(&self) -> &'static str {
        self.surface
    }

    /// Returns all parameters, of the path and of the query.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Returns `true` if the parameter is in the path, such as `id` in `/jobs/{id}`.
    pub fn is_in_path(&self, parameter: &Parameter) -> bool {
        self.path.split('/').any(|segment| {
            let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            inner.is_some_and(|inner| inner.trim_start_matches('*') == parameter.name())
        })
    }

    pub(super) fn answers(&self) -> &[Answer] {
        &self.answers
    }

    pub(super) fn mounted_by(mut self, surface: &'static str) -> Self {
        self.surface = surface;
        self
    }

    /// Makes the endpoint from an axum handler and the handler's state.
    ///
    /// Methods other than `GET` and `HEAD` get a 405.
    pub fn handler<T, S>(self, handler: impl Handler<T, S>, state: S) -> Endpoint
    where
        T: 'static,
        S: Clone + Send + Sync + 'static,
    {
        let methods = get(handler).fallback(async || ApiError::read_only()).with_state(state);
        Endpoint { desc: self, methods, instances: None }
    }
}

/// A path of a [`Surface`](crate::Surface) with its handler; made by [`EndpointDesc::handler`].
#[must_use = "return it from `Surface::endpoints`"]
pub struct Endpoint {
    pub(super) desc: EndpointDesc,
    pub(super) methods: MethodRouter,
    pub(super) instances: Option<Instances>,
}

/// A function that lists the concrete paths of a path with parameters.
pub(super) type Instances = Arc<dyn Fn() -> Vec<EndpointDesc> + Send + Sync>;

impl Endpoint {
    /// Sets a function that lists the concrete paths of a path with parameters; none by default.
    ///
    /// The index and the OpenAPI description show these paths after the path itself:
    /// `/metrics/database` after `/metrics/{topic}`. `list` is called each time that
    /// the index or the description is read.
    pub fn instances(
        mut self,
        list: impl Fn() -> Vec<EndpointDesc> + Send + Sync + 'static,
    ) -> Self {
        self.instances = Some(Arc::new(list));
        self
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("desc", &self.desc).finish_non_exhaustive()
    }
}

//! `GET /metrics/openapi.json`: the description of all endpoints for programs.
//!
//! The document is OpenAPI 3.1, made from the same [`EndpointDesc`]s with which the
//! endpoints were mounted. It is made anew for each request, since monitors may
//! be registered at any time.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::endpoint::{Answer, AnswerBody, Endpoint, EndpointDesc};
use super::error::ApiError;
use super::index::Index;
use super::parameter::Parameter;
use super::render_slots::RenderSlots;
use super::reply;
use super::surface::{Mount, Surface};
use crate::gate::{Access, Gate};

/// Serves the description of all surfaces.
pub(super) struct OpenApi {
    /// The version of the host service.
    pub(super) version: Option<String>,
}

impl Surface for OpenApi {
    fn name(&self) -> &'static str {
        "openapi"
    }

    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint> {
        let state = Describing {
            index: mount.index().clone(),
            version: self.version.clone(),
            gate: mount.gate().clone(),
            slots: mount.slots().clone(),
        };
        let summary = "This description of all endpoints, as OpenAPI 3.1.";
        let description = EndpointDesc::get("/metrics/openapi.json", summary)
            .returns(reply::JSON, "The description.")
            .rendered(mount.slots())
            .handler(describe, state);
        vec![description]
    }
}

#[derive(Clone)]
struct Describing {
    index: Index,
    version: Option<String>,
    gate: Gate,
    slots: RenderSlots,
}

async fn describe(State(describing): State<Describing>) -> Result<Response, ApiError> {
    let Describing { index, version, gate, slots } = describing;
    // The functions that list concrete paths are the surfaces' own and may block.
    let work = move || document(&index.endpoints(), version.as_deref(), gate.access());
    Ok(reply::json(StatusCode::OK, &slots.run("openapi", work).await?))
}

fn document(endpoints: &[EndpointDesc], version: Option<&str>, access: &Access) -> Value {
    let described = endpoints.iter().map(|endpoint| {
        let (path, restricted) = (endpoint.path().to_owned(), restricted(endpoint, access));
        let mut operation = operation(&restricted);
        if access.is_open(&path) && access.schemes().is_some() {
            operation["security"] = json!([]);
        }
        (path, json!({ "get": operation }))
    });
    let paths: Map<_, _> = described.collect();
    let surfaces: BTreeSet<_> = endpoints.iter().map(EndpointDesc::surface).collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Monitoring",
            "version": version.unwrap_or("unknown"),
            "description": "Each path answers HEAD as well. Query parameters that are not listed are ignored.",
        },
        "tags": surfaces.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "paths": paths,
        "components": { "schemas": { "Error": error_schema() } },
    });
    if let Some(schemes) = access.schemes() {
        let names: Vec<_> = schemes.map(|scheme| scheme.name().to_ascii_lowercase()).collect();
        let scheme = |name: &String| (name.clone(), json!({ "type": "http", "scheme": name }));
        document["components"]["securitySchemes"] = names.iter().map(scheme).collect();
        document["security"] = names.iter().map(|name| json!({ name: [] })).collect();
    }
    document
}

/// Adds the answers to clients that may not read.
fn restricted(endpoint: &EndpointDesc, access: &Access) -> EndpointDesc {
    let mut endpoint = endpoint.clone();
    if access.is_open(endpoint.path()) {
        return endpoint;
    }
    if access.needs_peers() {
        let text = "The address of the client is not one of those that may read.";
        endpoint = endpoint.error(StatusCode::FORBIDDEN, "network_not_allowed", text);
    }
    if access.schemes().is_some() {
        let text = "The request has no secret that lets the client in.";
        endpoint = endpoint.error(StatusCode::UNAUTHORIZED, "unauthorized", text);
    }
    endpoint
}

fn operation(endpoint: &EndpointDesc) -> Value {
    let mut by_status: BTreeMap<String, Vec<&Answer>> = BTreeMap::new();
    for answer in endpoint.answers() {
        by_status.entry(answer.status.as_str().to_owned()).or_default().push(answer);
    }
    let responses: Map<_, _> =
        by_status.into_iter().map(|(status, answers)| (status, response(&answers))).collect();
    let parameters = endpoint.parameters().iter().map(|known| parameter(endpoint, known));
    json!({
        "tags": [endpoint.surface()],
        "summary": endpoint.summary(),
        "parameters": parameters.collect::<Vec<_>>(),
        "responses": responses,
    })
}

fn parameter(endpoint: &EndpointDesc, parameter: &Parameter) -> Value {
    let is_in_path = endpoint.is_in_path(parameter);
    // An empty value is refused.
    let mut schema = json!({ "type": "string", "minLength": 1 });
    if let Some(form) = parameter.form() {
        schema["pattern"] = json!(form);
    }
    if !parameter.allowed().is_empty() {
        schema["enum"] = json!(parameter.allowed());
    }
    json!({
        "name": parameter.name(),
        "in": if is_in_path { "path" } else { "query" },
        "required": is_in_path || parameter.is_required(),
        "description": parameter.description(),
        "schema": schema,
    })
}

/// The answers that have one status.
fn response(answers: &[&Answer]) -> Value {
    let mut content = Map::new();
    let mut codes = Vec::new();
    for answer in answers {
        match &answer.body {
            AnswerBody::Media(media_type) => {
                content.insert((*media_type).to_owned(), json!({}));
            }
            AnswerBody::Error(code) => codes.push(code),
            AnswerBody::None => {}
        }
    }
    if !codes.is_empty() {
        let code = json!({ "properties": { "code": { "enum": codes } } });
        let error = json!({
            "allOf": [{ "$ref": "#/components/schemas/Error" }, { "properties": { "error": code } }],
        });
        // If this status also has a JSON body that is no error, that entry stays, without a schema.
        content.entry(reply::JSON).or_insert(json!({ "schema": error }));
    }
    let descriptions: Vec<&str> = answers.iter().map(|answer| &*answer.description).collect();
    let mut response = json!({ "description": descriptions.join(" "), "content": content });
    let status = answers.first().map(|answer| answer.status).filter(|_| !codes.is_empty());
    let asks = status.filter(|status| *status == StatusCode::UNAUTHORIZED);
    let asks = asks.map(|_| header::WWW_AUTHENTICATE);
    let named = status.into_iter().flat_map(ApiError::headers_of).map(|(name, _)| name.clone());
    for name in named.chain(asks) {
        response["headers"][name.as_str()] = json!({ "schema": { "type": "string" } });
    }
    response
}

/// The body of an [`ApiError`].
fn error_schema() -> Value {
    let text = json!({ "type": "string" });
    let list = json!({ "type": "array", "items": text });
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": text,
                    "message": text,
                    "parameter": text,
                    "allowed": list,
                    "known": list,
                },
            },
        },
    })
}

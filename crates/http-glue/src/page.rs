//! The live page, as a surface.
//!
//! The document is asked for each time and has a tag, so a browser that has it gets a 304. The
//! other files have the page's version in their addresses and may be kept forever.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use node0_live_page::{CONTENT_SECURITY_POLICY, Document, FOLDER, Page};

use crate::endpoints::{ApiError, Endpoint, EndpointDesc, Mount, Parameter, Surface};

const HTML: &str = "text/html; charset=utf-8";
const VERSION: Parameter = Parameter::text("version", "The version of the page's files.");
const FILE: Parameter = Parameter::text("file", "The name of a file.");
/// Keeps the page from telling other sites its address.
const REFERRER_POLICY: HeaderName = header::REFERRER_POLICY;

/// A page for people that shows the service live, as a surface; needs the feature `page`.
///
/// ```
/// use axum::Router;
/// use node0_exporter::Exporter;
/// use node0_http_glue::{LivePage, Readiness, Routes};
/// use node0_metrics_core::Registry;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let registry = Registry::new();
/// let readiness = Readiness::builder(&registry).start();
/// let page = LivePage::at("/ops").title("orders").without_stream();
/// let routes = Routes::new(&registry, Exporter::new(), &readiness).surface(page);
/// let app: Router = routes.router()?; // answers /ops, and its files under /live-page
/// # Ok::<(), node0_http_glue::RoutesError>(())
/// # }).unwrap();
/// ```
///
/// It reads the endpoints of the same router, by addresses relative to its own. It therefore works
/// behind a proxy that puts all of them under another path.
#[derive(Clone, Debug)]
#[must_use = "add it with `Routes::surface`"]
pub struct LivePage {
    path: Cow<'static, str>,
    title: Cow<'static, str>,
    stream: Option<Cow<'static, str>>,
    has_history: bool,
}

impl LivePage {
    /// Puts the page at a path, such as `/` or `/live`.
    pub fn at(path: impl Into<Cow<'static, str>>) -> Self {
        let stream = Some("/metrics/stream".into());
        Self { path: path.into(), title: Cow::Borrowed(""), stream, has_history: true }
    }

    /// Sets the name of the service; by default the page shows the host of its address.
    pub fn title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the path of the stream; `/metrics/stream` by default.
    pub fn stream(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.stream = Some(path.into());
        self
    }

    /// Says that the service has no stream: the page then asks for the numbers every few seconds.
    pub fn without_stream(mut self) -> Self {
        self.stream = None;
        self
    }

    /// Says that the service keeps no history: the page then begins empty.
    pub fn without_history(mut self) -> Self {
        self.has_history = false;
        self
    }

    /// Makes the document.
    fn document(&self) -> String {
        // A browser resolves relative addresses from the folder of the page's path.
        let depth = self.path.matches('/').count().saturating_sub(1);
        Page::shared().document(&Document {
            title: &self.title,
            root: &"../".repeat(depth),
            stream: self.stream.as_deref().map(|path| path.trim_start_matches('/')),
            has_history: self.has_history,
        })
    }
}

impl Surface for LivePage {
    fn name(&self) -> &'static str {
        "live page"
    }

    fn endpoints(&self, _: &Mount) -> Vec<Endpoint> {
        let document = Arc::new(Tagged::new(self.document()));
        let page = EndpointDesc::get(self.path.clone(), "The live page: the service at a glance.")
            .returns(HTML, "A page that updates itself.")
            .handler(show, document);
        let files = format!("/{FOLDER}/{{version}}/{{file}}");
        let files = EndpointDesc::get(files, "A file of the live page.")
            .parameter(VERSION)
            .parameter(FILE)
            .returns("text/javascript; charset=utf-8", "A script, a style sheet or a picture.")
            .error(StatusCode::NOT_FOUND, "not_found", "The page has no such file.")
            .handler(file, ());
        vec![page, files]
    }
}

/// A document with a tag for caches.
#[derive(Debug)]
struct Tagged {
    body: String,
    tag: HeaderValue,
}

impl Tagged {
    fn new(body: String) -> Self {
        let tag = format!("\"{}\"", Page::checksum(&body));
        // A checksum is made of digits and letters.
        let tag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, tag }
    }
}

/// `GET /`
async fn show(State(document): State<Arc<Tagged>>, headers: HeaderMap) -> Response {
    let is_known =
        headers.get_all(header::IF_NONE_MATCH).iter().any(|known| *known == document.tag);
    let (status, body) = if is_known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(document.body.clone()))
    };
    let mut response = answer(status, HTML, "no-cache", body);
    let headers = response.headers_mut();
    headers.insert(header::ETAG, document.tag.clone());
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// `GET /live-page/{version}/{file}`
async fn file(
    address: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let page = Page::shared();
    // An address that is not UTF-8 is that of no file.
    let file = address.ok().filter(|Path((version, _))| version == page.version());
    let file = file.and_then(|Path((_, name))| page.file(&name));
    let Some(file) = file else {
        let known = page.files().iter().map(|file| file.name);
        return ApiError::not_found("the page has no such file: load it again", known)
            .into_response();
    };
    let is_gzip = takes_gzip(&headers);
    let body: Body = if is_gzip { file.gzip } else { file.body }.into();
    let kept = "public, max-age=31536000, immutable";
    let mut response = answer(StatusCode::OK, file.media_type, kept, body);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn answer(
    status: StatusCode,
    media_type: &'static str,
    cache: &'static str,
    body: Body,
) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Returns `true` if `Accept-Encoding` names gzip, and not with the weight zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|part| {
        let (coding, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
        coding.trim().eq_ignore_ascii_case("gzip") && weight != Some(0.0_f32)
    })
}

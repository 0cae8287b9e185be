//! All metrics in one response: a page for Prometheus, and JSON.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use node0_exporter::{Exporter, Format, Json, Naming, Rendered, ScrapeMetrics};
use node0_metrics_core::{GuardedCall, GuestCall, Registry};

use super::endpoint::{Endpoint, EndpointDesc};
use super::error::ApiError;
use super::parameter::Parameter;
use super::query::Query;
use super::render_slots::RenderSlots;
use super::reply;
use super::surface::{Mount, Surface};

const NAMING: Parameter = Parameter::words("naming", "Picks the names of metrics.", Naming::WORDS);

/// `/metrics` and `/metrics/export.json`.
#[derive(Clone)]
pub(super) struct Pages {
    pub(super) registry: Registry,
    pub(super) exporter: Arc<Exporter>,
    pub(super) scrapes: ScrapeMetrics,
    pub(super) appendix: Option<Appendix>,
}

/// The function with which the host appends to each page.
#[derive(Clone)]
pub(super) struct Appendix(pub(super) Arc<Append>);

/// The name of that function as a guest.
const APPENDIX: &str = "appendix";

type Append = dyn Fn(&mut Vec<u8>) + Send + Sync;

impl fmt::Debug for Appendix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Appendix(..)")
    }
}

impl Surface for Pages {
    fn name(&self) -> &'static str {
        "pages"
    }

    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint> {
        let slots = mount.slots();
        let guard = |_| self.registry.guard(APPENDIX, GuestCall::Report).ok();
        let appendix_call = self.appendix.as_ref().and_then(guard);
        let state = Arc::new(Rendering {
            pages: self.clone(),
            slots: slots.clone(),
            last_bytes: AtomicUsize::new(0),
            // It fails only if the host has registered the name of a metric of guests.
            appendix_call,
        });
        let page = EndpointDesc::get("/metrics", "All metrics, for Prometheus.")
            .parameter(NAMING)
            .returns(Format::Text.content_type(), "The page in the text format.")
            .returns(Format::OpenMetrics.content_type(), "The page in OpenMetrics, if accepted.");
        let page = match self.exporter.offers(Format::Protobuf) {
            true => page.returns(
                Format::Protobuf.content_type(),
                "The page with native histograms, if accepted.",
            ),
            false => page,
        };
        let page = page.rendered(slots).handler(page_of, state.clone());
        let export = EndpointDesc::get("/metrics/export.json", "All metrics as JSON.")
            .returns(reply::JSON, "All families with their series.")
            .rendered(slots)
            .handler(export, state);
        vec![page, export]
    }
}

/// The state that both handlers share.
struct Rendering {
    pages: Pages,
    slots: RenderSlots,
    /// The size of the last page, from which the buffer of the next one is sized.
    last_bytes: AtomicUsize,
    /// Makes the calls of the appendix; `None` if there is none.
    appendix_call: Option<GuardedCall>,
}

/// `GET /metrics`
async fn page_of(
    State(rendering): State<Arc<Rendering>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked: Option<Naming> = Query::of(&uri).word(&NAMING)?;
    let naming = asked.unwrap_or(rendering.pages.exporter.naming());
    let accepted = match asked {
        // Classic names exist only in the text format, and this request asked for them.
        Some(naming) if naming.has_classic() => Format::Text.into(),
        _ => {
            let accept = headers.get_all(header::ACCEPT).into_iter();
            let accept = accept.filter_map(|value| value.to_str().ok());
            rendering.pages.exporter.negotiate(accept)
        }
    };
    let shared = rendering.clone();
    let work = move || shared.render(accepted.format(), naming);
    let (rendered, page) = rendering.slots.run("page", work).await?;
    let content_type = accepted.rendered_as(rendered.format).to_string();
    // It has the characters of a header alone, so this does not fail.
    let content_type = HeaderValue::try_from(content_type)
        .unwrap_or(HeaderValue::from_static(rendered.format.content_type()));
    Ok(reply::bytes(StatusCode::OK, content_type, Body::from(page)))
}

impl Rendering {
    fn render(&self, format: Format, naming: Naming) -> (Rendered, Vec<u8>) {
        let Pages { registry, exporter, scrapes, appendix } = &self.pages;
        let clock = registry.clock();
        let start = clock.now();
        let sample = registry.read();
        // A little larger than the last page, since counters get more digits.
        let last = self.last_bytes.load(Ordering::Relaxed);
        let mut page = Vec::with_capacity(last + last / 16);
        let rendered = exporter.render(&sample, format, naming, &mut page);
        if let Some((Appendix(append), call)) = appendix.clone().zip(self.appendix_call.as_ref()) {
            // A copy, so that the page is there without the appendix if that fails.
            let mut copy = page.clone();
            let appended = call.run(move || {
                append(&mut copy);
                copy
            });
            page = appended.unwrap_or(page);
        }
        self.last_bytes.store(page.len(), Ordering::Relaxed);
        scrapes.record(&rendered, clock.since(start));
        (rendered, page)
    }
}

/// `GET /metrics/export.json`
async fn export(State(rendering): State<Arc<Rendering>>) -> Result<Response, ApiError> {
    let registry = rendering.pages.registry.clone();
    let work = move || reply::to_json(&Json(&registry.read()));
    Ok(reply::raw_json(StatusCode::OK, rendering.slots.run("export", work).await??))
}

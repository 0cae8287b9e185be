//! The list of the demo's endpoints.
//!
//! The list is made from the index of all surfaces and from the list of faults, so
//! that a new endpoint, monitor or fault is on the page without a change here.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::Html;
use node0::{Endpoint, EndpointDesc, Index, Mount, Parameter, Surface};

use crate::app::ChaosRoutes;
use crate::chaos::Fault;

/// The page, with placeholders for the lists of endpoints and faults.
const PAGE: &str = include_str!("index.html");

/// The surface of `GET /endpoints`.
#[derive(Clone, Copy, Debug)]
pub struct IndexPage {
    chaos: ChaosRoutes,
}

impl IndexPage {
    /// Creates the page, with the faults if the router has the chaos endpoints.
    pub const fn new(chaos: ChaosRoutes) -> Self {
        Self { chaos }
    }
}

impl Surface for IndexPage {
    fn name(&self) -> &'static str {
        "demo"
    }

    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint> {
        let index = EndpointDesc::get("/endpoints", "This list of all endpoints.")
            .returns("text/html; charset=utf-8", "A page with links.")
            .handler(show, (mount.index().clone(), self.chaos));
        vec![index]
    }
}

async fn show(State((index, chaos)): State<(Index, ChaosRoutes)>) -> Html<String> {
    let endpoints: String = index.endpoints().iter().map(row).collect();
    let faults = match chaos {
        ChaosRoutes::Shown => faults(),
        ChaosRoutes::Hidden => String::new(),
    };
    Html(PAGE.replace("{{endpoints}}", &endpoints).replace("{{faults}}", &faults))
}

/// Returns the row of an endpoint, with a link if its path has no parameter.
fn row(endpoint: &EndpointDesc) -> String {
    let (path, summary) = (escape(endpoint.path()), escape(endpoint.summary()));
    let code = if path.contains('{') {
        format!("<code>{path}</code>")
    } else {
        format!("<a href=\"{path}\"><code>{path}</code></a>")
    };
    let query = endpoint.parameters().iter().filter(|known| !endpoint.is_in_path(known));
    let query: String = query.map(parameter).collect();
    format!("<tr><td>{code}</td><td>{summary}{query}</td></tr>\n")
}

/// Describes a parameter of the query and the values that it accepts.
fn parameter(parameter: &Parameter) -> String {
    let (name, words) = (parameter.name(), parameter.allowed().join("|"));
    let value = if words.is_empty() { "…" } else { &words };
    format!("<br><code>?{name}={value}</code> {}", escape(parameter.description()))
}

fn faults() -> String {
    let mut section = String::from(
        "<h2>What can go wrong</h2>\n<table>\n\
         <tr><td><a href=\"/chaos\"><code>/chaos</code></a></td>\
         <td>All faults; <code>DELETE</code> turns them off.</td></tr>\n",
    );
    for fault in Fault::ALL {
        let (name, effect) = (fault.name(), escape(fault.effect()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            section,
            "<tr><td><code>POST /chaos/{name}</code></td>\
             <td>{effect}; <code>DELETE</code> ends it.</td></tr>"
        );
    }
    section + "</table>\n"
}

/// Escapes text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

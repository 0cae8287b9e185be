//! The templates of an axum router, so that a request's template is known before the router runs.
//!
//! axum tells the template that a request matched only to code inside the route, and a layer
//! there costs 130 ns per request, see [`matched_route`](crate::matched_route). So a path is
//! matched here first: in about 10 ns if no other template could match it too, see [`Distinct`],
//! else by the same crate as in axum, in 40 ns.
//!
//! axum has no function that lists a router's templates, but its `Debug` output has them all. A
//! list that cannot be read, because another version of axum writes it differently, leaves the
//! table empty; and a template is trusted only once a request went through the layer inside the
//! route and axum named the same template. In both cases, requests take the way through
//! that layer: slower, and as exact.

use std::sync::OnceLock;

use axum::Router;

use crate::distinct::Distinct;
use crate::recorder::RouteId;

/// The templates of one router; empty if they could not be listed.
#[derive(Default)]
pub(crate) struct Templates {
    distinct: Distinct<Template>,
    /// All other templates.
    others: matchit::Router<Template>,
}

/// One template.
#[derive(Debug)]
pub(crate) struct Template {
    text: Box<str>,
    /// The route, once axum has named this template for a path that matches it; `None` if axum
    /// named another.
    route: OnceLock<Option<RouteId>>,
}

impl Templates {
    pub(crate) fn of(router: &Router) -> Self {
        let debug = format!("{router:?}");
        list(&debug).and_then(Self::new).unwrap_or_default()
    }

    fn new(mut texts: Vec<&str>) -> Option<Self> {
        // axum lists them in the order of a hash map, which differs from start to start; in this
        // order `/orders/{id}` comes before `/orders/{id}/items`, which begins alike.
        texts.sort_unstable();
        let templates = texts.into_iter().map(|text| (text, Template::new(text))).collect();
        let (distinct, left) = Distinct::of(templates);
        let mut others = matchit::Router::new();
        for (text, template) in left {
            others.insert(text, template).ok()?;
        }
        Some(Self { distinct, others })
    }

    /// Returns the template that axum will match to the path.
    #[inline]
    pub(crate) fn at(&self, path: &str) -> Option<&Template> {
        self.distinct.at(path).or_else(|| self.matched(path))
    }

    #[cold]
    fn matched(&self, path: &str) -> Option<&Template> {
        self.others.at(path).ok().map(|found| found.value)
    }
}

impl Template {
    fn new(text: &str) -> Self {
        Self { text: text.into(), route: OnceLock::new() }
    }

    /// Returns the route of the template if it can be trusted.
    #[inline]
    pub(crate) fn route(&self) -> Option<RouteId> {
        self.route.get().copied().flatten()
    }

    /// Compares the template with the one that axum named for a path that matches it.
    pub(crate) fn compare(&self, matched: &str, route: RouteId) {
        self.route.get_or_init(|| (*matched == *self.text).then_some(route));
    }
}

/// Returns the templates in the `Debug` output of a router; `None` if it is not understood.
///
/// The part of interest of a router with two routes:
///
/// ```text
/// routes: {RouteId(1): …, RouteId(2): …}, node: Node { paths: {RouteId(1): "/", RouteId(2): "/{id}"} }
/// ```
fn list(debug: &str) -> Option<Vec<&str>> {
    let (routes, mut rest) = debug.split_once("node: Node { paths: {")?;
    let mut templates = Vec::new();
    while !rest.starts_with('}') {
        let (_, entry) = rest.strip_prefix("RouteId(")?.split_once("): \"")?;
        let (text, after) = entry.split_once('"')?;
        // An escaped character is not worth the code: nearly no template has one.
        if text.contains('\\') {
            return None;
        }
        templates.push(text);
        rest = after.strip_prefix(", ").unwrap_or(after);
    }
    // A template that is missing could be the better match for a path.
    (routes.matches("RouteId(").count() == templates.len()).then_some(templates)
}

#[cfg(test)]
mod tests {
    use axum::routing::{any_service, get, post};

    use super::*;

    fn templates(router: &Router) -> Option<Vec<String>> {
        let debug = format!("{router:?}");
        let mut templates: Vec<_> = list(&debug)?.into_iter().map(str::to_owned).collect();
        templates.sort();
        Some(templates)
    }

    #[test]
    fn all_templates_of_a_router_are_listed() {
        let orders = Router::new().route("/{id}", post(async || {})).fallback(async || {});
        let router = Router::new()
            .route("/", get(async || {}))
            .route("/files/{*path}", get(async || {}).post(async || {}))
            .route("/größe", any_service(Router::new()))
            .nest("/orders", orders)
            .merge(Router::new().route("/merged", get(async || {})));
        let expected = ["/", "/files/{*path}", "/größe", "/merged", "/orders/{id}"];
        assert_eq!(templates(&router).as_deref(), Some(&expected.map(str::to_owned)[..]));
        assert_eq!(templates(&Router::new()).as_deref(), Some(&[][..]));
    }

    #[test]
    fn a_list_that_is_not_understood_leaves_the_table_empty() {
        let with_quote = Router::new().route("/a\"b", get(async || {}));
        assert_eq!(templates(&with_quote), None);
        assert!(Templates::of(&with_quote).at("/a\"b").is_none());
        let known = r#"routes: {RouteId(1): Route}, node: Node { paths: {RouteId(1): "/"} }"#;
        assert_eq!(list(known), Some(vec!["/"]));
        for other in [
            "",
            "Router { .. }",
            r#"routes: {RouteId(1): Route}, node: Node { paths: {} }"#,
            r#"routes: {RouteId(1): Route}, node: Node { paths: {RouteId(1): "/", .."#,
            r#"routes: {RouteId(1): Route}, node: Node { paths: {RouteId(1): /} }"#,
        ] {
            assert_eq!(list(other), None, "{other}");
        }
    }

    #[test]
    fn a_template_is_trusted_once_axum_has_named_it() {
        let templates = Templates::of(&Router::new().route("/{id}", get(async || {})));
        let template = templates.at("/7").expect("it is listed");
        assert_eq!(template.route(), None);
        template.compare("/{id}", RouteId::UNMATCHED);
        assert_eq!(template.route(), Some(RouteId::UNMATCHED));
    }

    #[test]
    fn a_template_that_axum_named_otherwise_is_never_trusted() {
        let templates = Templates::of(&Router::new().route("/{id}", get(async || {})));
        let template = templates.at("/7").expect("it is listed");
        template.compare("/outer/{id}", RouteId::UNMATCHED);
        template.compare("/{id}", RouteId::UNMATCHED);
        assert_eq!(template.route(), None);
    }
}

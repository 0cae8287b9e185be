//! The paths of all surfaces, checked for conflicts.
//!
//! axum panics when two routes match the same paths. Surfaces come from the host, and their
//! paths perhaps from a configuration, so here a conflict is an error that names both
//! surfaces. Paths follow the rules of axum with two restrictions: a parameter must be a
//! whole segment, and braces cannot be escaped.

use node0_metrics_core::Topic;

use super::routes::RoutesError;

/// The paths that are taken, each with the name of its surface.
#[derive(Debug, Default)]
pub(super) struct Paths {
    taken: Vec<(Template, &'static str)>,
}

impl Paths {
    /// Takes a path for a surface, or returns the reason why it cannot have it.
    pub(super) fn take(&mut self, path: &str, surface: &'static str) -> Result<(), RoutesError> {
        let refuse = |rule| RoutesError::InvalidPath { path: path.to_owned(), surface, rule };
        let template = Template::parse(path).map_err(refuse)?;
        if template.topic().is_some_and(|name| Topic::broken_name_rule(name).is_none()) {
            return Err(RoutesError::PathOfTopics { path: path.to_owned(), surface });
        }
        if let Some((_, first)) = self.taken.iter().find(|(taken, _)| taken.overlaps(&template)) {
            let path = path.to_owned();
            return Err(RoutesError::PathTaken { path, first, second: surface });
        }
        self.taken.push((template, surface));
        Ok(())
    }
}

/// A parsed path; the names of its parameters are left out, since they do not affect matching.
#[derive(Debug)]
struct Template(Vec<Segment>);

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `{name}`, which matches one segment.
    Parameter,
    /// `{*name}`, which matches all remaining segments.
    Rest,
}

impl Template {
    fn parse(path: &str) -> Result<Self, &'static str> {
        let segments = path.strip_prefix('/').ok_or("does not begin with `/`")?;
        let segments: Vec<_> = segments.split('/').map(Segment::parse).collect::<Result<_, _>>()?;
        match segments.iter().position(|segment| *segment == Segment::Rest) {
            Some(at) if at + 1 < segments.len() => Err("has a segment after its `{*…}`"),
            _ => Ok(Self(segments)),
        }
    }

    /// Returns `true` if axum cannot have both paths in one router.
    fn overlaps(&self, other: &Self) -> bool {
        for pair in self.0.iter().zip(&other.0) {
            match pair {
                (Segment::Rest, Segment::Rest | Segment::Parameter)
                | (Segment::Parameter, Segment::Rest) => return true,
                (one, other) if one != other => return false,
                _ => {}
            }
        }
        self.0.len() == other.0.len()
    }

    /// Returns the name of the topic whose report would have the same path.
    fn topic(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Segment::Literal(metrics), Segment::Literal(name)] if metrics == "metrics" => {
                Some(name)
            }
            _ => None,
        }
    }
}

impl Segment {
    fn parse(segment: &str) -> Result<Self, &'static str> {
        if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let (name, parsed) = match name.strip_prefix('*') {
                Some(name) => (name, Self::Rest),
                None => (name, Self::Parameter),
            };
            let is_name = !name.is_empty() && !name.contains(['{', '}', '*']);
            return if is_name { Ok(parsed) } else { Err("has a parameter without a name") };
        }
        if segment.contains(['{', '}']) {
            return Err("has a parameter that is not a whole segment");
        }
        if segment.starts_with([':', '*']) {
            return Err("has a segment that begins with `:` or `*`");
        }
        Ok(Self::Literal(segment.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use axum::Router;
    use axum::routing::get;

    use super::*;

    const PATHS: [&str; 24] = [
        "",
        "a",
        "/",
        "/a",
        "/b",
        "/a/",
        "//",
        "/{x}",
        "/{y}",
        "/{*x}",
        "/a/{x}",
        "/a/{y}",
        "/a/{*x}",
        "/{x}/a",
        "/{x}/b",
        "/{x}/{y}",
        "/{x}/{*y}",
        "/a/b",
        "/{}",
        "/{*}",
        "/{*x}/a",
        "/:x",
        "/*x",
        "/{x}/a/{*y}",
    ];

    /// Returns `true` if axum accepts routes with these paths, added in this order.
    fn are_taken(paths: &[&str]) -> bool {
        let mount = || {
            let routes = paths.iter();
            routes.fold(Router::<()>::new(), |router, path| router.route(path, get(async || ())))
        };
        catch_unwind(AssertUnwindSafe(mount)).is_ok()
    }

    #[test]
    fn a_path_is_refused_where_axum_would_panic_and_only_there() {
        for first in PATHS {
            assert_eq!(Paths::default().take(first, "one").is_ok(), are_taken(&[first]), "{first}");
            for second in PATHS.into_iter().filter(|_| are_taken(&[first])) {
                let mut paths = Paths::default();
                paths.take(first, "one").expect("axum takes it");
                let is_taken = paths.take(second, "two").is_ok();
                assert_eq!(is_taken, are_taken(&[first, second]), "{first} {second}");
            }
        }
    }

    #[test]
    fn a_path_is_the_topics_unless_no_topic_can_have_it() {
        let check = |path: &str, is_of_topics: bool| {
            let refused = Paths::default().take(path, "one");
            let is_refused = matches!(refused, Err(RoutesError::PathOfTopics { .. }));
            assert_eq!(is_refused, is_of_topics, "{path}: {refused:?}");
        };
        check("/metrics/jobs", true);
        check("/metrics/a-1", true);
        for reserved in Topic::RESERVED {
            check(&format!("/metrics/{reserved}"), false);
        }
        for other in ["/metrics", "/metrics/", "/metrics/jobs.json", "/metrics/jobs/all", "/jobs"] {
            check(other, false);
        }
    }
}

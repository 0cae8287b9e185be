//! Finds the template of a path by hashing, where at most one template can match.
//!
//! A matcher that walks a tree of templates reads some ten cache lines for each path. But most
//! templates of a router exclude each other: no path matches two of them, so a template that
//! matches is *the* match, however it is found. These are kept in two hash tables: those without
//! parameters by their text, the others by the literal text before their first parameter:
//!
//! ```text
//! /users                  by "/users"
//! /users/{id}/orders      by "/users/", which ends after the second slash
//! /api/v1/orders/{id}     by "/api/v1/orders/", which ends after the fourth slash
//! ```
//!
//! The numbers of slashes are known (here two and four), so a path is looked up once for each,
//! mostly once or twice. `/users/{id}` and `/users/me` both match the path `/users/me`, so
//! neither is kept here.

use crate::fixed_table::{FixedTable, hash};

/// The templates that exclude all others, with a value for each.
pub(crate) struct Distinct<T> {
    /// Templates without parameters.
    literal: FixedTable<Entry<T>>,
    /// Templates with parameters.
    pattern: FixedTable<Entry<T>>,
    /// The numbers of slashes before a first parameter: bit `n` is set for `n` slashes.
    slashes: u32,
}

struct Entry<T> {
    /// The literal text before the first parameter.
    start: Box<str>,
    /// The segments from the first parameter on; a parameter is `None`.
    rest: Box<[Option<Box<str>>]>,
    value: T,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { literal: FixedTable::new(1), pattern: FixedTable::new(1), slashes: 0 }
    }
}

impl<T> Distinct<T> {
    /// Keeps those of the templates that exclude all others.
    pub(crate) fn of(templates: Vec<(&str, T)>) -> Self {
        let texts: Vec<&str> = templates.iter().map(|(text, _)| *text).collect();
        let slots = 4 * texts.len();
        let (literal, pattern) = (FixedTable::new(slots), FixedTable::new(slots));
        let mut distinct = Self { literal, pattern, slashes: 0 };
        for (place, (text, value)) in templates.into_iter().enumerate() {
            let mut others = texts.iter().enumerate().filter(|(other, _)| *other != place);
            if others.all(|(_, other)| !may_overlap(text, other)) {
                distinct.keep(text, value);
            }
        }
        distinct
    }

    fn keep(&mut self, text: &str, value: T) {
        let start = text.find('{').map_or(text, |end| &text[..end]);
        let rest = text[start.len()..].split('/').filter(|_| start.len() < text.len());
        let rest = rest.map(|part| match Kind::of(part) {
            Kind::Literal => Some(Some(part.into())),
            Kind::Parameter => Some(None),
            Kind::Rest | Kind::Mixed => None,
        });
        let slashes = start.matches('/').count() as u32;
        let (Some(rest), 0..=31) = (rest.collect::<Option<Box<[_]>>>(), slashes) else { return };
        let table = if rest.is_empty() { &mut self.literal } else { &mut self.pattern };
        self.slashes |= if rest.is_empty() { 0 } else { 1 << slashes };
        table.insert(hash(start.as_bytes()), Entry { start: start.into(), rest, value });
    }

    /// Returns the value of the template that matches a path.
    #[inline]
    pub(crate) fn at(&self, path: &str) -> Option<&T> {
        let is_it = |entry: &Entry<T>| *entry.start == *path;
        match self.literal.find(hash(path.as_bytes()), is_it) {
            Some(place) => Some(&self.literal.at(place)?.value),
            None => self.with_parameters(path),
        }
    }

    fn with_parameters(&self, path: &str) -> Option<&T> {
        let (mut slashes, mut end) = (self.slashes, 0);
        while slashes > 0 {
            // The next slash ends the next start.
            slashes >>= 1;
            end += path.as_bytes()[end..].iter().position(|byte| *byte == b'/')? + 1;
            if slashes & 1 == 0 {
                continue;
            }
            let (start, rest) = path.split_at_checked(end)?;
            let is_it = |entry: &Entry<T>| *entry.start == *start && entry.matches(rest);
            if let Some(place) = self.pattern.find(hash(start.as_bytes()), is_it) {
                return Some(&self.pattern.at(place)?.value);
            }
        }
        None
    }
}

impl<T> Entry<T> {
    /// Returns `true` if the path after the start matches.
    #[inline]
    fn matches(&self, path: &str) -> bool {
        let mut left = Some(path.as_bytes());
        for expected in &self.rest {
            let Some(path) = left else { return false };
            let end = path.iter().position(|byte| *byte == b'/');
            let part = end.map_or(path, |end| &path[..end]);
            left = end.map(|end| &path[end + 1..]);
            let is_match = match expected {
                Some(literal) => literal.as_bytes() == part,
                // As in axum, a parameter is never empty.
                None => !part.is_empty(),
            };
            if !is_match {
                return false;
            }
        }
        left.is_none()
    }
}

/// The kind of a template's segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Literal,
    Parameter,
    /// All further segments, at least one byte.
    Rest,
    /// Anything else with a brace, such as `file-{name}` or an escaped brace.
    Mixed,
}

impl Kind {
    fn of(segment: &str) -> Self {
        let is_brace = |byte: &u8| matches!(byte, b'{' | b'}');
        match segment.as_bytes() {
            [b'{', b'*', ..] => Self::Rest,
            [b'{', name @ .., b'}'] if !name.iter().any(is_brace) => Self::Parameter,
            segment if segment.iter().any(is_brace) => Self::Mixed,
            _ => Self::Literal,
        }
    }
}

/// Returns `false` only if no path matches both templates.
fn may_overlap(one: &str, other: &str) -> bool {
    let mut others = other.split('/');
    for part in one.split('/') {
        let Some(other) = others.next() else { return false };
        match (Kind::of(part), Kind::of(other)) {
            (Kind::Rest, _) | (_, Kind::Rest) => return true,
            (Kind::Literal, Kind::Literal) if part != other => return false,
            _ => {}
        }
    }
    others.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distinct(templates: &[&'static str]) -> Distinct<&'static str> {
        Distinct::of(templates.iter().map(|text| (*text, *text)).collect())
    }

    #[test]
    fn a_path_is_found_by_its_literal_segments() {
        let distinct = distinct(&["/", "/users", "/users/{id}", "/{kind}/a/{b}", "/x/b/{c}/d"]);
        for (path, template) in [
            ("/", Some("/")),
            ("/users", Some("/users")),
            ("/users/7", Some("/users/{id}")),
            ("/users/a%2Fb", Some("/users/{id}")),
            ("/any/a/7", Some("/{kind}/a/{b}")),
            ("/x/b/7/d", Some("/x/b/{c}/d")),
            ("", None),
            ("users", None),
            ("/users/", None),
            ("//a/7", None),
            ("/users/7/", None),
            ("/any/b/7", None),
            ("/users/7/orders", None),
        ] {
            assert_eq!(distinct.at(path).copied(), template, "{path}");
        }
    }

    #[test]
    fn templates_that_overlap_are_left_to_the_matcher() {
        let templates = ["/users/{id}", "/users/me", "/files/{*rest}", "/files/a", "/b/{x}", "/b"];
        let distinct = distinct(&templates);
        for path in ["/users/7", "/users/me", "/files/a", "/files/b"] {
            assert_eq!(distinct.at(path), None, "{path}");
        }
        assert_eq!(distinct.at("/b/7"), Some(&"/b/{x}"));
        assert_eq!(distinct.at("/b"), Some(&"/b"));
    }

    #[test]
    fn what_is_not_literal_and_not_one_parameter_is_left_to_the_matcher() {
        let distinct = distinct(&["/a/file-{name}", "/b/{{x}}", "/c/{*rest}"]);
        for path in ["/a/file-1", "/b/{x}", "/c/1"] {
            assert_eq!(distinct.at(path), None, "{path}");
        }
    }
}

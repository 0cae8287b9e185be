//! Finds the template of a path by hashing, where at most one template can match.
//!
//! A matcher that walks a tree of templates reads some ten cache lines for each path. But most
//! templates of a router exclude each other: no path matches two of them, so a template that
//! matches is *the* match, however it is found. These are kept in three hash tables:
//!
//! ```text
//! /users                  by its text
//! /users/{id}             by the text before its last segment, "/users/"
//! /users/{id}/orders      by the text before its first parameter, "/users/"
//! ```
//!
//! So a path is looked up by its text and by the text before its last segment, which finds most
//! paths. For templates of the third kind, the numbers of slashes before a parameter are known
//! (here two), and a path is looked up once for each. `/users/{id}` and `/users/me` both match the
//! path `/users/me`, so neither is kept here.

use crate::fixed_table::{FixedTable, hash};

/// The templates that exclude all others, with a value for each.
pub(crate) struct Distinct<T> {
    /// Templates without parameters.
    literal: FixedTable<Entry<T>>,
    /// Templates whose only parameter is the last segment.
    last: FixedTable<Entry<T>>,
    /// Templates with other parameters.
    inner: FixedTable<Entry<T>>,
    /// The numbers of slashes before the first of those: bit `n` is set for `n` slashes.
    slashes: u32,
}

struct Entry<T> {
    /// The literal text before the first parameter.
    start: Box<[u8]>,
    /// The segments from the first parameter on; a parameter is `None`.
    rest: Box<[Option<Box<[u8]>>]>,
    value: T,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self::with_slots(1)
    }
}

impl<T> Distinct<T> {
    fn with_slots(slots: usize) -> Self {
        let [literal, last, inner] = [(); 3].map(|()| FixedTable::new(slots));
        Self { literal, last, inner, slashes: 0 }
    }

    /// Keeps those of the templates that exclude all others, and returns the others.
    pub(crate) fn of(templates: Vec<(&str, T)>) -> (Self, Vec<(&str, T)>) {
        let texts: Vec<&str> = templates.iter().map(|(text, _)| *text).collect();
        let (mut distinct, mut left) = (Self::with_slots(4 * texts.len()), Vec::new());
        for (place, (text, value)) in templates.into_iter().enumerate() {
            let mut others = texts.iter().enumerate().filter(|(other, _)| *other != place);
            let is_kept = match others.all(|(_, other)| !may_overlap(text, other)) {
                true => distinct.keep(text, value),
                false => Err(value),
            };
            left.extend(is_kept.err().map(|value| (text, value)));
        }
        (distinct, left)
    }

    /// Keeps a template; returns its value if it has segments of another kind, or no slot is free.
    fn keep(&mut self, text: &str, value: T) -> Result<(), T> {
        let start = text.find('{').map_or(text, |end| &text[..end]);
        let rest = text[start.len()..].split('/').filter(|_| start.len() < text.len());
        let rest = rest.map(|part| match Kind::of(part) {
            Kind::Literal => Some(Some(part.as_bytes().into())),
            Kind::Parameter => Some(None),
            Kind::Rest | Kind::Mixed => None,
        });
        let (Some(rest), slashes @ 0..=31) = (rest.collect(), start.matches('/').count()) else {
            return Err(value);
        };
        let entry = Entry { start: start.as_bytes().into(), rest, value };
        let (table, hash) = match *entry.rest {
            [] => (&mut self.literal, hash(&entry.start)),
            [None] => (&mut self.last, hash(&entry.start)),
            _ => {
                self.slashes |= 1 << slashes;
                (&mut self.inner, hash(&entry.start))
            }
        };
        table.insert(hash, entry).map_err(|entry| entry.value)
    }

    /// Returns the value of the template that matches a path.
    #[inline]
    pub(crate) fn at(&self, path: &str) -> Option<&T> {
        let path = path.as_bytes();
        match self.literal.get(hash(path), |entry| *entry.start == *path) {
            Some(entry) => Some(&entry.value),
            None => self.with_last_parameter(path).or_else(|| self.with_inner_parameters(path)),
        }
    }

    #[inline]
    fn with_last_parameter(&self, path: &[u8]) -> Option<&T> {
        let end = path.iter().rposition(|byte| *byte == b'/')? + 1;
        let (start, parameter) = path.split_at(end);
        let entry = self.last.get(hash(start), |entry| *entry.start == *start)?;
        // As in axum, a parameter is never empty.
        (!parameter.is_empty()).then_some(&entry.value)
    }

    fn with_inner_parameters(&self, path: &[u8]) -> Option<&T> {
        let mut slashes = self.slashes;
        for (place, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            slashes >>= 1;
            if slashes & 1 == 1 {
                let (start, rest) = path.split_at(place + 1);
                let is_it = |entry: &Entry<T>| *entry.start == *start && entry.matches(rest);
                if let Some(entry) = self.inner.get(hash(start), is_it) {
                    return Some(&entry.value);
                }
            }
            if slashes <= 1 {
                break;
            }
        }
        None
    }
}

impl<T> Entry<T> {
    /// Returns `true` if the path after the literal start matches.
    fn matches(&self, path: &[u8]) -> bool {
        let mut parts = path.split(|byte| *byte == b'/');
        let is_match = |expected: &Option<Box<[u8]>>| {
            parts.next().is_some_and(|part| match expected {
                Some(literal) => **literal == *part,
                None => !part.is_empty(),
            })
        };
        self.rest.iter().all(is_match) && parts.next().is_none()
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
        Distinct::of(templates.iter().map(|text| (*text, *text)).collect()).0
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
        let (distinct, left) = Distinct::of(templates.map(|text| (text, text)).to_vec());
        assert_eq!(left, templates[..4].iter().map(|text| (*text, *text)).collect::<Vec<_>>());
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

//! The query of a request, parsed strictly.
//!
//! An unknown key is ignored, so that clients may be newer than the server. A
//! known key must have exactly one valid value: a repeated, empty or malformed one is
//! a mistake of the client, which gets a 400 instead of an answer that guesses.

use std::str::FromStr;

use http::Uri;

use super::error::ApiError;
use super::parameter::Parameter;

/// The query of a request, from which parameters are read.
///
/// ```
/// use node0_http_glue::{Parameter, Query};
///
/// const ALL: Parameter = Parameter::flag("all", "Lists hidden jobs, too.");
///
/// let uri = "/jobs?all=true&newer=key".parse().expect("a URI");
/// assert_eq!(Query::of(&uri).flag(&ALL), Ok(true));
/// let uri = "/jobs?all=1".parse().expect("a URI");
/// assert_eq!(Query::of(&uri).flag(&ALL).unwrap_err().code(), "invalid_parameter");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    text: &'a str,
}

impl<'a> Query<'a> {
    /// Takes the query of a request's URI.
    pub fn of(uri: &'a Uri) -> Self {
        Self { text: uri.query().unwrap_or_default() }
    }

    /// Returns the value of a parameter; `None` if it is absent.
    ///
    /// # Errors
    /// 400 `invalid_parameter` for a value that is repeated, empty, longer than
    /// the parameter allows, not UTF-8 or not one of the allowed words, and for a required
    /// parameter that is missing.
    pub fn text(&self, parameter: &Parameter) -> Result<Option<String>, ApiError> {
        let allowed = parameter.allowed();
        let refuse = |rule: &str| Err(ApiError::invalid_parameter(parameter.name(), rule, allowed));
        let mut values = self.text.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name) == parameter.name().as_bytes()).then_some(value)
        });
        let Some(value) = values.next() else {
            let remedy = format!("is missing: add `{}=` and a value", parameter.name());
            return if parameter.is_required() { refuse(&remedy) } else { Ok(None) };
        };
        if values.next().is_some() {
            return refuse("is given more than once");
        }
        let value = decode(value);
        if value.is_empty() {
            return refuse("is empty");
        }
        if value.len() > parameter.max_bytes() {
            return refuse(&format!("is longer than {} bytes", parameter.max_bytes()));
        }
        let Ok(value) = String::from_utf8(value) else { return refuse("is not UTF-8") };
        if !allowed.is_empty() && !allowed.contains(&value.as_str()) {
            return refuse(&format!("is not one of {}", allowed.join(", ")));
        }
        Ok(Some(value))
    }

    /// Returns the value of a parameter with fixed [words](Parameter::words), parsed as `T`.
    ///
    /// # Errors
    /// As [`Query::text`], and for a word that `T` cannot parse.
    pub fn word<T: FromStr>(&self, parameter: &Parameter) -> Result<Option<T>, ApiError> {
        let Some(value) = self.text(parameter)? else { return Ok(None) };
        let refuse =
            |_| ApiError::invalid_parameter(parameter.name(), "is not known", parameter.allowed());
        value.parse().map(Some).map_err(refuse)
    }

    /// Returns the value of a [flag](Parameter::flag); `false` if it is absent.
    ///
    /// # Errors
    /// As [`Query::text`].
    pub fn flag(&self, parameter: &Parameter) -> Result<bool, ApiError> {
        Ok(self.text(parameter)?.is_some_and(|value| value == "true"))
    }
}

/// Decodes URL-encoded form text; a `%` without two hexadecimal digits is kept as it is.
fn decode(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len().min(512));
    while let [byte, tail @ ..] = rest {
        let (byte, tail) = match (byte, tail) {
            (b'+', tail) => (b' ', tail),
            (b'%', [high, low, tail @ ..]) => match hex_pair(*high, *low) {
                Some(byte) => (byte, tail),
                None => (b'%', &rest[1..]),
            },
            (byte, tail) => (*byte, tail),
        };
        decoded.push(byte);
        rest = tail;
    }
    decoded
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: Parameter = Parameter::text("pool", "Reports on this pool alone.");

    fn text(query: &str) -> Result<Option<String>, String> {
        let uri = format!("/?{query}").parse().expect("it is a URI");
        Query::of(&uri).text(&POOL).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_is_decoded() {
        let check = |query, expected: Option<&str>| {
            assert_eq!(text(query), Ok(expected.map(str::to_owned)), "{query}");
        };
        check("", None);
        check("other=1&pools=2", None);
        check("pool=main", Some("main"));
        check("a=b&pool=a%20b+c&d", Some("a b c"));
        check("p%6Fol=x", Some("x"));
        check("pool=50%&x", Some("50%"));
        check("pool=%zz%4", Some("%zz%4"));
        check("pool=a=b", Some("a=b"));
        check("pool=%C3%A9", Some("é"));
        check("%ff=1&pool=main", Some("main"));
    }

    #[test]
    fn a_value_that_is_a_mistake_is_refused() {
        let check = |query: &str, rule: &str| {
            assert_eq!(text(query), Err(format!("parameter `pool` {rule}")), "{query}");
        };
        check("pool=", "is empty");
        check("pool", "is empty");
        check("pool=a&pool=a", "is given more than once");
        check("pool=%ff", "is not UTF-8");
        check(&format!("pool={}", "x".repeat(10_000)), "is longer than 256 bytes");
    }

    #[test]
    fn a_required_parameter_is_missed() {
        let uri = "/?pools=main".parse().expect("it is a URI");
        let missed = Query::of(&uri).text(&POOL.required()).map_err(|error| error.to_string());
        assert_eq!(missed, Err("parameter `pool` is missing: add `pool=` and a value".to_owned()));
    }
}

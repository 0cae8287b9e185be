//! The parameters of a request's query.
//!
//! A key that nobody knows is ignored, so that clients may be newer than the
//! server. A known one is taken at its word or refused: what is repeated, empty
//! or not text means a mistake of the client, and a guess would hide it.

use std::str::FromStr;

use http::Uri;

use super::error::ApiError;

/// The longest value; no label and no name is longer.
const MAX_VALUE_BYTES: usize = 256;

#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    text: &'a str,
}

impl<'a> Query<'a> {
    pub(super) fn of(uri: &'a Uri) -> Self {
        Self { text: uri.query().unwrap_or_default() }
    }

    /// The value of `key`, if it is there: once, not empty, of sane length and in UTF-8.
    pub(super) fn text(
        &self,
        key: &'static str,
        allowed: &[&'static str],
    ) -> Result<Option<String>, ApiError> {
        let refuse = |rule| Err(ApiError::invalid_parameter(key, rule, allowed));
        let mut values = self.text.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name) == key.as_bytes()).then_some(value)
        });
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return refuse("is given more than once");
        }
        let value = decode(value);
        if value.is_empty() {
            return refuse("is empty");
        }
        if value.len() > MAX_VALUE_BYTES {
            return refuse("is longer than 256 bytes");
        }
        match String::from_utf8(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => refuse("is not UTF-8"),
        }
    }

    /// The value of `key` as one of the `allowed` words.
    pub(super) fn word<T: FromStr>(
        &self,
        key: &'static str,
        allowed: &[&'static str],
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.text(key, allowed)? else { return Ok(None) };
        let rule = || format!("is not one of {}", allowed.join(", "));
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(ApiError::invalid_parameter(key, &rule(), allowed)),
        }
    }

    /// The value of `key` as `true` or `false`; false if it is not there.
    pub(super) fn flag(&self, key: &'static str) -> Result<bool, ApiError> {
        Ok(self.word(key, &["true", "false"])?.unwrap_or(false))
    }
}

/// Undoes the encoding of a form; a `%` without two hexadecimal digits stands for itself.
fn decode(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len().min(2 * MAX_VALUE_BYTES));
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

    fn text(query: &str) -> Result<Option<String>, String> {
        let uri = format!("/?{query}").parse().expect("it is a URI");
        Query::of(&uri).text("pool", &[]).map_err(|error| error.to_string())
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
}

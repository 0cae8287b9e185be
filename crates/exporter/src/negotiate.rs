//! Chooses a format by an `Accept` header.
//!
//! Scrapers rank formats by q-values. Some send only values below one, so the values
//! are compared with each other and none is required to be `1`. A range with another
//! version does not match: `text/plain; version=1.0.0` is not the format 0.0.4. Other
//! parameters than version and charset (such as `escaping` of newer Prometheus) are
//! ignored.
//!
//! A header that matches no format gets the text format and not a 406, because a page in
//! another format helps a reader more than none.

use crate::format::Format;

/// Returns the format that an `Accept` header prefers; [`Format::Text`] where it allows none.
///
/// `accept` holds the values of all `Accept` headers. The most specific range that
/// matches a format gives its quality; `q=0` excludes the format, and a malformed
/// range is ignored. Between formats of equal quality, the one that a more specific
/// range matches wins. If these are equal too, OpenMetrics wins where both are named,
/// and text where a wildcard matches both.
///
/// ```
/// use exporter::{Format, negotiate};
///
/// assert_eq!(negotiate(None), Format::Text);
/// assert_eq!(negotiate(Some("*/*")), Format::Text);
/// let header = "text/plain;q=0.3, application/openmetrics-text;version=1.0.0;q=0.4";
/// assert_eq!(negotiate(Some(header)), Format::OpenMetrics);
/// ```
pub fn negotiate<'a>(accept: impl IntoIterator<Item = &'a str>) -> Format {
    let ranges: Vec<Range<'_>> =
        accept.into_iter().flat_map(|value| split(value, ',')).filter_map(Range::parse).collect();
    let allowed = Format::ALL.iter().filter_map(|format| {
        let preference =
            ranges.iter().filter_map(|range| range.preference(Offer::of(*format))).max()?;
        let Preference { specificity, quality } = preference;
        (quality > 0).then_some((quality, specificity, prefers(*format, specificity), *format))
    });
    allowed
        .max_by_key(|(quality, specificity, preferred, _)| (*quality, *specificity, *preferred))
        .map_or(Format::Text, |(.., format)| format)
}

/// Returns `true` if the format wins a tie: OpenMetrics if it was named, else text.
fn prefers(format: Format, specificity: Specificity) -> bool {
    (format == Format::OpenMetrics) == (specificity >= Specificity::Type)
}

/// A format in the terms of an `Accept` header.
struct Offer {
    main: &'static str,
    sub: &'static str,
    version: &'static str,
}

impl Offer {
    const fn of(format: Format) -> Self {
        match format {
            Format::Text => Self { main: "text", sub: "plain", version: "0.0.4" },
            Format::OpenMetrics => {
                Self { main: "application", sub: "openmetrics-text", version: "1.0.0" }
            }
        }
    }
}

/// The degree to which a range is specific about a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Anything,
    MainType,
    Type,
    Version,
}

/// The quality that a range gives to a format; ordered by specificity first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    specificity: Specificity,
    quality: u16,
}

/// One media range of the header.
struct Range<'a> {
    main: &'a str,
    sub: &'a str,
    version: Option<&'a str>,
    charset: Option<&'a str>,
    /// The q-value in thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = split(text, ';').map(str::trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        let mut range = Self { main, sub, version: None, charset: None, quality: 1000 };
        if !is_token(main) || !is_token(sub) || (main == "*" && sub != "*") {
            return None;
        }
        for parameter in parts.filter(|part| !part.is_empty()) {
            let (key, value) = parameter.split_once('=')?;
            let (key, value) = (key.trim(), unquoted(value.trim()));
            if key.eq_ignore_ascii_case("q") {
                range.quality = quality(value)?;
            } else if key.eq_ignore_ascii_case("version") {
                range.version = Some(value);
            } else if key.eq_ignore_ascii_case("charset") {
                range.charset = Some(value);
            }
        }
        Some(range)
    }

    fn preference(&self, offer: Offer) -> Option<Preference> {
        let specificity = match (self.main, self.sub, self.version) {
            ("*", _, None) => Specificity::Anything,
            (main, "*", None) if main.eq_ignore_ascii_case(offer.main) => Specificity::MainType,
            (main, sub, version)
                if main.eq_ignore_ascii_case(offer.main) && sub.eq_ignore_ascii_case(offer.sub) =>
            {
                match version {
                    None => Specificity::Type,
                    Some(version) if version == offer.version => Specificity::Version,
                    Some(_) => return None,
                }
            }
            _ => return None,
        };
        let takes_utf8 = self.charset.is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
        takes_utf8.then_some(Preference { specificity, quality: self.quality })
    }
}

/// Splits the text at each separator that is outside quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let literal = escaped;
        escaped = quoted && !literal && c == '\\';
        if c == '"' && !literal {
            quoted = !quoted;
        }
        c == separator && !quoted
    })
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

fn is_token(text: &str) -> bool {
    let special = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || special(byte))
}

/// Parses a q-value, `0` to `1` with at most three decimals, into thousandths.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{decimals:0<3}").parse::<u16>().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

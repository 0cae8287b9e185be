//! Chooses a format by an `Accept` header.
//!
//! Scrapers rank formats by q-values. Some send only values below one, so the values
//! are compared with each other and none is required to be `1`. A range with another
//! version does not match: `text/plain; version=2.0.0` is none of our formats.
//!
//! Newer releases of Prometheus also say by `escaping` which characters they take in names. The
//! names of this exporter have letters, digits and underscores only, so that a page is the same
//! for all of them but one: `dots` would double the underscores, and gets `underscores` instead.
//!
//! A header that matches no format gets the text format and not a 406, because a page in
//! another format helps a reader more than none.

use std::fmt;

use crate::format::Format;

/// The format that a reader gets, as its `Content-Type` says.
///
/// ```
/// use node0_exporter::{Exporter, Format};
///
/// let accepted = Exporter::new().negotiate(Some("text/plain;version=1.0.0;escaping=allow-utf-8"));
/// assert_eq!(accepted.format(), Format::Text);
/// let content_type = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8";
/// assert_eq!(accepted.to_string(), content_type);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    offer: &'static Offer,
    escaping: Option<&'static str>,
}

impl Accepted {
    /// Returns the format in which the page is to be rendered.
    pub fn format(self) -> Format {
        self.offer.format
    }

    /// Returns the content type of a page that was rendered in this format, which is another one
    /// if its names do not exist in the accepted one.
    #[must_use]
    pub fn rendered_as(self, format: Format) -> Self {
        if self.format() == format { self } else { Self::from(format) }
    }
}

impl From<Format> for Accepted {
    fn from(format: Format) -> Self {
        let offer = OFFERS.iter().find(|offer| offer.format == format).unwrap_or(&OFFERS[0]);
        Self { offer, escaping: None }
    }
}

/// Writes the value of the header `Content-Type`.
impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.offer.content_type)?;
        self.escaping.map_or(Ok(()), |escaping| write!(f, "; escaping={escaping}"))
    }
}

/// Returns the best of the offered formats; see [`Exporter::negotiate`](crate::Exporter::negotiate).
pub(crate) fn best<'a>(
    is_offered: impl Fn(Format) -> bool,
    accept: impl IntoIterator<Item = &'a str>,
) -> Accepted {
    let ranges: Vec<Range<'_>> =
        accept.into_iter().flat_map(|value| split(value, ',')).filter_map(Range::parse).collect();
    let offers = OFFERS.iter().filter(|offer| is_offered(offer.format));
    let allowed = offers.filter_map(|offer| {
        let preferences = ranges.iter().filter_map(|range| range.preference(offer));
        let Preference { specificity, quality, escaping } =
            preferences.max_by_key(|of| (of.specificity, of.quality))?;
        let is_named = specificity >= Specificity::Type;
        // A reader that names no format may be a person, who cannot read protobuf.
        let is_allowed = quality > 0 && (is_named || offer.format != Format::Protobuf);
        let rank =
            (quality, specificity, if is_named { offer.richness } else { offer.plainness() });
        is_allowed.then_some((rank, Accepted { offer, escaping }))
    });
    let best = allowed.max_by_key(|(rank, _)| *rank);
    best.map_or(Accepted::from(Format::Text), |(_, accepted)| accepted)
}

/// A format in the terms of an `Accept` header.
#[derive(Debug, PartialEq, Eq)]
struct Offer {
    format: Format,
    main: &'static str,
    sub: &'static str,
    /// The values that a range must give these parameters, if it gives one.
    parameters: &'static [(&'static str, &'static str)],
    content_type: &'static str,
    /// Decides a tie between formats that are named.
    richness: u8,
}

/// The formats that can be offered; of two for one [`Format`] the first is that of a tie.
static OFFERS: [Offer; 4] = [
    Offer {
        format: Format::Text,
        main: "text",
        sub: "plain",
        parameters: &[("version", "0.0.4"), ("charset", "utf-8")],
        content_type: Format::Text.content_type(),
        richness: 1,
    },
    // The same page: only names in quotes, which there are none of here, would differ.
    Offer {
        format: Format::Text,
        main: "text",
        sub: "plain",
        parameters: &[("version", "1.0.0"), ("charset", "utf-8")],
        content_type: "text/plain; version=1.0.0; charset=utf-8",
        richness: 0,
    },
    Offer {
        format: Format::OpenMetrics,
        main: "application",
        sub: "openmetrics-text",
        parameters: &[("version", "1.0.0"), ("charset", "utf-8")],
        content_type: Format::OpenMetrics.content_type(),
        richness: 2,
    },
    Offer {
        format: Format::Protobuf,
        main: "application",
        sub: "vnd.google.protobuf",
        parameters: &[("proto", "io.prometheus.client.metricfamily"), ("encoding", "delimited")],
        content_type: Format::Protobuf.content_type(),
        richness: 3,
    },
];

impl Offer {
    /// Decides a tie where no format is named: text wins, which everything reads.
    fn plainness(&self) -> u8 {
        u8::MAX - if self.format == Format::Text { 1 - self.richness } else { self.richness }
    }
}

/// The words for the ways in which names may be escaped, of which a page is the same.
const ESCAPINGS: [&str; 3] = ["allow-utf-8", "underscores", "values"];

/// The degree to which a range is specific about a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Anything,
    MainType,
    Type,
    Version,
}

/// The preference of a range for a format.
#[derive(Clone, Copy, Debug)]
struct Preference {
    specificity: Specificity,
    quality: u16,
    escaping: Option<&'static str>,
}

/// One media range of the header.
struct Range<'a> {
    main: &'a str,
    sub: &'a str,
    /// The parameters, except the q-value.
    parameters: Vec<(&'a str, &'a str)>,
    /// The q-value in thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = split(text, ';').map(str::trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        let mut range = Self { main, sub, parameters: Vec::new(), quality: 1000 };
        if !is_token(main) || !is_token(sub) || (main == "*" && sub != "*") {
            return None;
        }
        for parameter in parts.filter(|part| !part.is_empty()) {
            let (key, value) = parameter.split_once('=')?;
            let (key, value) = (key.trim(), unquoted(value.trim()));
            if key.eq_ignore_ascii_case("q") {
                range.quality = quality(value)?;
            } else {
                range.parameters.push((key, value));
            }
        }
        Some(range)
    }

    fn parameter(&self, key: &str) -> Option<&'a str> {
        let found = self.parameters.iter().find(|(given, _)| given.eq_ignore_ascii_case(key));
        found.map(|(_, value)| *value)
    }

    fn preference(&self, offer: &Offer) -> Option<Preference> {
        let is_main = self.main.eq_ignore_ascii_case(offer.main);
        let mut has_version = false;
        for (key, wanted) in offer.parameters {
            let Some(given) = self.parameter(key) else { continue };
            if !given.eq_ignore_ascii_case(wanted) {
                return None;
            }
            has_version |= *key != "charset";
        }
        let specificity = match (self.main, self.sub) {
            ("*", _) if !has_version => Specificity::Anything,
            (_, "*") if is_main && !has_version => Specificity::MainType,
            (_, sub) if is_main && sub.eq_ignore_ascii_case(offer.sub) => {
                if has_version {
                    Specificity::Version
                } else {
                    Specificity::Type
                }
            }
            _ => return None,
        };
        let known = |given: &str| ESCAPINGS.into_iter().find(|known| *known == given);
        let escaping =
            self.parameter("escaping").map(|given| known(given).unwrap_or("underscores"));
        Some(Preference { specificity, quality: self.quality, escaping })
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

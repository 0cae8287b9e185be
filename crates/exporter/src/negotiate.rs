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

/// Returns the best of the offered formats; see [`Exporter::negotiate`](crate::Exporter::negotiate).
pub(crate) fn best<'a>(
    offers: impl Iterator<Item = Format>,
    accept: impl IntoIterator<Item = &'a str>,
) -> Format {
    let ranges: Vec<Range<'_>> =
        accept.into_iter().flat_map(|value| split(value, ',')).filter_map(Range::parse).collect();
    let allowed = offers.filter_map(|format| {
        let preferences = ranges.iter().filter_map(|range| range.preference(Offer::of(format)));
        let Preference { specificity, quality } = preferences.max()?;
        let is_named = specificity >= Specificity::Type;
        // A reader that names no format may be a person, who cannot read protobuf.
        let is_allowed = quality > 0 && (is_named || format != Format::Protobuf);
        is_allowed.then_some((quality, specificity, richness(format, is_named), format))
    });
    allowed
        .max_by_key(|(quality, specificity, richness, _)| (*quality, *specificity, *richness))
        .map_or(Format::Text, |(.., format)| format)
}

/// Ranks formats in a tie: by what they can say if they were named, else text wins.
fn richness(format: Format, is_named: bool) -> u8 {
    match format {
        Format::Text => u8::from(!is_named) * 3,
        Format::OpenMetrics => 1,
        Format::Protobuf => 2,
    }
}

/// A format in the terms of an `Accept` header.
struct Offer {
    main: &'static str,
    sub: &'static str,
    /// What a range must say of these parameters, if it says something.
    parameters: &'static [(&'static str, &'static str)],
}

impl Offer {
    const fn of(format: Format) -> Self {
        match format {
            Format::Text => Self {
                main: "text",
                sub: "plain",
                parameters: &[("version", "0.0.4"), ("charset", "utf-8")],
            },
            Format::OpenMetrics => Self {
                main: "application",
                sub: "openmetrics-text",
                parameters: &[("version", "1.0.0"), ("charset", "utf-8")],
            },
            Format::Protobuf => Self {
                main: "application",
                sub: "vnd.google.protobuf",
                parameters: &[
                    ("proto", "io.prometheus.client.metricfamily"),
                    ("encoding", "delimited"),
                ],
            },
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

    fn preference(&self, offer: Offer) -> Option<Preference> {
        let is_main = self.main.eq_ignore_ascii_case(offer.main);
        let matched = offer.parameters.iter().filter_map(|(key, wanted)| {
            let (_, given) =
                self.parameters.iter().find(|(given, _)| given.eq_ignore_ascii_case(key))?;
            Some((*key, given.eq_ignore_ascii_case(wanted)))
        });
        let matched: Vec<_> = matched.collect();
        if matched.iter().any(|(_, is_equal)| !is_equal) {
            return None;
        }
        let has_version = matched.iter().any(|(key, _)| *key != "charset");
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
        Some(Preference { specificity, quality: self.quality })
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

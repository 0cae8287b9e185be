//! The header `traceparent` of W3C Trace Context.
//!
//! It is input of strangers: each rule of the recommendation is checked, and a value that breaks
//! one names no trace.

use http::HeaderMap;
use node0_metrics_core::{SpanId, TraceContext, TraceId};

use crate::traces::Link;

const NAME: &str = "traceparent";
/// The length of version 00: `00-`, 32 digits, `-`, 16 digits, `-` and 2 digits.
const LENGTH: usize = 55;
/// The version that is forbidden.
const INVALID_VERSION: u64 = 0xff;
/// The flag of a trace that its caller has sampled.
const SAMPLED: u64 = 1;

/// Returns the trace that a request's headers name, if there is exactly one and it is valid.
pub(crate) fn of(headers: &HeaderMap) -> Option<Link> {
    let mut values = headers.get_all(NAME).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => parse(value.as_bytes()),
        _ => None,
    }
}

fn parse(value: &[u8]) -> Option<Link> {
    let (known, rest) = value.split_at_checked(LENGTH)?;
    let [version, trace, span, flags] = fields(known)?;
    let (version, trace) = (hex(version)? as u64, hex(trace)?);
    let (span, flags) = (hex(span)? as u64, hex(flags)? as u64);
    // A later version may append fields, behind a hyphen; what it begins with stays the same.
    let is_known = match version {
        0 => rest.is_empty(),
        INVALID_VERSION => false,
        _ => matches!(rest.first(), None | Some(b'-')),
    };
    let context = TraceContext { trace: TraceId::new(trace), span: Some(SpanId::new(span)) };
    let is_valid = is_known && trace != 0 && span != 0;
    is_valid.then_some(Link { context, is_sampled: flags & SAMPLED != 0 })
}

/// Cuts the value at its three hyphens, and checks the length of each field.
fn fields(known: &[u8]) -> Option<[&[u8]; 4]> {
    let mut fields = known.split(|byte| *byte == b'-');
    let mut next = |length| fields.next().filter(|field| field.len() == length);
    let found = [next(2)?, next(32)?, next(16)?, next(2)?];
    fields.next().is_none().then_some(found)
}

/// Parses lower-case hexadecimal digits; others are forbidden.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const SAMPLED_PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (NAME.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_valid_header_names_trace_span_and_sampling() {
        let trace = TraceId::new(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        let context = TraceContext { trace, span: Some(SpanId::new(0x00f0_67aa_0ba9_02b7)) };
        let check = |flags: &str, is_sampled| {
            let value = SAMPLED_PARENT.replace("b7-01", &format!("b7-{flags}"));
            assert_eq!(of(&headers(&[&value])), Some(Link { context, is_sampled }), "{value}");
        };
        check("01", true);
        check("00", false);
        check("02", false);
        check("ff", true);
        // A later version, with a field that we do not know.
        for later in ["01-", "cc-", "fe-"] {
            let value = SAMPLED_PARENT.replacen("00-", later, 1);
            for value in [value.clone(), format!("{value}-what-comes"), format!("{value}-")] {
                assert!(of(&headers(&[&value])).is_some(), "{value}");
            }
        }
    }

    #[test]
    fn a_header_that_breaks_a_rule_names_none() {
        let broken = [
            // Version 00 has nothing behind the flags, and ff is forbidden.
            format!("{SAMPLED_PARENT}-"),
            format!("{SAMPLED_PARENT}-00"),
            format!("{SAMPLED_PARENT}0"),
            SAMPLED_PARENT.replacen("00-", "ff-", 1),
            // A later version appends only behind a hyphen.
            SAMPLED_PARENT.replacen("00-", "01-", 1) + ".what",
            // Zeros are no ids.
            SAMPLED_PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            SAMPLED_PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            // Digits are in lower case.
            SAMPLED_PARENT.to_uppercase(),
            SAMPLED_PARENT.replace("4bf9", "4bg9"),
            SAMPLED_PARENT.replace("-01", "-+1"),
            // Fields have their lengths.
            SAMPLED_PARENT.replacen('-', "_", 1),
            SAMPLED_PARENT.replace("-00f067", "00-f067"),
            SAMPLED_PARENT[1..].to_owned(),
            SAMPLED_PARENT[..54].to_owned(),
            format!(" {SAMPLED_PARENT}"),
            String::new(),
        ];
        for value in broken {
            assert_eq!(of(&headers(&[&value])), None, "{value}");
        }
        assert_eq!(of(&headers(&[])), None);
        assert_eq!(of(&headers(&[SAMPLED_PARENT, SAMPLED_PARENT])), None, "which one?");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let headers = HeaderMap::from_iter([(NAME.parse().unwrap(), value)]);
                prop_assert_eq!(of(&headers), None, "no random bytes are a trace");
            }
        }
    }
}

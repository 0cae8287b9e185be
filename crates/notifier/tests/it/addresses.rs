//! Addresses: which are taken, and that none of their secrets is shown.

use node0_notifier::{Target, TargetError};

use crate::source::Source;

#[test]
fn an_address_that_cannot_be_used_is_refused_without_being_shown() {
    let secret = "Jw3kq";
    let check = |address: String, expected: TargetError| {
        for made in [Target::alertmanager(&address), Target::webhook(&address)] {
            let error = made.expect_err("it cannot be used");
            assert_eq!(error, expected, "{address}");
            assert!(!format!("{error} {error:?}").contains(secret), "{address}");
        }
    };
    check(String::new(), TargetError::NoUrl);
    check(secret.to_owned(), TargetError::NoUrl);
    check(format!("/{secret}"), TargetError::NoUrl);
    check(format!("http://{secret}:x@"), TargetError::NoUrl);
    check(format!("http://a b/{secret}"), TargetError::NoUrl);
    check(format!("http://{secret}:x@:9093"), TargetError::NoUrl);
    check(format!("http://{secret}:x@host:99999"), TargetError::NoUrl);
    check(format!("http://{secret}:x@host:"), TargetError::NoUrl);
    check(format!("http://{secret}:x@host:x"), TargetError::NoUrl);
    check(format!("ftp://host/{secret}"), TargetError::Scheme);
    check(format!("{secret}://host/"), TargetError::Scheme);
    #[cfg(not(feature = "tls"))]
    check(format!("https://host/{secret}"), TargetError::NoTls);
}

#[cfg(feature = "tls")]
#[test]
fn with_tls_https_is_taken() {
    let target = Target::webhook("https://user:secret@chat.example/hook").expect("it is good");
    assert_eq!(target.to_string(), "webhook at https://chat.example");
}

#[test]
fn nothing_that_is_shown_has_a_part_of_the_address_but_the_host() {
    let address = "http://node0:S3cret@chat.example:8080/hooks/S3cret?key=S3cret";
    let target = Target::webhook(address).expect("it is good");
    assert_eq!(target.to_string(), "webhook at http://chat.example:8080");
    let builder = node0_notifier::Notifier::builder().target(target);
    let shown = format!("{builder:?}");
    assert!(!shown.contains("S3cret"), "{shown}");
    let source = Source::with(builder);
    let page = format!("{:?}", source.registry.read().snapshot);
    assert!(!page.contains("S3cret"));
}

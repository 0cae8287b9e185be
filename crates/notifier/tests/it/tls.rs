//! Receivers behind https, with certificates of an authority that the test makes up.

use node0_notifier::{Target, TargetError};
use testbed::authority::{Authority, Validity};

use crate::receiver::Answer::Status;
use crate::receiver::Receiver;
use crate::source::{Source, firing, quick};

/// Starts a receiver whose certificate is for this host.
fn receiver_of(authority: &Authority, host: &str) -> Receiver {
    Receiver::over(authority.server(host, Validity::Current), |_| Status(200))
}

/// Sends an alert to a receiver, which is trusted because of this certificate.
fn send(receiver: &Receiver, pem: &str) -> Source {
    let address = format!("https://localhost:{}/hook", receiver.address.port());
    let target = Target::webhook(&address).expect("a good address");
    let target = target.trusting(pem.as_bytes()).expect("a good certificate");
    let mut source = Source::with(quick().target(target));
    source.send([firing("a")]);
    source
}

#[test]
fn a_receiver_whose_authority_is_trusted_gets_the_alerts() {
    let authority = Authority::new("house");
    let receiver = receiver_of(&authority, "localhost");
    let mut source = send(&receiver, &authority.pem());
    source.wait_for("delivered", 1.0);
    let got = receiver.next();
    assert_eq!(got.line, "POST /hook HTTP/1.1");
    assert_eq!(got.body["groups"][0]["component"], "a");
    source.send([firing("b")]);
    source.wait_for("delivered", 2.0);

    // A list of authorities does as well.
    let both = format!("{}{}", Authority::new("other").pem(), authority.pem());
    send(&receiver, &both).wait_for("delivered", 1.0);
}

#[test]
fn nothing_is_sent_to_a_receiver_that_cannot_be_trusted() {
    let (authority, other) = (Authority::new("house"), Authority::new("other"));
    let receiver = receiver_of(&authority, "localhost");
    send(&receiver, &other.pem()).wait_for("failed", 1.0);
    assert!(receiver.try_next().is_none());
    let of_another_host = receiver_of(&authority, "example.org");
    send(&of_another_host, &authority.pem()).wait_for("failed", 1.0);
    assert!(of_another_host.try_next().is_none());
    // The system does not know the authority either.
    let address = format!("https://localhost:{}/hook", receiver.address.port());
    let mut source = Source::to_webhook(&address);
    source.send([firing("a")]);
    source.wait_for("failed", 1.0);
    assert!(receiver.try_next().is_none());
}

#[test]
fn a_text_without_a_certificate_is_refused_with_the_remedy() {
    let target = || Target::webhook("https://chat.example/S3cret").expect("a good address");
    let broken = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n";
    let cut = "-----BEGIN CERTIFICATE-----\nbm90";
    for pem in ["", "S3cret", broken, cut] {
        let error = target().trusting(pem.as_bytes()).expect_err("it has no certificate");
        assert_eq!(error, TargetError::NoCertificate, "{pem}");
        assert!(error.to_string().contains("-----BEGIN CERTIFICATE-----"));
        assert!(!error.to_string().contains("S3cret"));
    }
}

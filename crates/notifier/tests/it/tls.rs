//! Receivers behind https, with certificates of an authority that the test makes up.

use std::sync::Arc;

use notifier::{Target, TargetError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::receiver::Answer::Status;
use crate::receiver::Receiver;
use crate::source::{Source, firing, quick};

/// A certificate authority that nobody knows.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("there is randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("it can sign"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Starts a receiver whose certificate is for this host.
    fn receiver(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Receiver {
        let key = KeyPair::generate().expect("there is randomness");
        let mut params = CertificateParams::new([host.to_owned()]).expect("it is a host");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).expect("it can sign");
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            );
        let config = Arc::new(config.expect("the key fits"));
        let wrap = move |stream| {
            let connection = ServerConnection::new(config.clone()).ok()?;
            Some(StreamOwned::new(connection, stream))
        };
        Receiver::over(wrap, |_| Status(200))
    }
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
    let authority = Authority::new();
    let receiver = authority.receiver("localhost", |_| {});
    let mut source = send(&receiver, &authority.pem());
    source.wait_for("delivered", 1.0);
    let got = receiver.next();
    assert_eq!(got.line, "POST /hook HTTP/1.1");
    assert_eq!(got.body["groups"][0]["component"], "a");
    source.send([firing("b")]);
    source.wait_for("delivered", 2.0);

    // A list of authorities does as well.
    let both = format!("{}{}", Authority::new().pem(), authority.pem());
    send(&receiver, &both).wait_for("delivered", 1.0);
}

#[test]
fn nothing_is_sent_to_a_receiver_that_cannot_be_trusted() {
    let (authority, other) = (Authority::new(), Authority::new());
    let receiver = authority.receiver("localhost", |_| {});
    send(&receiver, &other.pem()).wait_for("failed", 1.0);
    assert!(receiver.try_next().is_none());
    let of_another_host = authority.receiver("example.org", |_| {});
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

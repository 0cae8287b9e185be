//! The reasons for which an attempt fails, and what is said about them.

use super::*;

#[test]
fn a_redirect_is_told_with_its_remedy_and_not_tried_again() {
    let error = AttemptError::Moved(StatusCode::FOUND);
    assert!(error.to_string().contains("302 Found"), "{error}");
    assert!(error.to_string().contains("name the address"), "{error}");
    assert!(!error.is_passing());
}

#[test]
fn a_refused_connection_is_told_with_its_cause() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let target = Target::webhook(&format!("http://{address}/S3cret")).expect("it is good");
    let error = failure(&target);
    let causes = error.causes().expect("the system has a reason");
    assert!(causes.contains("refused"), "{causes}");
    assert!(!causes.contains("S3cret"), "{causes}");
}

/// Posts to a target on a runtime of its own, and returns why that failed.
fn failure(target: &Target) -> AttemptError {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let client = Client::new(target, Duration::from_secs(5)).expect("it needs nothing");
    let post = client.post(target, Bytes::new());
    runtime.expect("it starts").block_on(post).expect_err("nobody answers")
}

#[cfg(feature = "tls")]
mod https {
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread;

    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{ServerConfig, ServerConnection, StreamOwned};

    use super::*;

    /// Returns what is said about a certificate that is trusted or not.
    fn said(host: &str, is_trusted: bool, change: impl FnOnce(&mut CertificateParams)) -> String {
        let key = KeyPair::generate().expect("there is randomness");
        let mut params = CertificateParams::new([host.to_owned()]).expect("it is a host");
        change(&mut params);
        let certificate = params.self_signed(&key).expect("it can sign");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("the key fits");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("somebody comes");
            let connection = ServerConnection::new(Arc::new(config)).expect("it is complete");
            // Fails, since the client does not like the certificate.
            let _ = StreamOwned::new(connection, stream).read(&mut [0]);
        });
        let another = CertificateParams::new([host.to_owned()]).expect("it is a host");
        let another_key = KeyPair::generate().expect("there is randomness");
        let another = another.self_signed(&another_key).expect("it can sign");
        let pem = if is_trusted { certificate.pem() } else { another.pem() };
        let target = Target::webhook(&format!("https://localhost:{port}/S3cret"));
        let target = target.expect("it is good").trusting(pem.as_bytes());
        let said = failure(&target.expect("it is good")).to_string();
        assert!(!said.contains("S3cret"), "{said}");
        said
    }

    #[test]
    fn a_certificate_that_is_not_accepted_is_told_with_the_remedy() {
        let check = |said: String, problem: &str| {
            assert!(said.starts_with("the receiver's certificate is not accepted: "), "{said}");
            assert!(said.contains(problem), "{said}");
        };
        let unknown = "no trusted authority has issued it: trust that authority by";
        check(said("localhost", false, |_| {}), unknown);
        let named = |params: &mut CertificateParams| {
            params.distinguished_name.push(DnType::CommonName, "another");
        };
        check(said("localhost", false, named), unknown);
        check(said("example.org", true, |_| {}), "it is for another host: use the host's name");
        let old = |params: &mut CertificateParams| params.not_after = date_time_ymd(2001, 1, 1);
        check(said("localhost", true, old), "it has expired: renew it");
    }
}

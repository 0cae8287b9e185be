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
    use std::thread;

    use testbed::authority::{Authority, Validity};

    use super::*;

    /// Returns what is said about a certificate for a host, by an authority while this one is trusted.
    fn said(host: &str, trusted: &Authority, issuer: &Authority, validity: Validity) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let tls = issuer.server(host, validity);
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("somebody comes");
            // Fails, since the client does not like the certificate.
            tls(stream).map(|mut stream| stream.read(&mut [0]))
        });
        let target = Target::webhook(&format!("https://localhost:{port}/S3cret"));
        let target = target.expect("it is good").trusting(trusted.pem().as_bytes());
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
        let house = Authority::new("house");
        let unknown = "no trusted authority has issued it: trust that authority by";
        check(said("localhost", &house, &Authority::new("other"), Validity::Current), unknown);
        let anew = Authority::new("house");
        check(said("localhost", &house, &anew, Validity::Current), unknown);
        let other_host = "it is for another host: use the host's name";
        check(said("example.org", &house, &house, Validity::Current), other_host);
        check(said("localhost", &house, &house, Validity::Expired), "it has expired: renew it");
    }
}

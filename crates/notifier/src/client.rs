//! One attempt to deliver: a POST with a timeout, whose answer is judged by its status.

use std::error::Error;
use std::io;
use std::iter;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::target::Target;

#[cfg(feature = "tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

/// The most bytes of an answer that are read; the rest is cut.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// A client with connections that are kept open.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    inner: legacy::Client<Connector, Full<Bytes>>,
    timeout: Duration,
}

/// The reason why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    /// No connection, or an answer that is no HTTP.
    #[error("the receiver cannot be reached")]
    Unreachable(#[source] legacy::Error),
    #[error("the receiver did not answer within {0:?}")]
    TimedOut(Duration),
    /// The receiver cannot take it now.
    #[error("the receiver answered {0}")]
    Later(StatusCode),
    /// A redirect is not followed: it could send a password to somebody else.
    #[error(
        "the receiver answered {0}, and redirects are not followed: name the address that it redirects to"
    )]
    Moved(StatusCode),
    /// The receiver will never take it.
    #[error("the receiver refused with {0}")]
    Never(StatusCode),
}

impl AttemptError {
    /// Returns what led to it, such as that no host has the name; `None` if nothing did.
    pub(crate) fn causes(&self) -> Option<String> {
        let causes = iter::successors(self.source(), |&cause| cause.source());
        let texts: Vec<_> = causes.map(ToString::to_string).collect();
        (!texts.is_empty()).then(|| texts.join(": "))
    }

    /// Returns `true` if another attempt may succeed.
    pub(crate) fn is_passing(&self) -> bool {
        !matches!(self, Self::Never(_) | Self::Moved(_))
    }
}

impl Client {
    /// Makes a client for a target.
    pub(crate) fn new(target: &Target, timeout: Duration) -> io::Result<Self> {
        let inner = legacy::Client::builder(TokioExecutor::new()).build(connector(target)?);
        Ok(Self { inner, timeout })
    }

    /// Posts JSON to a target.
    pub(crate) async fn post(&self, target: &Target, body: Bytes) -> Result<(), AttemptError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        request.uri_mut().clone_from(&target.uri);
        let json = header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        if let Some(authorization) = &target.authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        let answer = timeout(self.timeout, self.inner.request(request))
            .await
            .map_err(|_| AttemptError::TimedOut(self.timeout))?
            .map_err(AttemptError::Unreachable)?;
        let status = answer.status();
        // Read to its end, so that the connection can be used again. A body that is too long or
        // does not come in time does not change what the status says.
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect();
        let _ = timeout(self.timeout, body).await;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(AttemptError::Later(status))
            }
            status if status.is_server_error() => Err(AttemptError::Later(status)),
            status if status.is_redirection() => Err(AttemptError::Moved(status)),
            status => Err(AttemptError::Never(status)),
        }
    }
}

/// Makes a connector that trusts the certificates of the system.
#[cfg(feature = "tls")]
fn connector(target: &Target) -> io::Result<Connector> {
    use std::sync::Arc;

    use hyper_rustls::HttpsConnectorBuilder;
    use rustls::{ClientConfig, RootCertStore};

    // Named, since a host may have built rustls with another provider as well.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = HttpsConnectorBuilder::new();
    let trusting = match builder.with_provider_and_native_roots(provider.clone()) {
        Ok(trusting) => trusting,
        Err(error) if target.is_https() => return Err(error),
        // A system without certificates can still reach targets without TLS.
        Err(_) => {
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            HttpsConnectorBuilder::new().with_tls_config(config)
        }
    };
    Ok(trusting.https_or_http().enable_http1().build())
}

#[cfg(not(feature = "tls"))]
fn connector(_: &Target) -> io::Result<Connector> {
    Ok(HttpConnector::new())
}

#[cfg(test)]
mod tests {
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        drop(listener);
        let target = Target::webhook(&format!("http://{address}/S3cret")).expect("it is good");
        let client = Client::new(&target, Duration::from_secs(5)).expect("it needs nothing");
        let post = client.post(&target, Bytes::new());
        let error = runtime.expect("it starts").block_on(post).expect_err("nobody listens");
        let causes = error.causes().expect("the system has a reason");
        assert!(causes.contains("refused"), "{causes}");
        assert!(!causes.contains("S3cret"), "{causes}");
    }
}

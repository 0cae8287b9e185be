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
#[cfg(feature = "tls")]
use rustls::CertificateError;
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
    /// Alerts are texts and numbers, so this does not happen.
    #[error("the alerts cannot be written as JSON")]
    Unwritten(#[source] serde_json::Error),
    /// No connection, or an answer that is no HTTP.
    #[error("the receiver cannot be reached")]
    Unreachable(#[source] legacy::Error),
    /// The certificate of the receiver is not accepted.
    #[cfg(feature = "tls")]
    #[error("the receiver's certificate is not accepted: {}", remedy(.0))]
    Certificate(CertificateError),
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
    /// Returns why there was no answer.
    fn of(error: legacy::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(refused) = refused_certificate(&error) {
            return Self::Certificate(refused);
        }
        Self::Unreachable(error)
    }

    /// Returns what led to it, such as that no host has the name; `None` if nothing did.
    pub(crate) fn causes(&self) -> Option<String> {
        let causes = iter::successors(self.source(), |&cause| cause.source());
        let texts: Vec<_> = causes.map(ToString::to_string).collect();
        (!texts.is_empty()).then(|| texts.join(": "))
    }

    /// Returns `true` if the receiver takes fault with the body, maybe with one alert of several.
    pub(crate) fn is_about_body(&self) -> bool {
        const BODY: [StatusCode; 3] = [
            StatusCode::BAD_REQUEST,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ];
        matches!(self, Self::Never(status) if BODY.contains(status))
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
            .map_err(AttemptError::of)?;
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

/// Finds out whether a connection failed because of the receiver's certificate.
#[cfg(feature = "tls")]
fn refused_certificate(error: &legacy::Error) -> Option<CertificateError> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(refused)) = error.downcast_ref() {
            return Some(refused.clone());
        }
        // An error of the system hides what it is made of from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = inner.map(|inner| inner as &dyn Error).or_else(|| error.source());
    }
    None
}

/// Says what is wrong with a certificate, and what to do.
#[cfg(feature = "tls")]
fn remedy(error: &CertificateError) -> String {
    match error {
        // The signature is bad if an authority was made anew under its old name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "no trusted authority has issued it: trust that authority by `Target::trusting`, or \
             add it to the certificates of the system"
                .to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host: use the host's name in the address, or renew it for this one"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired: renew it".to_owned()
        }
        other => format!("{other}: replace it"),
    }
}

/// Makes a connector that trusts the authorities of the target, or else those of the system.
#[cfg(feature = "tls")]
fn connector(target: &Target) -> io::Result<Connector> {
    use std::sync::Arc;

    use hyper_rustls::HttpsConnectorBuilder;
    use rustls::{ClientConfig, RootCertStore};

    // Named, since a host may have built rustls with another provider as well.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trusting = |roots: Arc<RootCertStore>| {
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        io::Result::Ok(HttpsConnectorBuilder::new().with_tls_config(config))
    };
    let builder = match &target.roots {
        Some(roots) => trusting(roots.clone())?,
        // A target without TLS is reached also from a system without certificates.
        None if !target.is_https() => trusting(Arc::new(RootCertStore::empty()))?,
        None => HttpsConnectorBuilder::new().with_provider_and_native_roots(provider.clone())?,
    };
    Ok(builder.https_or_http().enable_http1().build())
}

#[cfg(not(feature = "tls"))]
fn connector(_: &Target) -> io::Result<Connector> {
    Ok(HttpConnector::new())
}

#[cfg(test)]
mod tests;

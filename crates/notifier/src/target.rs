//! Receivers of alerts, and their addresses, which may contain secrets.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
#[cfg(feature = "tls")]
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// A receiver of alerts.
///
/// A user and password in the address are sent as basic authentication. Neither they nor the path
/// are shown:
///
/// ```
/// use node0_notifier::Target;
///
/// let target = Target::webhook("http://node0:secret@chat.example/hooks/7Q3")?;
/// assert_eq!(format!("{target:?}"), "Target(webhook at http://chat.example)");
/// # Ok::<(), node0_notifier::TargetError>(())
/// ```
#[derive(Clone)]
pub struct Target {
    pub(crate) kind: Kind,
    /// The address without user and password.
    pub(crate) uri: Uri,
    pub(crate) authorization: Option<HeaderValue>,
    /// The authorities that are trusted in place of the system's.
    #[cfg(feature = "tls")]
    pub(crate) roots: Option<std::sync::Arc<rustls::RootCertStore>>,
}

/// The protocol of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Alertmanager,
    Webhook,
}

/// An address that cannot be used. It does not show the address, which may contain a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It is no absolute URL.
    #[error("the address is no URL: write http://host:port, with a path for a webhook")]
    NoUrl,
    /// Its scheme is neither `http` nor `https`.
    #[error("the address has another scheme than http and https: use one of them")]
    Scheme,
    /// It begins with `https`, and the crate was built without TLS.
    #[error("the address needs TLS, which is not built in: turn on the feature `tls`, or use http")]
    NoTls,
    /// The text has no certificate of an authority.
    #[cfg(feature = "tls")]
    #[error(
        "the text has no certificate of an authority: give it in PEM, from -----BEGIN CERTIFICATE----- on"
    )]
    NoCertificate,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Webhook => "webhook",
        }
    }
}

impl Target {
    /// Takes an Alertmanager by its base address, such as `http://alertmanager:9093`.
    ///
    /// Alerts are posted to `/api/v2/alerts` below it.
    ///
    /// # Errors
    /// [`TargetError`] for an address that cannot be used.
    pub fn alertmanager(address: &str) -> Result<Self, TargetError> {
        Self::new(Kind::Alertmanager, address)
    }

    /// Takes a webhook by the address to which alerts are posted.
    ///
    /// # Errors
    /// [`TargetError`] for an address that cannot be used.
    pub fn webhook(address: &str) -> Result<Self, TargetError> {
        Self::new(Kind::Webhook, address)
    }

    fn new(kind: Kind, address: &str) -> Result<Self, TargetError> {
        let mut parts = address.parse::<Uri>().map_err(|_| TargetError::NoUrl)?.into_parts();
        let (Some(scheme), Some(authority)) = (&parts.scheme, &parts.authority) else {
            return Err(TargetError::NoUrl);
        };
        if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS {
            return Err(TargetError::Scheme);
        }
        if *scheme == Scheme::HTTPS && cfg!(not(feature = "tls")) {
            return Err(TargetError::NoTls);
        }
        let (user, host) = match authority.as_str().rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority.as_str()),
        };
        let authorization = user.and_then(basic);
        let host: Authority = host.parse().map_err(|_| TargetError::NoUrl)?;
        // The parser takes `:x` and `host:99999` too.
        let has_bad_port = host.as_str().len() > host.host().len() && host.port_u16().is_none();
        if host.host().is_empty() || has_bad_port {
            return Err(TargetError::NoUrl);
        }
        parts.authority = Some(host);
        if kind == Kind::Alertmanager {
            let base = parts.path_and_query.as_ref();
            let path = base.map_or("", PathAndQuery::path).trim_end_matches('/');
            let query = base.and_then(PathAndQuery::query).map(|query| format!("?{query}"));
            let path = format!("{path}/api/v2/alerts{}", query.unwrap_or_default());
            parts.path_and_query = Some(path.parse().map_err(|_| TargetError::NoUrl)?);
        }
        let uri = Uri::from_parts(parts).map_err(|_| TargetError::NoUrl)?;
        Ok(Self {
            kind,
            uri,
            authorization,
            #[cfg(feature = "tls")]
            roots: None,
        })
    }
}

#[cfg(feature = "tls")]
impl Target {
    /// Trusts these certificate authorities, in PEM, and no others; those of the system by default.
    ///
    /// For a receiver whose certificate comes from an authority of the house. It has no effect on a
    /// receiver without https.
    ///
    /// ```no_run
    /// use node0_notifier::Target;
    ///
    /// let house = std::fs::read("house-ca.pem")?;
    /// let target = Target::alertmanager("https://alertmanager.internal")?.trusting(&house)?;
    /// # drop(target);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TargetError::NoCertificate`] if the text has none, or one that no authority can have.
    pub fn trusting(mut self, pem: &[u8]) -> Result<Self, TargetError> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| TargetError::NoCertificate)?;
            roots.add(certificate).map_err(|_| TargetError::NoCertificate)?;
        }
        if roots.is_empty() {
            return Err(TargetError::NoCertificate);
        }
        self.roots = Some(std::sync::Arc::new(roots));
        Ok(self)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }
}

/// Makes the header of basic authentication from the user part of an address.
fn basic(user: &str) -> Option<HeaderValue> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded = [name, password].map(|part| percent_decode_str(part).collect::<Vec<u8>>());
    let encoded = BASE64_STANDARD.encode(decoded.join(&b':'));
    let mut value = HeaderValue::try_from(format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Shows the kind and the host alone.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// Shows the kind and the host alone.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let host = self.uri.authority().map_or("", Authority::as_str);
        write!(f, "{} at {scheme}://{host}", self.kind.name())
    }
}

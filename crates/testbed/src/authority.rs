//! A certificate authority that nobody knows, and servers with certificates of it.

use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A connection with TLS, whose handshake takes place at the first read.
pub type Tls = StreamOwned<ServerConnection, TcpStream>;

/// A certificate authority.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The time for which a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It is valid now.
    Current,
    /// It has been valid.
    Expired,
}

impl Authority {
    /// Makes an authority with a key of its own; another one may have the same name.
    ///
    /// # Panics
    ///
    /// Panics when the system has no randomness.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("there is randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("it can sign"))
    }

    /// Returns its certificate, by which clients trust it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate for a host, and returns what makes TLS of a connection with it.
    ///
    /// # Panics
    ///
    /// Panics when `host` is no name of a host, or the system has no randomness.
    pub fn server(
        &self,
        host: &str,
        validity: Validity,
    ) -> impl Fn(TcpStream) -> Option<Tls> + Send + Clone + use<> {
        let key = KeyPair::generate().expect("there is randomness");
        let mut params = CertificateParams::new([host.to_owned()]).expect("it is a host");
        if validity == Validity::Expired {
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.0).expect("it can sign");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            );
        let config = Arc::new(config.expect("the key fits"));
        move |stream| {
            let connection = ServerConnection::new(config.clone()).ok()?;
            Some(StreamOwned::new(connection, stream))
        }
    }
}

//! A certificate authority of the tests; those inside of the crate use it too.

use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A certificate authority that nobody knows.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("there is randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("it can sign"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate for a host, and returns what makes TLS of a connection with it.
    pub(crate) fn server(
        &self,
        host: &str,
        change: fn(&mut CertificateParams),
    ) -> impl Fn(TcpStream) -> Option<Tls> + Send + Clone + use<> {
        let key = KeyPair::generate().expect("there is randomness");
        let mut params = CertificateParams::new([host.to_owned()]).expect("it is a host");
        change(&mut params);
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

/// A connection with TLS, whose handshake takes place at the first read.
pub(crate) type Tls = StreamOwned<ServerConnection, TcpStream>;

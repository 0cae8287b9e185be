//! The rules for who may read: networks and secrets.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::response::{IntoResponse as _, Response};
use http::{Extensions, HeaderMap, header};

use super::credential::{Credential, Scheme, is_known};
use super::network::Network;
use crate::endpoints::ApiError;

/// The probes, which tell no more than that the service runs and which of its checks fail.
///
/// `/health/performance` is none of them: it shows reports.
const PROBES: [&str; 4] = ["/health/live", "/livez", "/health/ready", "/readyz"];

/// The networks and secrets of a gate; everybody may read by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// `None` if no secret is needed.
    pub(super) credentials: Option<Vec<Credential>>,
    /// `None` if clients of all networks may read.
    pub(super) networks: Option<Vec<Network>>,
    pub(super) has_open_probes: bool,
}

/// The reason why a client may not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// Its address is in none of the networks, or is not known.
    Network,
    /// It has none of the secrets.
    Credential,
}

impl Access {
    /// Returns `true` if some client may not read.
    pub(crate) fn is_restricted(&self) -> bool {
        self.credentials.is_some() || self.networks.is_some()
    }

    /// Returns `true` if the address of the client decides.
    pub(crate) fn needs_peers(&self) -> bool {
        self.networks.is_some()
    }

    /// Returns `true` if everybody may read the path.
    pub(crate) fn is_open(&self, path: &str) -> bool {
        self.has_open_probes && PROBES.contains(&path)
    }

    /// Returns the kinds of secrets that let a client in, if one is needed.
    pub(crate) fn schemes(&self) -> Option<impl Iterator<Item = Scheme>> {
        let credentials = self.credentials.as_deref()?;
        let is_used = |scheme| credentials.iter().any(|known| known.scheme() == scheme);
        Some(Scheme::ALL.into_iter().filter(move |scheme| is_used(*scheme)))
    }

    /// Checks the client of a request.
    pub(super) fn check(
        &self,
        path: &str,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<(), Denial> {
        if !self.is_restricted() || self.is_open(path) {
            return Ok(());
        }
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        if !self.is_near(peer) {
            return Err(Denial::Network);
        }
        match &self.credentials {
            Some(credentials) if !is_known(credentials, headers) => Err(Denial::Credential),
            _ => Ok(()),
        }
    }

    /// Returns `true` for a client of the networks; one whose address is not known is of none.
    fn is_near(&self, peer: Option<IpAddr>) -> bool {
        let Some(networks) = &self.networks else { return true };
        peer.is_some_and(|peer| networks.iter().any(|network| network.contains(peer)))
    }

    /// Makes the answer to a client that may not read.
    pub(super) fn refuse(&self, denial: Denial) -> Response {
        match denial {
            Denial::Network => ApiError::foreign_network().into_response(),
            Denial::Credential => {
                let mut response = ApiError::unauthorized().into_response();
                for scheme in self.schemes().into_iter().flatten() {
                    response.headers_mut().append(header::WWW_AUTHENTICATE, scheme.challenge());
                }
                response
            }
        }
    }
}

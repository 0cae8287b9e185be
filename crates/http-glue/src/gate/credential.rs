//! The secrets by which clients are let in.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};
use subtle::{Choice, ConstantTimeEq as _};

/// A secret that lets a client in: a bearer token, or a name with its password.
///
/// Its `Debug` form does not show it.
///
/// ```
/// use node0_http_glue::{Credential, Gate};
///
/// let scraper = Credential::bearer("8f2a61c09d3b4e57")?;
/// let person = Credential::basic("ops", "correct horse battery")?;
/// let gate = Gate::new().credentials([scraper, person]);
/// # Ok::<(), node0_http_glue::CredentialError>(())
/// ```
#[derive(Clone)]
pub struct Credential {
    scheme: Scheme,
    /// The text that follows the scheme in the header `Authorization`.
    text: Box<[u8]>,
}

/// A way of asking for a secret, of those that RFC 6750 and RFC 7617 define.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bearer,
    Basic,
}

/// A secret that no client could send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The token or the password is empty, so that everybody would know it.
    #[error("a token or password is empty: make one, such as by `openssl rand -hex 32`")]
    Empty,
    /// A token has a character that the header `Authorization` does not carry.
    #[error("a token has a character other than letters, digits and -._~+/=: remove it")]
    NotAToken,
    /// A name has a colon, which ends the name in the header.
    #[error("a name has a colon: a name ends there, so choose one without")]
    NameWithColon,
    /// A name or password has a control character, which RFC 7617 forbids.
    #[error("a name or password has a control character, such as a line break: remove it")]
    ControlCharacter,
}

impl Credential {
    /// Makes the secret of a client that sends `Authorization: Bearer {token}`.
    ///
    /// # Errors
    /// [`CredentialError`] if no client could send the token.
    pub fn bearer(token: &str) -> Result<Self, CredentialError> {
        let sendable = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        match token {
            "" => Err(CredentialError::Empty),
            token if !token.bytes().all(sendable) => Err(CredentialError::NotAToken),
            token => Ok(Self { scheme: Scheme::Bearer, text: token.as_bytes().into() }),
        }
    }

    /// Makes the secret of a client that sends a name and a password, as browsers do by themselves.
    ///
    /// # Errors
    /// [`CredentialError`] if no client could send them.
    pub fn basic(name: &str, password: &str) -> Result<Self, CredentialError> {
        if password.is_empty() {
            return Err(CredentialError::Empty);
        }
        if name.contains(':') {
            return Err(CredentialError::NameWithColon);
        }
        if name.chars().chain(password.chars()).any(char::is_control) {
            return Err(CredentialError::ControlCharacter);
        }
        let text = STANDARD.encode(format!("{name}:{password}"));
        Ok(Self { scheme: Scheme::Basic, text: text.into_bytes().into() })
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Compares in a time that tells the length of the secret at most.
    fn is(&self, scheme: Scheme, text: &[u8]) -> Choice {
        Choice::from(u8::from(self.scheme == scheme)) & self.text.ct_eq(text)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Scheme {
    pub(crate) const ALL: [Self; 2] = [Self::Bearer, Self::Basic];

    /// Returns the name in headers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Basic => "Basic",
        }
    }

    /// Returns the header by which a client is asked for a secret.
    pub(super) const fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Bearer => "Bearer realm=\"monitoring\"",
            Self::Basic => "Basic realm=\"monitoring\", charset=\"UTF-8\"",
        })
    }
}

/// Returns `true` if a request has one of the secrets.
///
/// All are compared, so that the time does not tell which one is nearly right.
pub(super) fn is_known(credentials: &[Credential], headers: &HeaderMap) -> bool {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    // A second header could be read as the first by a proxy, and as the second here.
    let (Some(value), None) = (sent.next(), sent.next()) else { return false };
    let bytes = value.as_bytes();
    let Some(space) = bytes.iter().position(|byte| *byte == b' ') else { return false };
    let (name, text) = bytes.split_at(space);
    let text = text.trim_ascii();
    let named = |scheme: &Scheme| name.eq_ignore_ascii_case(scheme.name().as_bytes());
    let Some(scheme) = Scheme::ALL.into_iter().find(named) else { return false };
    let compared = credentials.iter().map(|credential| credential.is(scheme, text));
    compared.fold(Choice::from(0), |known, is| known | is).into()
}

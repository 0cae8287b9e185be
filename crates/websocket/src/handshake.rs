//! The request that asks for a WebSocket, and the response that agrees.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use tungstenite::handshake::derive_accept_key;

const WEBSOCKET: &str = "websocket";
/// The only version of the protocol that is in use.
const VERSION: &str = "13";
/// The length of 16 bytes in base64.
const KEY_BYTES: usize = 24;

/// A handshake whose request is in order.
///
/// ```
/// use http::{Method, Request, Version};
/// use node0_websocket::Handshake;
///
/// let request = Request::get("/live")
///     .header("connection", "keep-alive, Upgrade")
///     .header("upgrade", "websocket")
///     .header("sec-websocket-version", "13")
///     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .body(())?;
/// assert!(Handshake::is_asked(request.headers()));
/// let handshake = Handshake::check(request.method(), request.version(), request.headers())?;
/// let response = handshake.response(());
/// assert_eq!(response.status(), 101);
/// assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Handshake {
    accept: HeaderValue,
}

/// The reason why a request cannot become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The request is not a `GET` of HTTP/1.1, which alone can be upgraded.
    #[error("a WebSocket begins with a GET of HTTP/1.1")]
    Request,
    /// The header `Connection` does not say `upgrade`.
    #[error("the header `Connection` does not say `Upgrade`: a proxy between may have removed it")]
    Connection,
    /// The header `Upgrade` does not say `websocket`.
    #[error("the header `Upgrade` does not say `websocket`")]
    Upgrade,
    /// The client speaks another version of the protocol.
    #[error("the header `Sec-WebSocket-Version` is not 13")]
    Version,
    /// The header `Sec-WebSocket-Key` is missing or is not 16 bytes in base64.
    #[error("the header `Sec-WebSocket-Key` is not 16 bytes in base64")]
    Key,
}

impl HandshakeError {
    /// Returns the status of the response: 426 if the request does not ask for version 13 of a
    /// WebSocket in HTTP/1.1, whose headers must say that; else 400.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Version | Self::Request | Self::Upgrade => StatusCode::UPGRADE_REQUIRED,
            Self::Connection | Self::Key => StatusCode::BAD_REQUEST,
        }
    }
}

impl Handshake {
    /// Returns `true` if the request asks for a WebSocket, rightly or not.
    pub fn is_asked(headers: &HeaderMap) -> bool {
        has_token(headers, &header::UPGRADE, WEBSOCKET)
            || headers.contains_key(header::SEC_WEBSOCKET_KEY)
    }

    /// Checks a request.
    ///
    /// # Errors
    /// [`HandshakeError`], which has the status of the response.
    pub fn check(
        method: &Method,
        version: Version,
        headers: &HeaderMap,
    ) -> Result<Self, HandshakeError> {
        if method != Method::GET || version != Version::HTTP_11 {
            return Err(HandshakeError::Request);
        }
        if !has_token(headers, &header::UPGRADE, WEBSOCKET) {
            return Err(HandshakeError::Upgrade);
        }
        if !has_token(headers, &header::CONNECTION, "upgrade") {
            return Err(HandshakeError::Connection);
        }
        if only(headers, &header::SEC_WEBSOCKET_VERSION) != Some(VERSION.as_bytes()) {
            return Err(HandshakeError::Version);
        }
        let key = only(headers, &header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
        let accept = derive_accept_key(key.ok_or(HandshakeError::Key)?);
        // Base64 is a legal value, so this does not fail.
        let accept = HeaderValue::try_from(accept).map_err(|_| HandshakeError::Key)?;
        Ok(Self { accept })
    }

    /// Makes the response 101, after which the connection is a WebSocket.
    pub fn response<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static(WEBSOCKET));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        response
    }
}

/// Returns `true` if a header with a list of words has this one, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// Returns the value of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.as_bytes().trim_ascii();
    values.next().is_none().then_some(value)
}

fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == KEY_BYTES && key.ends_with(b"==") && key[..KEY_BYTES - 2].iter().all(is_digit)
}

#[cfg(test)]
mod tests;

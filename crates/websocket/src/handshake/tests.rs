use super::*;

const GOOD: &[(&str, &str)] = &[
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Returns the good headers, with some replaced; an empty value removes the header.
fn headers(changes: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in GOOD.iter().chain(changes) {
        match value.is_empty() {
            true => drop(headers.remove(*name)),
            false => drop(headers.insert(*name, HeaderValue::from_static(value))),
        }
    }
    headers
}

fn check(headers: &HeaderMap) -> Result<(), HandshakeError> {
    Handshake::check(&Method::GET, Version::HTTP_11, headers).map(drop)
}

#[test]
fn good_handshakes_are_accepted_in_any_spelling() {
    let accepted = |changes| assert_eq!(check(&headers(changes)), Ok(()), "{changes:?}");
    accepted(&[]);
    accepted(&[("connection", "keep-alive, UPGRADE"), ("upgrade", "h2c, WebSocket")]);
    accepted(&[("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")]);
    accepted(&[("sec-websocket-version", " 13 ")]);
}

#[test]
fn each_flaw_has_its_error_and_status() {
    let refused = |changes: &[(&'static str, &'static str)], error: HandshakeError, status: u16| {
        assert_eq!(check(&headers(changes)), Err(error), "{changes:?}");
        assert_eq!(error.status(), status);
    };
    refused(&[("connection", "close")], HandshakeError::Connection, 400);
    refused(&[("connection", "")], HandshakeError::Connection, 400);
    refused(&[("upgrade", "h2c")], HandshakeError::Upgrade, 426);
    refused(&[("sec-websocket-version", "8")], HandshakeError::Version, 426);
    refused(&[("sec-websocket-version", "")], HandshakeError::Version, 426);
    refused(&[("sec-websocket-key", "")], HandshakeError::Key, 400);
    refused(&[("sec-websocket-key", "c2hvcnQ=")], HandshakeError::Key, 400);
    refused(&[("sec-websocket-key", "!!!!!!!!!!!!!!!!!!!!!!==")], HandshakeError::Key, 400);
    refused(&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZXh4")], HandshakeError::Key, 400);
}

#[test]
fn only_a_get_of_http_1_1_is_upgraded() {
    let check = |method, version| Handshake::check(&method, version, &headers(&[])).map(drop);
    assert_eq!(check(Method::GET, Version::HTTP_11), Ok(()));
    assert_eq!(check(Method::HEAD, Version::HTTP_11), Err(HandshakeError::Request));
    assert_eq!(check(Method::GET, Version::HTTP_10), Err(HandshakeError::Request));
    assert_eq!(check(Method::GET, Version::HTTP_2), Err(HandshakeError::Request));
}

#[test]
fn a_repeated_key_is_refused() {
    let mut headers = headers(&[]);
    let another = HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA==");
    headers.append(header::SEC_WEBSOCKET_KEY, another);
    assert_eq!(check(&headers), Err(HandshakeError::Key));
}

//! The HTTP client against a minimal server with fixed answers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use serde_json::json;
use testbed::http::{self, HttpError, Request};

/// Answers one connection with `answer`, and returns the request that it got.
fn serve_once(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).expect("a request");
        stream.write_all(answer.as_bytes()).expect("an answer");
        request.truncate(length);
        String::from_utf8(request).expect("text")
    });
    (address, server)
}

#[test]
fn request_goes_out_as_it_was_built() {
    let (address, server) = serve_once("HTTP/1.1 201 Created\r\nX-A: 1\r\n\r\n{\"id\":7}");
    let request = Request::new("POST", "/a?b=%ff").header("Accept", "*/*").json(&json!([1]));
    let response = request.send(address).expect("an answer");
    assert_eq!((response.status, response.header("x-a")), (201, Some("1")));
    assert_eq!(response.json().expect("JSON"), json!({ "id": 7 }));
    let sent = server.join().expect("the server");
    let expected = format!(
        "POST /a?b=%ff HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\n\
         Content-Type: application/json\r\nConnection: close\r\nContent-Length: 3\r\n\r\n[1]"
    );
    assert_eq!(sent, expected);
}

#[test]
fn garbage_goes_out_byte_by_byte() {
    let (address, server) = serve_once("HTTP/1.1 400 Bad Request\r\n\r\n");
    let answer = http::send_raw(address, b"\x16\x03 garbage").expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 400"));
    assert_eq!(server.join().expect("the server"), "\u{16}\u{3} garbage");
}

#[test]
fn answer_that_is_no_http_is_shown() {
    let (address, server) = serve_once("220 mail ready\r\n\r\n");
    let error = http::get(address, "/").expect_err("no HTTP");
    assert!(matches!(error, HttpError::Malformed { part: "status line", .. }), "{error}");
    assert!(error.to_string().contains("220 mail ready"), "{error}");
    server.join().expect("the server");
}

#[test]
fn nobody_listening_is_an_error_that_names_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    drop(listener);
    let error = http::get(address, "/").expect_err("nobody is there");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn query_values_are_encoded() {
    assert_eq!(http::encode_query("a{b=\"é\"} + 1"), "a%7Bb%3D%22%C3%A9%22%7D%20%2B%201");
}

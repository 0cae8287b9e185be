//! The unpacked nginx passes requests on.

use testbed::nginx::Nginx;
use testbed::{Deadline, http, tools};

use crate::page;

#[test]
fn unpacked_nginx_passes_a_request_on() {
    let tool = testbed::require!(tools::unpacked_nginx());
    let behind = page::serve("text/plain", "from behind");
    let nginx = Nginx::start(&tool, |address| {
        format!("server {{ listen {address}; location / {{ proxy_pass http://{behind}; }} }}")
    });
    let nginx = nginx.expect("nginx starts");
    let answer = http::get(nginx.address(), "/").expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "from behind"), "{}", nginx.said());
    assert!(answer.header("server").is_some_and(|name| name.starts_with("nginx/")));
    let address = nginx.address();
    drop(nginx);
    assert!(http::get(address, "/").is_err(), "the server outlived its guard");
}

#[test]
fn directive_that_nginx_refuses_is_in_its_words() {
    let tool = testbed::require!(tools::unpacked_nginx());
    let nginx = Nginx::start(&tool, |_| "no_such_directive 1;".to_owned()).expect("it starts");
    assert!(
        Deadline::seconds(10).until(|| nginx.said().contains("no_such_directive")),
        "{}",
        nginx.said()
    );
}

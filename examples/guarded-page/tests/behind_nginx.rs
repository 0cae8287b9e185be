//! The page under `/ops/` of an nginx that changes paths, with a password and with a cookie.

use std::process::Command;

use serde_json::{Value, json};
use testbed::Deadline;
use testbed::chromium::Browser;
use testbed::nginx::Nginx;
use testbed::process::Process;
use testbed::tools;

const PROGRAM: &str = include_str!("behind_nginx.mjs");

#[test]
fn page_works_behind_a_proxy_with_a_password_and_with_a_cookie() {
    let nginx = testbed::require!(tools::nginx());
    let browser =
        Browser::new(testbed::require!(tools::chromium()), testbed::require!(tools::playwright()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_guarded-page"));
    command.arg("127.0.0.1:0");
    let mut service = Process::spawn(command).expect("the service starts");
    let line = service
        .wait_for_line("listening on ", Deadline::seconds(20))
        .unwrap_or_else(|error| panic!("{error}"));
    let service_url = line.trim_start_matches("listening on ").trim().to_owned();
    let nginx = Nginx::start(&nginx, |address| {
        format!(
            "server {{ listen {address};
               location /ops/ {{
                 proxy_pass {service_url};
                 proxy_http_version 1.1;
                 proxy_set_header Host $http_host;
                 proxy_set_header Upgrade $http_upgrade;
                 proxy_set_header Connection \"upgrade\";
               }} }}"
        )
    })
    .expect("nginx starts");

    let order = json!({ "origin": format!("http://{}", nginx.address()) });
    let seen = browser.drive(PROGRAM, order, 60).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(seen["problems"], json!([]), "{seen:#}");
    assert_eq!(seen["stranger"], json!(401));
    for way in ["password", "cookie"] {
        let page: &Value = &seen[way];
        assert_eq!(page["state"], json!("live"), "{way}: {seen:#}");
        assert_eq!(page["title"], json!("parcels"), "{way}: {seen:#}");
        assert!(page["updates"].as_u64() > Some(1), "{way}: the socket is open: {seen:#}");
        assert_eq!(page["route"], json!(true), "{way}: the history is read: {seen:#}");
    }
}

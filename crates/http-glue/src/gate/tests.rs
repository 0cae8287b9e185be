//! The rules for `Host`, `Origin` and `Sec-Fetch-Site`.

use super::*;

fn headers(host: &'static str, others: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let host = HeaderValue::from_bytes(host.as_bytes()).expect("no control characters");
    headers.insert(header::HOST, host);
    for (name, value) in others {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn lets_in(gate: &Gate, host: &'static str) -> bool {
    gate.check_host(&Uri::from_static("/"), &headers(host, &[])).is_ok()
}

fn allows(gate: &Gate, host: &'static str, origins: &[&'static str]) -> bool {
    let origins: Vec<_> = origins.iter().map(|origin| ("origin", *origin)).collect();
    gate.check_origin(&Uri::from_static("/"), &headers(host, &origins)).is_ok()
}

#[test]
fn only_pages_of_the_same_host_and_port_pass_by_default() {
    let gate = Gate::new();
    let check = |host, origin, expected| {
        assert_eq!(allows(&gate, host, &[origin]), expected, "{origin} to {host}");
    };
    check("a.example", "http://a.example", true);
    check("a.example", "https://A.example", true);
    check("a.example:443", "https://a.example", true);
    check("127.0.0.1:3000", "http://127.0.0.1:3000", true);
    check("[::1]:3000", "http://[::1]:3000", true);
    check("a.example", "http://b.example", false);
    check("a.example:3000", "http://a.example:3001", false);
    check("a.example", "https://a.example:80", false);
    check("a.example", "https://a.example.b.example", false);
    check("a.example", "https://b.example/a.example", false);
    check("a.example", "null", false);
    check("a.example", "file://", false);
    check("a.example", "a.example", false);
    check("", "http://", false);
    assert!(allows(&gate, "a.example", &[]), "it is no browser");
    assert!(!allows(&gate, "a.example", &["http://a.example", "http://b.example"]));
}

#[test]
fn what_a_browser_says_of_the_site_counts_too() {
    let check = |gate: &Gate, others: &[_], expected| {
        let checked = gate.check_origin(&Uri::from_static("/"), &headers("a.example", others));
        assert_eq!(checked.is_ok(), expected, "{others:?}");
    };
    let (gate, ours) = (Gate::new(), ("origin", "http://a.example"));
    for (site, expected) in
        [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
    {
        check(&gate, &[("sec-fetch-site", site)], expected);
        check(&gate, &[("sec-fetch-site", site), ours], expected);
    }
    let listed = Gate::new().origins(["https://ops.example"]);
    check(&listed, &[("sec-fetch-site", "cross-site"), ("origin", "https://ops.example")], true);
}

#[test]
fn listed_origins_pass_and_a_star_lets_all_pass() {
    let list = Gate::new().origins(["https://ops.example"]);
    assert!(allows(&list, "a.example", &["https://ops.example"]));
    assert!(!allows(&list, "a.example", &["https://other.example"]));
    let any = Gate::new().origins([ANY]);
    assert!(allows(&any, "a.example", &["https://other.example"]));
    assert!(allows(&any, "a.example", &["null"]));
}

#[test]
fn with_a_list_of_hosts_a_foreign_name_for_our_address_is_refused() {
    let gate = Gate::new().hosts(["a.example"]);
    for host in ["rebound.example:3000", "localhost.example", "notlocalhost", "", "a b", "ü"] {
        assert!(!lets_in(&gate, host), "{host}");
    }
    let ours = ["A.example", "a.example:3000", "localhost:3000", "api.localhost", "[::1]:1"];
    for host in ours.into_iter().chain(["127.0.0.1:1", "10.0.0.7"]) {
        assert!(lets_in(&gate, host), "{host}");
    }
    let without = gate.check_host(&Uri::from_static("/"), &HeaderMap::new());
    assert!(without.is_ok(), "each browser sends a host");
    let http2 = Uri::from_static("http://rebound.example/");
    assert!(gate.check_host(&http2, &HeaderMap::new()).is_err());
}

#[test]
fn a_service_on_loopback_alone_has_no_other_names() {
    let gate = Gate::new();
    assert!(lets_in(&gate, "rebound.example"));
    gate.clone().serves("127.0.0.1:3000".parse().expect("an address"));
    assert!(!lets_in(&gate, "rebound.example") && lets_in(&gate, "localhost:3000"));
    gate.serves("[::ffff:127.0.0.2]:3000".parse().expect("an address"));
    assert!(!lets_in(&gate, "rebound.example"));
    gate.serves("0.0.0.0:3000".parse().expect("an address"));
    assert!(lets_in(&gate, "shop.example"), "we do not know by which names it is known");
}

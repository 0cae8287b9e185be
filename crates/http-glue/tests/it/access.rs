//! Who may read: secrets and networks.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::post;
use http::{Method, Request, StatusCode};
use node0_http_glue::{Credential, CredentialError, Gate, LivePage, Network, Routes};
use serde_json::json;
use tower::ServiceExt as _;

use crate::support::{DATABASE, Scripted, Served};

/// `ops:correct horse` in base64.
const BASIC: &str = "Basic b3BzOmNvcnJlY3QgaG9yc2U=";
const NEAR: &str = "10.1.2.3:5000";
const FAR: &str = "192.0.2.1:5000";

fn secrets() -> [Credential; 3] {
    [
        Credential::bearer("first-token").expect("it can be sent"),
        Credential::bearer("second-token").expect("it can be sent"),
        Credential::basic("ops", "correct horse").expect("it can be sent"),
    ]
}

fn networks() -> [Network; 2] {
    ["10.0.0.0/8", "2001:db8::1"].map(|text| text.parse().expect("a network"))
}

fn behind(gate: &Gate) -> Served {
    let settings = |routes: Routes| routes.gate(gate).surface(LivePage::at("/"));
    let served = Served::with(vec![Scripted::new(&DATABASE)], settings);
    served.readiness.started();
    served
}

/// Asks for a path with these headers `Authorization`.
async fn ask(served: &Served, path: &str, secrets: &[&str]) -> StatusCode {
    let headers: Vec<_> = secrets.iter().map(|secret| ("authorization", *secret)).collect();
    served.send(Method::GET, path, &headers).await.status
}

/// Asks for a path as a client with this address.
async fn ask_from(router: &Router, path: &str, peer: Option<&str>) -> StatusCode {
    let mut request = Request::get(path).body(Body::empty()).expect("a well-formed request");
    if let Some(peer) = peer {
        let peer: SocketAddr = peer.parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    router.clone().oneshot(request).await.expect("infallible").status()
}

/// All paths of the router, with names in place of parameters.
fn paths(served: &Served) -> Vec<String> {
    let endpoints = served.index.endpoints();
    let fill = |path: &str| path.replace("{topic}", "database").replace(['{', '}'], "");
    endpoints.iter().map(|endpoint| fill(endpoint.path())).collect()
}

#[tokio::test]
async fn every_path_asks_for_a_secret_the_page_and_its_files_too() {
    let served = behind(&Gate::new().credentials(secrets()));
    let paths = paths(&served);
    assert!(paths.len() > 10 && paths.contains(&"/".to_owned()), "{paths:?}");
    for path in &paths {
        let refused = served.get(path).await;
        assert_eq!(refused.status, 401, "{path}");
        assert_eq!(refused.json()["error"]["code"], "unauthorized", "{path}");
        let asks: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
        let expected =
            ["Bearer realm=\"monitoring\"", "Basic realm=\"monitoring\", charset=\"UTF-8\""];
        assert_eq!(asks, expected, "{path}");
        for secret in ["Bearer first-token", "bearer  second-token", BASIC] {
            assert_ne!(ask(&served, path, &[secret]).await, 401, "{path} {secret}");
        }
    }
}

#[tokio::test]
async fn nearly_right_is_wrong() {
    let served = behind(&Gate::new().credentials(secrets()));
    for secrets in [
        &["Bearer first-toke"][..],
        &["Bearer first-token2"],
        &["Bearer First-token"],
        &["Bearer"],
        &["Bearer "],
        &["first-token"],
        &[""],
        &["Basic first-token"],
        &["Bearer b3BzOmNvcnJlY3QgaG9yc2U="],
        &["Basic b3BzOmNvcnJlY3QgaG9yc2UK"],
        &["Digest first-token"],
        &["Bearer first-token", "Bearer first-token"],
    ] {
        assert_eq!(ask(&served, "/metrics", secrets).await, 401, "{secrets:?}");
    }
}

#[tokio::test]
async fn only_the_kinds_of_secrets_that_are_known_are_asked_for() {
    let token = Credential::bearer("first-token").expect("it can be sent");
    let served = behind(&Gate::new().credentials([token]));
    let refused = served.get("/metrics").await;
    assert_eq!(refused.headers.get_all("www-authenticate").iter().count(), 1);
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"monitoring\"");
}

#[tokio::test]
async fn without_a_secret_in_the_list_nobody_reads() {
    let served = behind(&Gate::new().credentials([]));
    assert_eq!(ask(&served, "/metrics", &["Bearer first-token"]).await, 401);
    let served = behind(&Gate::new().networks([]));
    assert_eq!(ask_from(&served.router, "/metrics", Some(NEAR)).await, 403);
}

#[tokio::test]
async fn clients_of_other_networks_are_refused_and_those_without_an_address() {
    let served = behind(&Gate::new().networks(networks()));
    let check = async |peer, status| {
        assert_eq!(ask_from(&served.router, "/metrics", peer).await, status, "{peer:?}");
    };
    check(Some(NEAR), 200).await;
    check(Some("[::ffff:10.1.2.3]:5000"), 200).await;
    check(Some("[2001:db8::1]:5000"), 200).await;
    check(Some("[2001:db8::2]:5000"), 403).await;
    check(Some(FAR), 403).await;
    check(None, 403).await;
    let forged = served.send(Method::GET, "/metrics", &[("x-forwarded-for", "10.1.2.3")]).await;
    assert_eq!(forged.json()["error"]["code"], "network_not_allowed");
}

#[tokio::test]
async fn open_probes_need_neither_and_show_no_report() {
    let gate = Gate::new().credentials(secrets()).networks(networks());
    for (gate, status) in [(gate.clone().open_probes(), 200), (gate, 403)] {
        let served = behind(&gate);
        for path in ["/health/live", "/livez", "/health/ready", "/readyz"] {
            assert_eq!(ask_from(&served.router, path, Some(FAR)).await, status, "{path}");
        }
        let report = "/health/performance?detailed=true";
        assert_eq!(ask_from(&served.router, report, Some(FAR)).await, 403);
    }
}

#[tokio::test]
async fn settings_of_a_gate_commute() {
    let gates = [
        Gate::new().credentials(secrets()).networks(networks()).open_probes().hosts(["a.test"]),
        Gate::new().hosts(["a.test"]).open_probes().networks(networks()).credentials(secrets()),
    ];
    for gate in gates {
        let served = behind(&gate);
        assert_eq!(ask_from(&served.router, "/livez", Some(FAR)).await, 200);
        assert_eq!(ask_from(&served.router, "/metrics", Some(FAR)).await, 403);
        assert_eq!(ask_from(&served.router, "/metrics", Some(NEAR)).await, 401);
        let foreign = served.send(Method::GET, "/metrics", &[("host", "b.test")]).await;
        assert_eq!(foreign.json()["error"]["code"], "host_not_allowed");
    }
}

#[tokio::test]
async fn routes_of_the_host_are_restricted_on_request() {
    let gate = Gate::new().credentials(secrets());
    let routes = || Router::new().route("/switch", post(async || "switched"));
    let ask = async |router: Router, secret: &str| {
        let request = Request::post("/switch").header("authorization", secret);
        let request = request.body(Body::empty()).expect("a well-formed request");
        router.oneshot(request).await.expect("infallible").status()
    };
    assert_eq!(ask(gate.restrict(routes()), "Bearer guess").await, 401);
    assert_eq!(ask(gate.restrict(routes()), BASIC).await, 200);
    assert_eq!(ask(gate.protect(routes()), "Bearer guess").await, 200);
}

#[tokio::test]
async fn refused_clients_are_counted_by_the_reason() {
    let served = behind(&Gate::new().credentials(secrets()).networks(networks()));
    ask_from(&served.router, "/metrics", Some(FAR)).await;
    ask_from(&served.router, "/metrics", Some(NEAR)).await;
    ask_from(&served.router, "/metrics", Some(NEAR)).await;
    let sample = served.registry.read();
    let family = sample.snapshot.family("node0_requests_refused_total").expect("it is counted");
    let count = |reason: &str| {
        let mut series = family.series();
        let found = series.find(|(labels, _)| labels.iter().any(|(_, value)| *value == *reason));
        found.expect("the reason is counted").1.as_f64()
    };
    assert_eq!((count("network"), count("credential")), (1.0, 2.0));
}

#[tokio::test]
async fn the_description_says_how_to_get_in() {
    let served = behind(&Gate::new().credentials(secrets()).open_probes());
    let headers = [("authorization", BASIC)];
    let description = served.send(Method::GET, "/metrics/openapi.json", &headers).await.json();
    let schemes = &description["components"]["securitySchemes"];
    assert_eq!(schemes["bearer"], json!({ "type": "http", "scheme": "bearer" }));
    assert_eq!(schemes["basic"], json!({ "type": "http", "scheme": "basic" }));
    assert_eq!(description["security"], json!([{ "bearer": [] }, { "basic": [] }]));
    let metrics = &description["paths"]["/metrics"]["get"];
    assert_eq!(metrics["security"], json!(null), "that of the whole");
    assert!(metrics["responses"]["401"]["headers"]["www-authenticate"].is_object(), "{metrics}");
    let live = &description["paths"]["/health/live"]["get"];
    assert_eq!(live["security"], json!([]));
    assert_eq!(live["responses"]["401"], json!(null));

    let open = behind(&Gate::new()).get("/metrics/openapi.json").await.json();
    assert_eq!(open["security"], json!(null));
    assert_eq!(open["components"]["securitySchemes"], json!(null));
    assert_eq!(open["paths"]["/metrics"]["get"]["responses"]["401"], json!(null));
}

#[test]
fn a_secret_that_no_client_can_send_is_refused_with_the_remedy() {
    let check = |made: Result<Credential, CredentialError>, error, remedy| {
        let found = made.expect_err("it cannot be sent");
        assert_eq!(found, error);
        assert!(found.to_string().contains(remedy), "{found}");
    };
    check(Credential::bearer(""), CredentialError::Empty, "openssl rand");
    check(Credential::bearer("a b"), CredentialError::NotAToken, "remove it");
    check(Credential::bearer("ä"), CredentialError::NotAToken, "remove it");
    check(Credential::basic("ops", ""), CredentialError::Empty, "openssl rand");
    check(Credential::basic("o:ps", "x"), CredentialError::NameWithColon, "choose one");
    check(Credential::basic("ops", "x\n"), CredentialError::ControlCharacter, "remove it");
    assert!(Credential::basic("ops", "a:ä ").is_ok());
}

#[test]
fn a_text_that_is_no_network_is_refused_with_the_remedy() {
    for text in ["", "10.0.0.0/33", "10.0.0", "example.com", "10.0.0.0/8,10.1.0.0/16"] {
        let error = text.parse::<Network>().expect_err("it is no network").to_string();
        assert!(error.contains("10.0.0.0/8"), "{error}");
    }
    let host_bits: Network = "10.1.2.3/8".parse().expect("the rest of the address is ignored");
    assert!(host_bits.contains("10.9.9.9".parse().expect("an address")));
}

#[test]
fn a_secret_is_not_shown() {
    let gate = Gate::new().credentials(secrets());
    let shown = format!("{gate:?}");
    assert!(!shown.contains("first-token") && !shown.contains("b3Bz"), "{shown}");
    assert!(gate.is_restricted() && !gate.needs_peers() && !Gate::new().is_restricted());
}

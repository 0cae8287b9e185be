//! The live page: its document and its files.

use http::Method;
use node0_http_glue::LivePage;
use node0_metrics_core::{ManualClock, Registry};

use crate::support::Served;

fn served(page: LivePage) -> Served {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    Served::over(clock, registry, |routes| routes.surface(page))
}

/// The address of the script in a document, relative to it.
fn script(document: &str) -> &str {
    let before = document.split("app.js").next().expect("a part");
    let start = before.rfind('"').expect("a quote") + 1;
    &document[start..before.len() + "app.js".len()]
}

#[tokio::test]
async fn the_document_is_asked_for_each_time_and_sent_when_it_is_new() {
    let served = served(LivePage::at("/").title("orders"));
    let page = served.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.text().contains("orders"));

    let tag = page.header("etag").to_owned();
    let again = served.send(Method::GET, "/", &[("if-none-match", &tag)]).await;
    assert_eq!((again.status.as_u16(), again.text()), (304, ""));
    let other = served.send(Method::GET, "/", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_file_is_kept_forever_and_compressed_for_those_who_can_read_that() {
    let served = served(LivePage::at("/"));
    let document = served.get("/").await.text().to_owned();
    let address = format!("/{}", script(&document));
    let plain = served.get(&address).await;
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(plain.header("vary"), "accept-encoding");
    assert!(plain.text().contains(" as page"), "it is the script");
    for (accepted, is_gzip) in [
        ("gzip, deflate, br", true),
        ("br;q=1.0, gzip;q=0.5", true),
        ("GZIP", true),
        ("gzip;q=0", false),
        ("identity", false),
        ("", false),
    ] {
        let file = served.send(Method::GET, &address, &[("accept-encoding", accepted)]).await;
        let encoding = file.headers.get("content-encoding").map(|value| value.as_bytes());
        assert_eq!(encoding == Some(b"gzip"), is_gzip, "{accepted}");
        assert_eq!(file.body.starts_with(&[0x1f, 0x8b]), is_gzip, "{accepted}");
    }
}

#[tokio::test]
async fn a_file_of_another_version_is_not_found() {
    let served = served(LivePage::at("/"));
    let document = served.get("/").await.text().to_owned();
    let known = format!("/{}", script(&document));
    for wrong in ["/live-page/old/app.js", "/live-page/%ff/app.js", &known.replace("app", "none")] {
        let answer = served.get(wrong).await;
        assert_eq!(answer.status, 404, "{wrong}");
        assert_eq!(answer.json()["error"]["code"], "not_found");
        assert!(answer.json()["error"]["known"].to_string().contains("app.js"));
    }
}

#[tokio::test]
async fn the_addresses_in_a_page_further_down_lead_to_the_root_of_the_endpoints() {
    let served = served(LivePage::at("/team/ops/live").stream("/events").without_history());
    let document = served.get("/team/ops/live").await.text().to_owned();
    assert!(document.contains("data-root=\"../../\""), "{document}");
    assert!(document.contains("data-stream=\"events\""), "{document}");
    assert!(document.contains("data-history=\"\""), "{document}");
    let file = script(&document).strip_prefix("../..").expect("two folders up");
    assert_eq!(served.get(file).await.status, 200);
}

#[tokio::test]
async fn the_page_is_in_the_description_of_all_endpoints() {
    let served = served(LivePage::at("/ops"));
    let body = served.get("/metrics/openapi.json").await.json();
    for path in ["/ops", "/live-page/{version}/{file}"] {
        assert_eq!(body["paths"][path]["get"]["tags"][0], "live page", "{path}");
    }
}

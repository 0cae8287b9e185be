#![allow(missing_docs)]
use axum::{Router, body::Body, routing::get};
use http::Request;
use http_body_util::BodyExt;
use http_glue::RequestLayer;
use metrics_core::{Measuring, Performance, Registry};
use tower_layer::Layer;
use tower_service::Service;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let registry = Registry::new();
    let performance = Performance::register(&registry).unwrap();
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/orders/{id}", get(|| async { "an order" }));
    let layer = RequestLayer::register(&registry, &performance).unwrap();
    let mut watched = layer.wrap(router.clone());
    let mut outside = layer.layer(router.clone());
    let mut plain = router.clone();
    let mut res: std::collections::BTreeMap<&str, Vec<f64>> = Default::default();
    macro_rules! run {
        ($name:expr, $svc:ident, $path:expr) => {{
            let t = std::time::Instant::now();
            for _ in 0..2000 {
                let r = $svc.call(Request::get($path).body(Body::empty()).unwrap()).await.unwrap();
                let mut b = r.into_body();
                while b.frame().await.is_some() {}
            }
            res.entry($name).or_default().push(t.elapsed().as_nanos() as f64 / 2000.0);
        }};
    }
    for _ in 0..300 {
        run!("1 plain /", plain, "/");
        run!("2 watched /", watched, "/");
        run!("3 layer(no tell) /", outside, "/");
        registry.set_measuring(Measuring::Off);
        run!("4 watched off /", watched, "/");
        registry.set_measuring(Measuring::On);
        run!("5 plain /orders", plain, "/orders/1");
        run!("6 watched /orders", watched, "/orders/1");
        run!("7 layer(no tell) /orders", outside, "/orders/1");
    }
    for (k, mut v) in res {
        v.sort_by(f64::total_cmp);
        println!("{k}: min {:.0} median {:.0}", v[0], v[v.len() / 2]);
    }
}

//! A service of one's own with node0's live page, behind a login.
//!
//! `cargo run -p guarded-page` and open the address with the user `ada` and the password `lovelace`.
//! The login is an ordinary layer around all routes: the page sends what the browser has, a password or
//! a cookie, with each request, the WebSocket included.

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use node0::{LivePage, Monitoring};

/// `ada:lovelace`, as a browser sends it.
const PASSWORD: &str = "Basic YWRhOmxvdmVsYWNl";
/// The cookie of somebody who logged in elsewhere.
const COOKIE: &str = "session=ada";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let monitoring = Monitoring::builder().live_page(LivePage::at("/").title("parcels")).build()?;
    let app = Router::new()
        .route(
            "/parcels/{id}",
            get(|Path(id): Path<String>| async move { format!("parcel {id}\n") }),
        )
        .merge(monitoring.routes()?)
        .layer(middleware::from_fn(login));
    let listener = node0::bind(&address).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    monitoring.serve(listener, app).await?;
    Ok(())
}

/// Lets in who has the password or the cookie.
async fn login(request: Request, next: Next) -> Response {
    if is_known(request.headers()) {
        return next.run(request).await;
    }
    let asks = [(header::WWW_AUTHENTICATE, "Basic realm=\"parcels\"")];
    (StatusCode::UNAUTHORIZED, asks).into_response()
}

fn is_known(headers: &HeaderMap) -> bool {
    let has = |name, value| {
        let given = headers.get_all(name).iter().filter_map(|given| given.to_str().ok());
        given.flat_map(|given| given.split("; ")).any(|given| given == value)
    };
    has(header::AUTHORIZATION, PASSWORD) || has(header::COOKIE, COOKIE)
}

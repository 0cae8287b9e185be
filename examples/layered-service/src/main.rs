//! Serves orders on port 3000, by TLS if `CERT` and `KEY` name files: `curl localhost:3000/orders/42`.

use std::env;
use std::net::SocketAddr;

use axum_server::tls_rustls::RustlsConfig;
use layered_service::{app, closing, end_with};
use node0::Monitoring;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let monitoring = Monitoring::builder().version(env!("CARGO_PKG_VERSION")).build()?;
    let service = app(&monitoring)?.into_make_service_with_connect_info::<SocketAddr>();
    let closing = closing(monitoring.clone());
    let address = SocketAddr::from(([127, 0, 0, 1], 3000));
    if let (Ok(certificate), Ok(key)) = (env::var("CERT"), env::var("KEY")) {
        let tls = RustlsConfig::from_pem_file(certificate, key).await?;
        let server = axum_server::bind_rustls(address, tls).handle(end_with(closing));
        server.serve(service).await?;
    } else {
        let listener = node0::bind(address).await?;
        axum::serve(listener, service).with_graceful_shutdown(closing).await?;
    }
    Ok(())
}

//! Serves orders on `LISTEN`, `127.0.0.1:3000` by default, and node0's endpoints on `ADMIN`,
//! `127.0.0.1:3001` by default: `curl localhost:3000/orders/42`, and then `curl localhost:3001/metrics`.

use plain_service::{app, monitoring};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let monitoring = monitoring()?;
    let app = app(monitoring.performance().latency("stock")?);
    let listener = node0::bind(address("LISTEN", "127.0.0.1:3000")).await?;
    let admin = node0::bind(address("ADMIN", "127.0.0.1:3001")).await?;
    tokio::spawn(monitoring.serve_routes(admin)?);
    monitoring.serve(listener, app).await?;
    Ok(())
}

//! Serves orders on port 3000: `curl localhost:3000/orders/42`, and then
//! `curl -H 'accept: application/openmetrics-text' localhost:3000/metrics`.

use opentelemetry_sdk::trace::SdkTracerProvider;
use traced_service::{app, monitoring, subscriber};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Add the span exporter of your backend here: without one, no trace is kept.
    let provider = SdkTracerProvider::builder().build();
    tracing::subscriber::set_global_default(subscriber(&provider))?;

    let monitoring = monitoring()?;
    let app = app(monitoring.performance().latency("stock")?).merge(monitoring.routes()?);
    let listener = node0::bind("127.0.0.1:3000").await?;
    monitoring.serve(listener, app).await?;
    Ok(())
}

//! Serves orders on port 3000, from the Postgres that `DATABASE_URL` names: `curl localhost:3000/orders`,
//! and then `curl localhost:3000/metrics/database`.

use sqlx_service::{app, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (monitoring, pool) = connect(&std::env::var("DATABASE_URL")?).await?;
    let app = app(pool).merge(monitoring.routes()?);
    let listener = node0::bind("127.0.0.1:3000").await?;
    monitoring.serve(listener, app).await?;
    Ok(())
}

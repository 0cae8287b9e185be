//! A pool of sea-orm's, watched for its levels: the connections that are used and idle, and their most.
//!
//! sea-orm takes connections from sqlx's own pool, so waits and uses are not seen.

use node0::{AttachError, Monitoring};
use sea_orm::DatabaseConnection;
use sqlx::Postgres;

/// The watched pool: keep it as long as the connection, since it is watched until it is dropped.
pub type Watched = node0::database::sqlx::MonitoredPool<Postgres>;

/// Watches the pool of a connection to Postgres under a name.
///
/// # Errors
/// Fails if the name is taken, or the pool is watched already.
pub fn watch(
    monitoring: &Monitoring,
    name: &str,
    connection: &DatabaseConnection,
) -> Result<Watched, AttachError> {
    monitoring.database().attach_sqlx(name, connection.get_postgres_connection_pool())
}

//! The pool behind sea-orm, by its levels: connections in use, idle ones, and the most allowed.
//!
//! sea-orm takes connections from sqlx's pool itself, so waits and uses are not measured: they are
//! those of the statements, for which there is `performance`. Queries that go through the returned
//! pool are measured in full.

use node0::database::sqlx::MonitoredPool;
use node0::{AttachError, Monitoring};
use sea_orm::DatabaseConnection;
use sqlx::Postgres;

/// Watches the pool of a connection to Postgres under a name.
///
/// # Panics
/// If it is a connection to another kind of database.
pub fn watch(
    monitoring: &Monitoring,
    name: &str,
    connection: &DatabaseConnection,
) -> Result<MonitoredPool<Postgres>, AttachError> {
    monitoring.database().attach_sqlx(name, connection.get_postgres_connection_pool())
}

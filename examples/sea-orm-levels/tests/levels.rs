//! The levels of a pool that has not opened a connection.

use std::time::Duration;

use node0::Monitoring;
use sea_orm::SqlxPostgresConnector;
use sqlx::postgres::PgPoolOptions;

#[tokio::test]
async fn levels_of_the_orms_pool_are_shown() {
    let pool = PgPoolOptions::new().max_connections(7);
    let pool = pool.connect_lazy("postgres://shop@localhost/shop").expect("an address");
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);

    let mut testing = Monitoring::testing();
    let watched = sea_orm_levels::watch(&testing, "main", &connection).expect("the name is free");
    testing.advance(Duration::from_secs(1));
    let pool = [("pool", "main")];
    assert_eq!(testing.value("db_client_connections_max", &pool), Some(7.0));
    let used = [("pool", "main"), ("state", "used")];
    assert_eq!(testing.value("db_client_connections", &used), Some(0.0));

    let again = sea_orm_levels::watch(&testing, "again", &connection);
    assert!(again.is_err(), "the same pool has one name");
    drop(watched);
}

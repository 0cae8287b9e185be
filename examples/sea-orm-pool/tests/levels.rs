//! The levels of a pool of sea-orm's on a real Postgres.

use std::time::Duration;

use node0::{Monitoring, Testing};
use node0_local_postgres::LocalPostgres;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, TransactionTrait};
use sea_orm_pool::watch;
use testbed::tools;

/// Returns the connections that are used and idle, once a second has passed.
fn levels(testing: &mut Testing) -> [Option<f64>; 2] {
    testing.advance(Duration::from_secs(1));
    ["used", "idle"]
        .map(|state| testing.value("db_client_connections", &[("pool", "main"), ("state", state)]))
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_follow_the_transactions_of_sea_orm() {
    let tool = testbed::require!(tools::postgres());
    let server = LocalPostgres::builder().bin_dirs([tool.bin_dir().to_owned()]).start();
    let server = server.expect("Postgres starts");
    let mut options = ConnectOptions::new(server.url());
    options.min_connections(2).max_connections(3);
    let connection = Database::connect(options).await.expect("it answers");
    let mut testing = Monitoring::testing();
    let watched = watch(&testing, "main", &connection).expect("the name is free");

    let first = connection.begin().await.expect("there is a connection");
    let second = connection.begin().await.expect("there is a connection");
    second.execute_unprepared("SELECT 1").await.expect("it answers");
    assert_eq!(levels(&mut testing)[0], Some(2.0));
    let most = testing.value("db_client_connections_max", &[("pool", "main")]);
    assert_eq!(most, Some(3.0));

    for transaction in [first, second] {
        transaction.rollback().await.expect("it answers");
    }
    let waits = testing.value("db_client_use_duration_seconds", &[("pool", "main")]);
    assert!(waits.is_none_or(|count| count == 0.0), "only levels are known");
    connection.close().await.expect("it ends");
    assert_eq!(levels(&mut testing), [None, None], "a closed pool is no longer shown");
    drop(watched);
}

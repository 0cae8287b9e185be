//! The behaviours of a database that the demo relies on.
//!
//! Each test runs on the embedded database and on a real Postgres, which must behave
//! alike. The half on Postgres needs its programs from the testbed.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use node0_demo::database::{Database, DatabaseChoice, DatabaseSettings};
use testbed::tools;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, SimpleQueryMessage};

const INSERT: &str = "INSERT INTO demo_orders (id, customer, items, total_cents, created_ms)
    VALUES ($1::text, $2::text, $3::text, $4::bigint, $5::bigint)";

/// The parameters of a statement.
type Values<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];

/// Runs the test on both databases, each with an empty schema.
async fn on_each_database(test: impl AsyncFn(&Database)) {
    let settings = |choice| DatabaseSettings { choice, ..DatabaseSettings::default() };
    on_database(settings(DatabaseChoice::Embedded), &test).await;
    // Held to the end, because the server runs from its folder.
    let tool = testbed::require!(tools::postgres());
    let folders = Some(vec![tool.bin_dir().to_owned()]);
    let local = DatabaseSettings { postgres_bin_dirs: folders, ..settings(DatabaseChoice::Local) };
    on_database(local, &test).await;
}

async fn on_database(settings: DatabaseSettings, test: impl AsyncFn(&Database)) {
    let database = Database::open(settings).await.unwrap();
    eprintln!("on {}", database.source());
    test(&database).await;
    database.close().await;
}

/// Runs the test on both databases, with a pool of eight.
async fn on_each(test: impl AsyncFn(Pool)) {
    on_each_database(async |database| test(pool(database, RecyclingMethod::Fast)).await).await;
}

fn pool(database: &Database, recycling_method: RecyclingMethod) -> Pool {
    let manager =
        Manager::from_config(database.config(), NoTls, ManagerConfig { recycling_method });
    Pool::builder(manager).max_size(8).runtime(Runtime::Tokio1).build().unwrap()
}

async fn count(pool: &Pool) -> i64 {
    let client = pool.get().await.unwrap();
    client.query_one("SELECT count(*) FROM demo_orders", &[]).await.unwrap().get(0)
}

async fn insert(pool: &Pool, id: &str) -> Result<u64, tokio_postgres::Error> {
    let client = pool.get().await.unwrap();
    client.execute(INSERT, &[&id, &"ann", &"[]", &1999_i64, &1_700_000_000_000_i64]).await
}

#[tokio::test]
async fn inserted_order_is_read_back() {
    on_each(async |pool| {
        assert_eq!(insert(&pool, "o-1").await.unwrap(), 1);
        let client = pool.get().await.unwrap();
        let select = "SELECT id, customer, items, total_cents, created_ms
            FROM demo_orders WHERE id = $1::text";
        let row = client.query_one(select, &[&"o-1"]).await.unwrap();
        assert_eq!(row.get::<_, String>("id"), "o-1");
        assert_eq!(row.get::<_, &str>("customer"), "ann");
        assert_eq!(row.get::<_, i64>("total_cents"), 1999);
        assert_eq!(row.get::<_, i64>("created_ms"), 1_700_000_000_000);
        assert!(client.query_opt(select, &[&"o-2"]).await.unwrap().is_none());
        assert_eq!(count(&pool).await, 1);
    })
    .await;
}

#[tokio::test]
async fn values_of_every_used_type_survive_the_trip() {
    on_each(async |pool| {
        let client = pool.get().await.unwrap();
        let all = "SELECT $1::text, $2::bigint, $3::double precision, $4::boolean, $5::int";
        let statement = client.prepare_cached(all).await.unwrap();
        for (text, whole, real, truth, small) in [
            (Some("grüße 'q'"), Some(i64::MIN), Some(-0.1), Some(true), Some(7)),
            (Some(""), Some(i64::MAX), Some(1e300), Some(false), Some(i32::MIN)),
            (None, None, None, None, None),
        ] {
            let values: Values<'_, 5> = [&text, &whole, &real, &truth, &small];
            let row = client.query_one(&statement, &values).await.unwrap();
            assert_eq!(row.get::<_, Option<&str>>(0), text);
            assert_eq!(row.get::<_, Option<i64>>(1), whole);
            assert_eq!(row.get::<_, Option<f64>>(2), real);
            assert_eq!(row.get::<_, Option<bool>>(3), truth);
            assert_eq!(row.get::<_, Option<i32>>(4), small);
        }
    })
    .await;
}

#[tokio::test]
async fn changes_report_their_rows_and_return_columns() {
    on_each(async |pool| {
        for id in ["a", "b"] {
            insert(&pool, id).await.unwrap();
        }
        let client = pool.get().await.unwrap();
        let update = "UPDATE demo_orders SET total_cents = total_cents + $1::bigint
            RETURNING total_cents::bigint";
        let rows = client.query(update, &[&1_i64]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [2000, 2000]);
        let deleted = client.execute("DELETE FROM demo_orders WHERE id = $1::text", &[&"a"]);
        assert_eq!(deleted.await.unwrap(), 1);
        let sum = "SELECT sum(total_cents)::bigint AS sum FROM demo_orders LIMIT $1";
        assert_eq!(client.query_one(sum, &[&5_i64]).await.unwrap().get::<_, i64>("sum"), 2000);
    })
    .await;
}

#[tokio::test]
async fn simple_queries_answer_in_text_and_stop_at_an_error() {
    on_each(async |pool| {
        let client = pool.get().await.unwrap();
        let messages = client.simple_query("SELECT 1; SELECT 'two' AS b").await.unwrap();
        let cells: Vec<_> = messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            })
            .collect();
        assert_eq!(cells, ["1", "two"]);
        assert_eq!(client.query_one("SELECT 1", &[]).await.unwrap().get::<_, i32>(0), 1);

        client.batch_execute("SELECT 1; SELEKT; SELECT 2").await.unwrap_err();
        client.batch_execute(" ; ").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn errors_carry_their_sqlstate() {
    on_each(async |pool| {
        insert(&pool, "twice").await.unwrap();
        let error = insert(&pool, "twice").await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::UNIQUE_VIOLATION));

        let client = pool.get().await.unwrap();
        for (sql, code) in [
            ("SELECT * FROM nowhere", SqlState::UNDEFINED_TABLE),
            ("SELECT absent FROM demo_orders", SqlState::UNDEFINED_COLUMN),
            ("SELECT absent()", SqlState::UNDEFINED_FUNCTION),
            ("SELEKT 1", SqlState::SYNTAX_ERROR),
            ("SELECT 'unfinished", SqlState::SYNTAX_ERROR),
            ("SELECT 1::absent", SqlState::UNDEFINED_OBJECT),
            ("CREATE TABLE demo_orders (id text)", SqlState::DUPLICATE_TABLE),
            ("UPDATE demo_orders SET customer = NULL", SqlState::NOT_NULL_VIOLATION),
        ] {
            let simple = client.batch_execute(sql).await.unwrap_err();
            assert_eq!(simple.code(), Some(&code), "{sql}: {simple}");
            let extended = client.query(sql, &[]).await.unwrap_err();
            assert_eq!(extended.code(), Some(&code), "{sql}: {extended}");
        }
        let two = client.prepare("SELECT 1; SELECT 2").await.unwrap_err();
        assert_eq!(two.code(), Some(&SqlState::SYNTAX_ERROR));
        client.query_one("SELECT 1", &[]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn transaction_keeps_on_commit_and_forgets_otherwise() {
    on_each(async |pool| {
        let mut client = pool.get().await.unwrap();
        for (id, is_kept) in [("kept", true), ("forgotten", false)] {
            let transaction = client.transaction().await.unwrap();
            let values: Values<'_, 5> = [&id, &"ann", &"[]", &1_i64, &2_i64];
            transaction.execute(INSERT, &values).await.unwrap();
            if is_kept {
                transaction.commit().await.unwrap();
            } else {
                drop(transaction);
            }
        }
        drop(client);
        assert_eq!(count(&pool).await, 1);
    })
    .await;
}

#[tokio::test]
async fn failed_transaction_takes_nothing_but_its_end() {
    on_each(async |pool| {
        let client = pool.get().await.unwrap();
        let insert = "INSERT INTO demo_orders VALUES ('x', 'ann', '[]', 1, 2)";
        client.batch_execute("BEGIN").await.unwrap();
        client.batch_execute(insert).await.unwrap();
        client.batch_execute(insert).await.unwrap_err();
        let simple = client.batch_execute("SELECT 1").await.unwrap_err();
        assert_eq!(simple.code(), Some(&SqlState::IN_FAILED_SQL_TRANSACTION));
        let extended = client.query("SELECT 1", &[]).await.unwrap_err();
        assert_eq!(extended.code(), Some(&SqlState::IN_FAILED_SQL_TRANSACTION));
        client.batch_execute("COMMIT").await.unwrap();
        assert_eq!(count(&pool).await, 0);
        client.batch_execute("COMMIT; ROLLBACK").await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sleeping_queries_sleep_in_parallel() {
    on_each(async |pool| {
        let start = Instant::now();
        let mut sleepers = JoinSet::new();
        for _ in 0..8 {
            let pool = pool.clone();
            sleepers.spawn(async move {
                let client = pool.get().await.unwrap();
                client.execute("SELECT pg_sleep($1)", &[&0.4_f64]).await.unwrap();
            });
        }
        sleepers.join_all().await;
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(400), "{took:?}");
        assert!(took < Duration::from_millis(1600), "{took:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_together_lose_nothing() {
    on_each(async |pool| {
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let pool = pool.clone();
            writers.spawn(async move {
                for n in 0..20 {
                    let mut client = pool.get().await.unwrap();
                    let transaction = client.transaction().await.unwrap();
                    let known = transaction.query_one("SELECT count(*) FROM demo_orders", &[]);
                    let known: i64 = known.await.unwrap().get(0);
                    let id = format!("{writer}-{n}");
                    let values: Values<'_, 5> = [&id, &"ann", &"[]", &known, &0_i64];
                    transaction.execute(INSERT, &values).await.unwrap();
                    transaction.commit().await.unwrap();
                }
            });
        }
        writers.join_all().await;
        assert_eq!(count(&pool).await, 160);
    })
    .await;
}

#[tokio::test]
async fn connections_are_recycled_by_every_method() {
    on_each_database(async |database| {
        for method in [RecyclingMethod::Fast, RecyclingMethod::Verified, RecyclingMethod::Clean] {
            let pool = pool(database, method.clone());
            for _ in 0..5 {
                let client = pool.get().await.unwrap();
                client.query_one("SELECT 1", &[]).await.unwrap();
            }
            assert_eq!(pool.status().size, 1, "{method:?} made new connections");
        }
    })
    .await;
}

#[tokio::test]
async fn sleep_in_a_failed_statement_does_not_delay_the_next() {
    on_each(async |pool| {
        let client = pool.get().await.unwrap();
        let failing = "SELECT pg_sleep(0.2), abs(-9223372036854775807 - 1)";
        client.batch_execute(failing).await.unwrap_err();
        let start = Instant::now();
        client.batch_execute("SELECT 1").await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(150), "{:?}", start.elapsed());
    })
    .await;
}

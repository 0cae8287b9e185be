//! The databases that the demo starts keep out strangers, and clients' SQL keeps within them.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};

use node0_demo::database::{Database, DatabaseChoice, DatabaseSettings, Source};
use testbed::tools;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

/// A query that would run for years.
const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn embedded(statement_limit: Option<Duration>) -> DatabaseSettings {
    let choice = DatabaseChoice::Embedded;
    DatabaseSettings { choice, statement_limit, ..DatabaseSettings::default() }
}

async fn connect(database: &Database) -> Client {
    let (client, connection) = database.config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Runs a test on the embedded database, and on a local one where Postgres is found.
async fn on_each(statement_limit: Option<Duration>, test: impl AsyncFn(&Database, &Client)) {
    let settings = embedded(statement_limit);
    let database = Database::open(settings.clone()).await.unwrap();
    test(&database, &connect(&database).await).await;
    database.close().await;
    let tool = testbed::require!(tools::postgres());
    let folders = Some(vec![tool.bin_dir().to_owned()]);
    let choice = DatabaseChoice::Local;
    let settings = DatabaseSettings { choice, postgres_bin_dirs: folders, ..settings };
    let database = Database::open(settings).await.unwrap();
    test(&database, &connect(&database).await).await;
    database.close().await;
}

/// The folder of the only socket that leads to the database.
fn folder(database: &Database) -> PathBuf {
    match database.config().get_hosts() {
        [Host::Unix(folder)] => folder.clone(),
        other => panic!("{other:?} is no socket"),
    }
}

#[tokio::test]
async fn only_the_owner_of_a_folder_reaches_the_database() {
    on_each(None, async |database, _| {
        let mode = fs::metadata(folder(database)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", database.source());
    })
    .await;
}

#[tokio::test]
async fn sql_of_a_client_reaches_no_file_and_no_program() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    on_each(None, async |database, client| {
        let both = [
            format!("ATTACH '{path}' AS other"),
            format!("VACUUM INTO '{path}'"),
            "COPY (SELECT 1) TO PROGRAM 'true'".to_owned(),
            format!("COPY (SELECT 1) TO '{path}'"),
            "SELECT pg_read_file('/etc/passwd')".to_owned(),
        ];
        for sql in both {
            let simple = client.batch_execute(&sql).await.map_err(|error| error.code().cloned());
            assert!(simple.is_err(), "{sql} on {}", database.source());
            assert!(client.query(&sql, &[]).await.is_err(), "{sql} on {}", database.source());
        }
        if database.source() != Source::Embedded {
            return;
        }
        for sql in [
            "ATTACH ':memory:' AS other".to_owned(),
            format!("ATTACH '{path}' AS other"),
            format!("VACUUM INTO '{path}'"),
            "PRAGMA writable_schema = on".to_owned(),
            "SELECT * FROM pragma_database_list".to_owned(),
            "SELECT load_extension('x')".to_owned(),
            "CREATE VIRTUAL TABLE t USING fts5(a)".to_owned(),
        ] {
            let error = client.batch_execute(&sql).await.expect_err(&sql);
            assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}: {error}");
        }
    })
    .await;
    assert_eq!(fs::metadata(file.path()).unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statement_ends_at_the_time_limit_and_the_session_goes_on() {
    on_each(Some(Duration::from_millis(200)), async |database, client| {
        for sql in [ENDLESS, "SELECT pg_sleep(60)"] {
            let error = client.batch_execute(sql).await.expect_err(sql);
            let code = error.code();
            assert_eq!(code, Some(&SqlState::QUERY_CANCELED), "{sql} on {}", database.source());
            client.batch_execute("SELECT 1").await.unwrap();
        }
    })
    .await;
}

#[test]
fn statement_that_runs_does_not_hold_the_end_of_the_process() {
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let settings = embedded(Some(Duration::from_secs(3600)));
            let database = Database::open(settings).await.unwrap();
            let client = connect(&database).await;
            let endless = tokio::spawn(async move { client.batch_execute(ENDLESS).await });
            // A second session is answered after the first one's statement has begun.
            connect(&database).await.batch_execute("SELECT 1").await.unwrap();
            database.close().await;
            assert!(endless.await.unwrap().is_err());
        });
        drop(runtime);
        ended.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(20)).expect("the thread of the statement ends");
}

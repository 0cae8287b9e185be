//! A server to test with, and one statement at a time to it.

use std::time::Duration;
use std::{env, thread};

use local_postgres::{Builder, LocalPostgres, StartError};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// Starts a server, or `None` where Postgres is not installed and may be missing.
pub(crate) fn start(builder: Builder) -> Option<LocalPostgres> {
    match builder.start() {
        Ok(postgres) => Some(postgres),
        Err(StartError::BinariesNotFound { .. }) if env::var_os("CI").is_none() => {
            eprintln!("SKIPPED: no PostgreSQL on this machine");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Runs one statement on a new connection and returns the first cell of its answer.
pub(crate) fn ask(postgres: &LocalPostgres, sql: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&postgres.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    })
}

/// Whether the condition comes true within ten seconds.
#[expect(clippy::disallowed_methods, reason = "the other side is a real process")]
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        condition()
    })
}

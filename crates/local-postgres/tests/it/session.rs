//! Starts a server for a test, and runs single statements on it.

use node0_local_postgres::{Builder, LocalPostgres};
use testbed::tools::PostgresTool;
use tokio_postgres::{Error, NoTls, SimpleQueryMessage};

/// Starts a server from the programs of the tool, which must outlive it.
pub(crate) fn start(tool: &PostgresTool, builder: Builder) -> LocalPostgres {
    builder.bin_dirs([tool.bin_dir().to_owned()]).start().unwrap()
}

/// Runs one statement on a new connection and returns the first value of its result.
pub(crate) fn ask(postgres: &LocalPostgres, sql: &str) -> Option<String> {
    answer(&postgres.url(), sql).unwrap()
}

/// The same as the superuser.
pub(crate) fn ask_as_superuser(postgres: &LocalPostgres, sql: &str) -> Option<String> {
    answer(&postgres.superuser_url(), sql).unwrap()
}

/// Runs one statement on a new connection.
pub(crate) fn answer(url: &str, sql: &str) -> Result<Option<String>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let messages = client.simple_query(sql).await?;
        Ok(messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    })
}

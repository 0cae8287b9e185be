//! One client's session: its SQLite connection, and the statements that run on it.
//!
//! SQLite blocks, so every use of the connection happens on a blocking thread. The
//! function `pg_sleep` does not sleep there: it records the time, and the session sleeps
//! after the statement, when the thread and SQLite's locks are free again.
//!
//! A statement whose time is over, or whose client is gone, is ended by a flag that SQLite looks at
//! while it works. Otherwise its thread would work on, and keep the process from ending.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pgwire::api::portal::Format;
use pgwire::api::results::{DataRowEncoder, FieldInfo, QueryResponse, Response, Tag};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::data::DataRow;
use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::BUSY_TIMEOUT;
use super::failure::{from_sqlite, refusal};
use super::prepared::{Prepared, columns, fields};
use super::sql::{Action, Statement};
use super::types::encode_cell;

/// The number of steps that SQLite makes between two looks at the flag: some tens of microseconds.
const STEPS: i32 = 10_000;

/// The database of the sessions, and what they may use of it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    /// The longest time that a statement works, and that it sleeps.
    pub(super) statement_limit: Duration,
}

/// A client's session; clones share it.
#[derive(Clone)]
pub(super) struct Session {
    connection: Arc<Mutex<Connection>>,
    /// The microseconds that `pg_sleep` asked for during the running statement.
    asleep_micros: Arc<AtomicU64>,
    /// `true` while the running statement is to end.
    ends: Arc<AtomicBool>,
    statement_limit: Duration,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Opens the database file; the first session creates it.
    pub(super) async fn open(place: Place) -> anyhow::Result<Session> {
        let Place { file, statement_limit } = place;
        let (asleep_micros, ends) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (noted, flag) = (Arc::clone(&asleep_micros), Arc::clone(&ends));
        let connected = move || {
            let connection = connect(&file, noted)?;
            confine(&connection, flag)?;
            Ok::<_, rusqlite::Error>(connection)
        };
        let connection = Arc::new(Mutex::new(spawn_blocking(connected).await??));
        Ok(Session { connection, asleep_micros, ends, statement_limit })
    }

    /// Prepares the statement in SQLite, which checks it and names its columns.
    pub(super) async fn prepare(&self, statement: Statement) -> PgWireResult<Prepared> {
        if statement.action == Action::Ignore {
            return Ok(Prepared { statement, columns: Vec::new() });
        }
        self.with_connection(move |connection| {
            let columns = columns(connection, &statement)?;
            Ok(Prepared { statement, columns })
        })
        .await
    }

    /// Runs a prepared statement.
    pub(super) async fn run(
        &self,
        prepared: Arc<Prepared>,
        parameters: Vec<Value>,
        format: &Format,
    ) -> PgWireResult<Response> {
        let Prepared { statement, columns } = &*prepared;
        let tag = Tag::new(&statement.tag);
        match statement.action {
            Action::Ignore => return Ok(Response::Execution(tag)),
            Action::Begin => {
                self.transact(statement.sql.clone(), Autocommit::On).await?;
                return Ok(Response::TransactionStart(tag));
            }
            Action::Commit | Action::Rollback => {
                self.transact(statement.sql.clone(), Autocommit::Off).await?;
                return Ok(Response::TransactionEnd(tag));
            }
            Action::Run | Action::RunCounted => {}
        }
        if columns.is_empty() {
            let changed = self.execute(Arc::clone(&prepared), parameters).await?;
            let is_counted = statement.action == Action::RunCounted;
            return Ok(Response::Execution(if is_counted { tag.with_rows(changed) } else { tag }));
        }
        let fields = Arc::new(fields(columns, format));
        let rows = self.query(Arc::clone(&prepared), parameters, Arc::clone(&fields)).await?;
        let rows = futures_util::stream::iter(rows.into_iter().map(Ok));
        let mut response = QueryResponse::new(fields, rows);
        response.set_command_tag(&statement.tag);
        Ok(Response::Query(response))
    }

    /// Begins or ends a transaction; to do so twice is no error, as in Postgres.
    async fn transact(&self, sql: String, needed: Autocommit) -> PgWireResult<()> {
        self.with_connection(move |connection| {
            if connection.is_autocommit() == (needed == Autocommit::On) {
                connection.execute_batch(&sql)?;
            }
            Ok(())
        })
        .await
    }

    async fn execute(
        &self,
        prepared: Arc<Prepared>,
        parameters: Vec<Value>,
    ) -> PgWireResult<usize> {
        let changed = self.with_connection(move |connection| {
            let mut statement = connection.prepare(&prepared.statement.sql)?;
            Ok(statement.execute(params_from_iter(parameters))?)
        });
        let changed = changed.await;
        self.sleep().await?;
        changed
    }

    async fn query(
        &self,
        prepared: Arc<Prepared>,
        parameters: Vec<Value>,
        fields: Arc<Vec<FieldInfo>>,
    ) -> PgWireResult<Vec<DataRow>> {
        let rows = self.with_connection(move |connection| {
            let mut statement = connection.prepare(&prepared.statement.sql)?;
            let mut rows = statement.query(params_from_iter(parameters))?;
            let mut encoder = DataRowEncoder::new(fields);
            let mut encoded = Vec::new();
            while let Some(row) = rows.next()? {
                for (index, column) in prepared.columns.iter().enumerate() {
                    encode_cell(&mut encoder, &column.kind, row.get_ref(index)?)?;
                }
                encoded.push(encoder.take_row());
            }
            Ok(encoded)
        });
        let rows = rows.await;
        self.sleep().await?;
        rows
    }

    /// Sleeps for the time that `pg_sleep` asked for in the last statement.
    async fn sleep(&self) -> PgWireResult<()> {
        let asked = Duration::from_micros(self.asleep_micros.swap(0, Ordering::Relaxed));
        if !asked.is_zero() {
            tokio::time::sleep(asked.min(self.statement_limit)).await;
        }
        if asked > self.statement_limit { Err(too_long()) } else { Ok(()) }
    }

    async fn with_connection<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> PgWireResult<T> {
        let connection = Arc::clone(&self.connection);
        let mut done = spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection)
        });
        let mut running = Running { ends: &self.ends, is_done: false };
        let in_time = timeout(self.statement_limit, &mut done).await;
        let result = match in_time {
            Ok(result) => result,
            Err(_) => {
                self.ends.store(true, Ordering::Relaxed);
                done.await
            }
        };
        running.is_done = true;
        self.ends.store(false, Ordering::Relaxed);
        match result {
            Ok(Err(Failure::Sqlite(error))) if is_interrupted(&error) => Err(too_long()),
            Ok(result) => result.map_err(PgWireError::from),
            Err(stopped) => Err(refusal("57P01", stopped.to_string())),
        }
    }
}

/// A statement that runs; dropping it before its end, as a client that leaves does, ends it.
struct Running<'s> {
    ends: &'s AtomicBool,
    is_done: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.ends.store(true, Ordering::Relaxed);
        }
    }
}

/// Returns the error of Postgres for a statement that was ended at the time limit.
fn too_long() -> PgWireError {
    refusal("57014", "canceling statement due to statement timeout")
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
}

/// SQLite's mode of a connection: on outside a transaction, off inside one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Autocommit {
    On,
    Off,
}

/// An error of work on a connection: SQLite's, or a value that does not fit its type.
enum Failure {
    Sqlite(rusqlite::Error),
    Value(PgWireError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl From<PgWireError> for Failure {
    fn from(error: PgWireError) -> Self {
        Failure::Value(error)
    }
}

impl From<Failure> for PgWireError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlite(error) => from_sqlite(&error),
            Failure::Value(error) => error,
        }
    }
}

fn connect(file: &Path, asleep_micros: Arc<AtomicU64>) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // With this log a writer does not block readers. The file need not survive a crash.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "off")?;
    // Not marked as deterministic, so that SQLite calls it once for each row.
    let flags = FunctionFlags::SQLITE_UTF8;
    connection.create_scalar_function("pg_sleep", 1, flags, move |call: &Context<'_>| {
        let seconds: f64 = call.get(0)?;
        // As in Postgres, a negative time means no sleep.
        let sleep = Duration::try_from_secs_f64(seconds.max(0.0));
        let sleep = sleep.map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?;
        let micros = u64::try_from(sleep.as_micros()).unwrap_or(u64::MAX);
        asleep_micros.fetch_add(micros, Ordering::Relaxed);
        Ok(String::new())
    })?;
    // Pools call this to clean a connection. SQLite has no advisory locks to release.
    connection.create_scalar_function("pg_advisory_unlock_all", 0, flags, |_| Ok(String::new()))?;
    Ok(connection)
}

/// Keeps a client's SQL within its database, and lets the flag end it.
fn confine(connection: &Connection, ends: Arc<AtomicBool>) -> rusqlite::Result<()> {
    connection.progress_handler(STEPS, Some(move || ends.load(Ordering::Relaxed)))?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.authorizer(Some(allow))
}

/// Refuses what reaches beyond the database: `VACUUM` attaches a file too.
fn allow(asked: AuthContext<'_>) -> Authorization {
    match asked.action {
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Pragma { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::Unknown { .. } => Authorization::Deny,
        AuthAction::Function { function_name } if is_of_files(function_name) => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

/// Returns `true` for the functions by which builds of SQLite load code or use files.
fn is_of_files(function: &str) -> bool {
    const NAMES: [&str; 5] = ["load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"];
    NAMES.iter().any(|name| function.eq_ignore_ascii_case(name))
}

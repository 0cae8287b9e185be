//! Translates SQLite's errors into SQLSTATEs.
//!
//! Clients act on the code, so every error that the demo and its monitors can meet has
//! one. Where SQLite gives no code of its own, the error is recognised by its message.

use pgwire::error::{ErrorInfo, PgWireError};
use rusqlite::ffi;

/// Builds an error of severity `ERROR` with this SQLSTATE.
pub(super) fn refusal(code: &str, message: impl Into<String>) -> PgWireError {
    let info = ErrorInfo::new("ERROR".to_owned(), code.to_owned(), message.into());
    PgWireError::UserError(Box::new(info))
}

/// Translates an error of SQLite into one of Postgres.
pub(super) fn from_sqlite(error: &rusqlite::Error) -> PgWireError {
    let (failure, message) = match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            (failure, message.clone().unwrap_or_else(|| failure.to_string()))
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg.clone()),
        // An error or a panic inside a function that the session registered with SQLite.
        other => return refusal("XX000", other.to_string()),
    };
    refusal(sqlstate(failure.extended_code, &message), message)
}

fn sqlstate(extended_code: i32, message: &str) -> &'static str {
    match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => "23505",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "23502",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "23503",
        ffi::SQLITE_CONSTRAINT_CHECK => "23514",
        // The low byte of an extended code is its primary code.
        code => match code & 0xff {
            ffi::SQLITE_CONSTRAINT => "23000",
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => "55P03",
            ffi::SQLITE_INTERRUPT => "57014",
            ffi::SQLITE_AUTH => "42501",
            ffi::SQLITE_FULL => "53100",
            ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN => "58030",
            ffi::SQLITE_TOOBIG => "54000",
            ffi::SQLITE_MISMATCH => "42804",
            ffi::SQLITE_ERROR => from_words(message),
            _ => "XX000",
        },
    }
}

fn from_words(message: &str) -> &'static str {
    const BY_WORDS: [(&str, &str); 9] = [
        ("not authorized", "42501"),
        ("no such table", "42P01"),
        ("no such column", "42703"),
        ("has no column named", "42703"),
        ("no such function", "42883"),
        ("already exists", "42P07"),
        ("syntax error", "42601"),
        ("incomplete input", "42601"),
        ("unrecognized token", "42601"),
    ];
    BY_WORDS.iter().find(|(words, _)| message.contains(words)).map_or("42000", |(_, code)| code)
}

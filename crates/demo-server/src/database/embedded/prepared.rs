//! A statement that SQLite has accepted, and the columns that it will return.
//!
//! The protocol describes the columns before the statement runs, so their types come
//! from the statement's text and from the tables, never from rows.

use pgwire::api::Type;
use pgwire::api::portal::Format;
use pgwire::api::results::FieldInfo;
use rusqlite::Connection;

use super::sql::{Action, Statement};
use super::types::type_named;

/// A translated statement and the columns that it will return.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) statement: Statement,
    pub(super) columns: Vec<Column>,
}

impl Prepared {
    /// Returns the `ROLLBACK` that ends a failed transaction.
    pub(super) fn rollback() -> Prepared {
        let statement = Statement {
            sql: "ROLLBACK".to_owned(),
            action: Action::Rollback,
            tag: "ROLLBACK".to_owned(),
            parameters: Vec::new(),
            results: Vec::new(),
        };
        Prepared { statement, columns: Vec::new() }
    }
}

/// A column of a result.
#[derive(Debug, Clone)]
pub(super) struct Column {
    name: String,
    pub(super) kind: Type,
}

/// Prepares the statement in SQLite and returns the names and types of its result columns.
pub(super) fn columns(
    connection: &Connection,
    statement: &Statement,
) -> rusqlite::Result<Vec<Column>> {
    let prepared = connection.prepare(&statement.sql)?;
    let found = prepared.columns();
    // `*` stands for several columns, so the types from the text cannot be matched by position.
    let is_aligned = found.len() == statement.results.len();
    let columns = found.into_iter().enumerate().map(|(index, column)| {
        let told = statement.results.get(index).filter(|_| is_aligned).cloned().flatten();
        let kind = told.or_else(|| type_named(column.decl_type()?)).unwrap_or(Type::TEXT);
        Column { name: column.name().to_owned(), kind }
    });
    Ok(columns.collect())
}

/// Returns the columns in the protocol's form.
pub(super) fn fields(columns: &[Column], format: &Format) -> Vec<FieldInfo> {
    let described = columns.iter().enumerate().map(|(index, column)| {
        let format = format.format_for(index);
        FieldInfo::new(column.name.clone(), None, None, column.kind.clone(), format)
    });
    described.collect()
}

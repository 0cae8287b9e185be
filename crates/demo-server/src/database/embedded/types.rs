//! Converts values and types between Postgres and SQLite.
//!
//! SQLite has five kinds of value, and a column may hold any of them; Postgres clients
//! expect the bytes of the announced type. Parameters become SQLite's kinds. Values of a
//! result are converted to the announced type, or refused as Postgres refuses a bad cast.

use pgwire::api::Type;
use pgwire::api::portal::Portal;
use pgwire::api::results::DataRowEncoder;
use pgwire::error::{PgWireError, PgWireResult};
use rusqlite::types::{Value, ValueRef};

use super::failure::refusal;

/// Returns the type with this SQL name, or `None` if this server does not have it.
pub(super) fn type_named(name: &str) -> Option<Type> {
    let name = name.to_ascii_lowercase();
    let name = name.split('(').next().unwrap_or_default().trim_end();
    Some(match name {
        "smallint" | "int2" => Type::INT2,
        "int" | "integer" | "int4" => Type::INT4,
        "bigint" | "int8" => Type::INT8,
        "real" | "float4" => Type::FLOAT4,
        "double precision" | "float8" | "numeric" | "decimal" => Type::FLOAT8,
        "boolean" | "bool" => Type::BOOL,
        "bytea" | "blob" => Type::BYTEA,
        "text" | "varchar" | "character varying" | "json" | "jsonb" | "uuid" | "timestamptz"
        | "timestamp" | "date" => Type::TEXT,
        _ => return None,
    })
}

/// Returns the SQLite type that a `CAST` to the Postgres type names.
pub(super) fn affinity(kind: &Type) -> &'static str {
    match *kind {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::BOOL => "INTEGER",
        Type::FLOAT4 | Type::FLOAT8 => "REAL",
        Type::BYTEA => "BLOB",
        _ => "TEXT",
    }
}

/// Reads one parameter of a bound statement as its announced type.
pub(super) fn parameter<S: Clone>(
    portal: &Portal<S>,
    index: usize,
    kind: &Type,
) -> PgWireResult<Value> {
    let integer = |value: Option<i64>| value.map_or(Value::Null, Value::Integer);
    let real = |value: Option<f64>| value.map_or(Value::Null, Value::Real);
    Ok(match *kind {
        Type::BOOL => integer(portal.parameter::<bool>(index, kind)?.map(i64::from)),
        Type::INT2 => integer(portal.parameter::<i16>(index, kind)?.map(i64::from)),
        Type::INT4 => integer(portal.parameter::<i32>(index, kind)?.map(i64::from)),
        Type::INT8 => integer(portal.parameter::<i64>(index, kind)?),
        Type::FLOAT4 => real(portal.parameter::<f32>(index, kind)?.map(f64::from)),
        Type::FLOAT8 => real(portal.parameter::<f64>(index, kind)?),
        Type::BYTEA => portal.parameter::<Vec<u8>>(index, kind)?.map_or(Value::Null, Value::Blob),
        _ => whole_text(portal.parameter::<String>(index, kind)?)?,
    })
}

/// Refuses a zero byte in a text, as Postgres does.
fn whole_text(value: Option<String>) -> PgWireResult<Value> {
    match value {
        Some(text) if text.contains('\0') => {
            Err(refusal("22021", "invalid byte sequence for encoding \"UTF8\": 0x00"))
        }
        value => Ok(value.map_or(Value::Null, Value::Text)),
    }
}

/// Encodes one value of a row as the announced type of its column.
pub(super) fn encode_cell(
    encoder: &mut DataRowEncoder,
    kind: &Type,
    cell: ValueRef<'_>,
) -> PgWireResult<()> {
    if matches!(cell, ValueRef::Null) {
        return encoder.encode_field(&None::<i32>);
    }
    match *kind {
        Type::BOOL => encoder.encode_field(&truth(cell)?),
        Type::INT2 => encoder.encode_field(&narrow::<i16>(cell)?),
        Type::INT4 => encoder.encode_field(&narrow::<i32>(cell)?),
        Type::INT8 => encoder.encode_field(&narrow::<i64>(cell)?),
        // SQLite stores 64-bit floats; a column of type `real` has 32 bits.
        Type::FLOAT4 => encoder.encode_field(&(real(cell)? as f32)),
        Type::FLOAT8 => encoder.encode_field(&real(cell)?),
        Type::BYTEA => match cell {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => encoder.encode_field(&bytes),
            _ => encoder.encode_field(&text(cell).as_bytes()),
        },
        _ => encoder.encode_field(&text(cell).as_str()),
    }
}

fn narrow<T: TryFrom<i64>>(cell: ValueRef<'_>) -> PgWireResult<T> {
    let whole = match cell {
        ValueRef::Integer(value) => Some(value),
        // The cast saturates at the ends of `i64`; `try_from` then refuses values beyond `T`.
        ValueRef::Real(value) => Some(value.round() as i64),
        _ => text(cell).trim().parse().ok(),
    };
    let whole = whole.ok_or_else(|| not_a(&cell, "integer"))?;
    T::try_from(whole).map_err(|_| refusal("22003", format!("integer out of range: {whole}")))
}

fn real(cell: ValueRef<'_>) -> PgWireResult<f64> {
    match cell {
        ValueRef::Real(value) => Ok(value),
        ValueRef::Integer(value) => Ok(value as f64),
        _ => text(cell).trim().parse().map_err(|_| not_a(&cell, "double precision")),
    }
}

fn truth(cell: ValueRef<'_>) -> PgWireResult<bool> {
    match cell {
        ValueRef::Integer(value) => Ok(value != 0),
        _ => match text(cell).to_ascii_lowercase().as_str() {
            "t" | "true" | "1" => Ok(true),
            "f" | "false" | "0" => Ok(false),
            _ => Err(not_a(&cell, "boolean")),
        },
    }
}

fn text(cell: ValueRef<'_>) -> String {
    match cell {
        ValueRef::Null => String::new(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

fn not_a(cell: &ValueRef<'_>, kind: &str) -> PgWireError {
    refusal("22P02", format!("invalid input for type {kind}: \"{}\"", text(*cell)))
}

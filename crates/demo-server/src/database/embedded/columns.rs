//! The types of result columns, as far as the text of a query determines them.
//!
//! Clients need the types before the query runs. SQLite knows the types of a table's
//! columns. The type of an expression is read from the text: from a cast or a literal.

use pgwire::api::Type;

use super::rewrite::read_type;
use super::token::{Kind, Token};

/// The keywords that end the list of a query's columns.
const AFTER_COLUMNS: [&str; 9] =
    ["FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT"];

/// Returns the type of each result column; `None` where the text does not determine it.
pub(super) fn column_types(told: &[Token<'_>]) -> Vec<Option<Type>> {
    column_lists(told).into_iter().map(column_type).collect()
}

/// Returns the tokens outside all brackets, with their positions.
pub(super) fn outermost<'a, 't>(
    told: &'a [Token<'t>],
) -> impl Iterator<Item = (usize, &'a Token<'t>)> {
    let mut depth = 0_usize;
    told.iter().enumerate().filter(move |(_, token)| match token.kind {
        Kind::Open => {
            depth += 1;
            depth == 1
        }
        Kind::Close => {
            depth = depth.saturating_sub(1);
            depth == 0
        }
        _ => depth == 0,
    })
}

/// Returns the tokens of each result column: those of `RETURNING`, else those of `SELECT`.
fn column_lists<'a, 't>(told: &'a [Token<'t>]) -> Vec<&'a [Token<'t>]> {
    let after = |word| outermost(told).find(|(_, token)| token.is(word)).map(|(at, _)| at + 1);
    let Some(mut start) = after("RETURNING").or_else(|| after("SELECT")) else {
        return Vec::new();
    };
    if told.get(start).is_some_and(|token| token.is("DISTINCT") || token.is("ALL")) {
        start += 1;
    }
    let list = &told[start..];
    let mut columns = Vec::new();
    let mut begin = 0;
    let mut end = list.len();
    for (at, token) in outermost(list) {
        if AFTER_COLUMNS.iter().any(|word| token.is(word)) {
            end = at;
            break;
        }
        if token.is(",") {
            columns.push(&list[begin..at]);
            begin = at + 1;
        }
    }
    columns.push(&list[begin..end]);
    columns
}

/// Returns the type that the text of a column gives it.
fn column_type(column: &[Token<'_>]) -> Option<Type> {
    let cast = outermost(column).filter(|(_, token)| token.kind == Kind::Cast).last();
    if let Some((at, _)) = cast {
        let (kind, length) = read_type(&column[at + 1..])?;
        return is_alias(&column[at + 1 + length..]).then_some(kind);
    }
    let (first, rest) = column.split_first()?;
    let called = rest.first().is_some_and(|token| token.kind == Kind::Open);
    match first.kind {
        Kind::Integer if is_alias(rest) => Some(Type::INT4),
        Kind::Word if called && first.is("count") => Some(Type::INT8),
        Kind::Word if called && first.is("pg_sleep") => Some(Type::VOID),
        Kind::Word if (first.is("true") || first.is("false")) && is_alias(rest) => Some(Type::BOOL),
        _ => None,
    }
}

/// Returns `true` if `rest` is empty or only names the column.
fn is_alias(rest: &[Token<'_>]) -> bool {
    match rest {
        [] => true,
        [name] => name.kind == Kind::Word || name.text.starts_with('"'),
        [word, _] => word.is("AS"),
        _ => false,
    }
}

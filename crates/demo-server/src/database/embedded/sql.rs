//! Translates the SQL of Postgres clients into the SQL of SQLite.
//!
//! Three differences matter to the demo. SQLite writes parameters as `?n`, and clients
//! need their types before the statement runs. SQLite writes the cast `x::type` as
//! `CAST(x AS ..)`; the cast also gives an expression in a result its type. Transactions
//! begin with the write lock, because SQLite refuses to turn a read transaction into a
//! writing one while another writes, which Postgres clients do not expect.

use pgwire::api::Type;
use pgwire::error::PgWireResult;

use super::columns::{column_types, outermost};
use super::rewrite::Rewrite;
use super::token::{Kind, Token, tokens};

/// Commands that have no meaning in SQLite and are answered with success.
const IGNORED: [&str; 6] = ["SET", "RESET", "DISCARD", "DEALLOCATE", "UNLISTEN", "CLOSE"];

/// The way in which a session runs a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Begins a transaction.
    Begin,
    /// Commits the transaction.
    Commit,
    /// Rolls the transaction back.
    Rollback,
    /// Answers with success and does nothing.
    Ignore,
    /// Runs the statement and reports the number of rows in the tag.
    RunCounted,
    /// Runs the statement.
    Run,
}

/// One translated statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) action: Action,
    /// The command tag that the client gets at the end, without the number of rows.
    pub(super) tag: String,
    pub(super) parameters: Vec<Type>,
    /// The types that casts and literals give to the result's columns.
    pub(super) results: Vec<Option<Type>>,
}

/// Translates every statement of the text; a blank text has none.
pub(super) fn statements(sql: &str) -> PgWireResult<Vec<Statement>> {
    tokens(sql)
        .split(|token| token.is(";"))
        .filter(|tokens| tokens.iter().any(|token| token.kind != Kind::Blank))
        .map(translate)
        .collect()
}

fn translate(tokens: &[Token<'_>]) -> PgWireResult<Statement> {
    let told: Vec<Token<'_>> =
        tokens.iter().copied().filter(|token| token.kind != Kind::Blank).collect();
    let (action, tag) = classify(&told);
    let results = column_types(&told);
    let mut rewrite = Rewrite::default();
    rewrite.all(tokens)?;
    let sql = match action {
        Action::Begin if told.windows(2).any(|pair| pair[0].is("READ") && pair[1].is("ONLY")) => {
            "BEGIN".to_owned()
        }
        Action::Begin => "BEGIN IMMEDIATE".to_owned(),
        Action::Commit => "COMMIT".to_owned(),
        Action::Rollback => "ROLLBACK".to_owned(),
        Action::Ignore | Action::RunCounted | Action::Run => rewrite.sql(),
    };
    Ok(Statement { sql, action, tag, parameters: rewrite.parameters, results })
}

/// Returns the statement's action and its command tag.
fn classify(told: &[Token<'_>]) -> (Action, String) {
    let word = |index: usize| {
        told.get(index).map(|token| token.text.to_ascii_uppercase()).unwrap_or_default()
    };
    let (first, second) = (word(0), word(1));
    let named = |action, tag: &str| (action, tag.to_owned());
    match first.as_str() {
        "BEGIN" => named(Action::Begin, "BEGIN"),
        "START" => named(Action::Begin, "START TRANSACTION"),
        "COMMIT" | "END" => named(Action::Commit, "COMMIT"),
        "ROLLBACK" if second == "TO" => named(Action::Run, "ROLLBACK"),
        "ROLLBACK" | "ABORT" => named(Action::Rollback, "ROLLBACK"),
        "CREATE" | "ALTER" | "DROP" => (Action::Run, format!("{first} {second}")),
        ignored if IGNORED.contains(&ignored) => (Action::Ignore, first),
        _ => {
            let verbs = ["SELECT", "VALUES", "INSERT", "UPDATE", "DELETE"];
            let verb = outermost(told)
                .find_map(|(_, token)| verbs.into_iter().find(|verb| token.is(verb)));
            match verb {
                // The zero stands for an object id, which Postgres no longer assigns.
                Some("INSERT") => named(Action::RunCounted, "INSERT 0"),
                Some("VALUES") => named(Action::RunCounted, "SELECT"),
                Some(verb) => named(Action::RunCounted, verb),
                None => (Action::Run, first),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(sql: &str) -> Statement {
        let mut found = statements(sql).unwrap();
        assert_eq!(found.len(), 1, "{sql}");
        found.remove(0)
    }

    fn check(sql: &str, expected: &str) {
        assert_eq!(one(sql).sql, expected);
    }

    fn check_types(sql: &str, parameters: &[Type], results: &[Option<Type>]) {
        let statement = one(sql);
        assert_eq!(statement.parameters, parameters, "{sql}");
        assert_eq!(statement.results, results, "{sql}");
    }

    fn check_kind(sql: &str, action: Action, tag: &str) {
        let statement = one(sql);
        assert_eq!((statement.action, statement.tag.as_str()), (action, tag), "{sql}");
    }

    #[test]
    fn parameters_are_renamed_and_lose_their_cast() {
        check("SELECT $2::bigint + $1 :: text", "SELECT ?2 + ?1");
        check("VALUES ($1::double precision, $2::varchar(9))", "VALUES (?1, ?2)");
    }

    #[test]
    fn cast_takes_the_operand_before_it() {
        check("SELECT a.b::int", "SELECT CAST(a.b AS INTEGER)");
        check("SELECT 1+sum(x * (y))::bigint AS n", "SELECT 1+CAST(sum(x * (y)) AS INTEGER) AS n");
        check("SELECT (a)::text::int", "SELECT CAST(CAST((a) AS TEXT) AS INTEGER)");
        check("SELECT 'a::b'::text", "SELECT CAST('a::b' AS TEXT)");
    }

    #[test]
    fn cast_to_an_unknown_type_is_refused() {
        let error = statements("SELECT 1::money").unwrap_err();
        assert_eq!(error.code(), "42704");
        assert_eq!(statements("SELECT 1::").unwrap_err().code(), "42704");
        assert_eq!(statements("SELECT $0").unwrap_err().code(), "42P02");
    }

    #[test]
    fn types_come_from_casts_literals_and_places() {
        check_types(
            "SELECT 1, 2 AS two, count(*), a::float8 x, b, true FROM t WHERE c = $1 LIMIT $2",
            &[Type::TEXT, Type::INT8],
            &[
                Some(Type::INT4),
                Some(Type::INT4),
                Some(Type::INT8),
                Some(Type::FLOAT8),
                None,
                Some(Type::BOOL),
            ],
        );
        check_types("SELECT pg_sleep($1)", &[Type::FLOAT8], &[Some(Type::VOID)]);
        check_types(
            "WITH x AS (SELECT 1) INSERT INTO t VALUES ($1::int) RETURNING id, n::bigint",
            &[Type::INT4],
            &[None, Some(Type::INT8)],
        );
    }

    #[test]
    fn statements_are_told_apart() {
        check_kind(
            "START TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            Action::Begin,
            "START TRANSACTION",
        );
        check_kind("end", Action::Commit, "COMMIT");
        check_kind("ROLLBACK", Action::Rollback, "ROLLBACK");
        check_kind("ROLLBACK TO sp_1", Action::Run, "ROLLBACK");
        check_kind("create table t (a int)", Action::Run, "CREATE TABLE");
        check_kind("with a as (select 1) update t set b = 1", Action::RunCounted, "UPDATE");
        check_kind("insert into t select 1", Action::RunCounted, "INSERT 0");
        check_kind("DISCARD TEMP", Action::Ignore, "DISCARD");
    }

    #[test]
    fn transactions_take_the_write_lock_unless_they_only_read() {
        check("BEGIN", "BEGIN IMMEDIATE");
        check("START TRANSACTION READ ONLY", "BEGIN");
    }

    #[test]
    fn text_is_split_at_semicolons_outside_of_strings() {
        let found = statements("SELECT ';' ; ; -- nothing; at all\n SELECT 2;").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(statements(" ; /* ; */ ").unwrap(), []);
    }
}

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

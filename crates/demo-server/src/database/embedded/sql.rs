//! From the SQL that Postgres clients write to the SQL that SQLite runs.
//!
//! Three things differ where the demo looks. Parameters are `?n`, and their types must
//! be known before the statement runs. A cast `x::type` is `CAST(x AS ..)`, and is also
//! how an expression in a result gets its type. Transactions begin with the write lock,
//! because SQLite refuses to turn a read transaction into a writing one while another
//! writes, which Postgres clients do not expect.

use pgwire::api::Type;
use pgwire::error::PgWireResult;

use super::failure::refusal;
use super::token::{Kind, Token, tokens};
use super::types::{affinity, type_named};

/// More parameters than the protocol can count are refused.
const MAX_PARAMETERS: usize = 65_535;
/// Commands that mean nothing to SQLite and may be answered with a yes.
const IGNORED: [&str; 6] = ["SET", "RESET", "DISCARD", "DEALLOCATE", "UNLISTEN", "CLOSE"];
/// Words that end the list of a query's columns.
const AFTER_COLUMNS: [&str; 9] =
    ["FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT"];

/// What running a statement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Open a transaction.
    Begin,
    /// Keep what the transaction did.
    Commit,
    /// Forget what the transaction did.
    Rollback,
    /// Say yes.
    Ignore,
    /// Run it and report the number of rows in the tag.
    RunCounted,
    /// Run it.
    Run,
}

/// One translated statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) action: Action,
    /// What the client is told when it is done, without the number of rows.
    pub(super) tag: String,
    pub(super) parameters: Vec<Type>,
    /// The types that casts and literals give to the result's columns.
    pub(super) results: Vec<Option<Type>>,
}

/// Translates every statement of the text; a text of blanks has none.
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
    let results = column_lists(&told).iter().map(|column| column_type(column)).collect();
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

/// What the statement does, and its command tag.
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
                // The zero stands for an object number that Postgres no longer gives.
                Some("INSERT") => named(Action::RunCounted, "INSERT 0"),
                Some("VALUES") => named(Action::RunCounted, "SELECT"),
                Some(verb) => named(Action::RunCounted, verb),
                None => (Action::Run, first),
            }
        }
    }
}

/// The tokens outside all brackets, with their positions.
fn outermost<'a, 't>(told: &'a [Token<'t>]) -> impl Iterator<Item = (usize, &'a Token<'t>)> {
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

/// The columns of the result, as lists of tokens: those of RETURNING, else of SELECT.
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

/// The type that a column's own text gives it.
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

/// Whether nothing but a name for the column follows.
fn is_alias(rest: &[Token<'_>]) -> bool {
    match rest {
        [] => true,
        [name] => name.kind == Kind::Word || name.text.starts_with('"'),
        [word, _] => word.is("AS"),
        _ => false,
    }
}

/// Reads the name of a type, and how many of the tokens it takes.
fn read_type(told: &[Token<'_>]) -> Option<(Type, usize)> {
    let first = told.first().filter(|token| token.kind == Kind::Word)?;
    let second = told.get(1).filter(|token| token.is("precision") || token.is("varying"));
    let (name, mut length) = match second {
        Some(second) => (format!("{} {}", first.text, second.text), 2),
        None => (first.text.to_owned(), 1),
    };
    if told.get(length).is_some_and(|token| token.kind == Kind::Open) {
        length += told[length..].iter().position(|token| token.kind == Kind::Close)? + 1;
    }
    Some((type_named(&name)?, length))
}

/// SQL being written for SQLite.
#[derive(Default)]
struct Rewrite {
    written: Vec<(Kind, String)>,
    parameters: Vec<Type>,
}

impl Rewrite {
    fn all(&mut self, tokens: &[Token<'_>]) -> PgWireResult<()> {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token.kind {
                Kind::Parameter(number) => self.parameter(number)?,
                Kind::Cast => at += self.cast(&tokens[at..])?,
                kind => self.written.push((kind, token.text.to_owned())),
            }
        }
        Ok(())
    }

    /// Writes a parameter, typed by where it stands.
    fn parameter(&mut self, number: usize) -> PgWireResult<()> {
        if !(1..=MAX_PARAMETERS).contains(&number) {
            return Err(refusal("42P02", format!("there is no parameter ${number}")));
        }
        if self.parameters.len() < number {
            self.parameters.resize(number, Type::TEXT);
        }
        let mut before = self.written.iter().rev().filter(|(kind, _)| *kind != Kind::Blank);
        let (last, last_but_one) = (before.next(), before.next());
        let is = |piece: Option<&(Kind, String)>, word: &str| {
            piece.is_some_and(|(_, text)| text.eq_ignore_ascii_case(word))
        };
        if is(last, "LIMIT") || is(last, "OFFSET") {
            self.parameters[number - 1] = Type::INT8;
        } else if is(last, "(") && is(last_but_one, "pg_sleep") {
            self.parameters[number - 1] = Type::FLOAT8;
        }
        self.written.push((Kind::Parameter(number), format!("?{number}")));
        Ok(())
    }

    /// Writes a cast of what was written last; returns how many tokens its type took.
    fn cast(&mut self, after: &[Token<'_>]) -> PgWireResult<usize> {
        let blanks = after.iter().take_while(|token| token.kind == Kind::Blank).count();
        // Blanks within the name of a type: those of `double precision` alone.
        let told: Vec<Token<'_>> =
            after.iter().copied().filter(|token| token.kind != Kind::Blank).take(8).collect();
        let Some((kind, length)) = read_type(&told) else {
            let name = told.first().map_or("", |token| token.text);
            return Err(refusal("42704", format!("type \"{name}\" does not exist")));
        };
        let mut left = length;
        let taken = after[blanks..].iter().position(|token| {
            left -= usize::from(token.kind != Kind::Blank);
            left == 0
        });
        while self.written.pop_if(|(kind, _)| *kind == Kind::Blank).is_some() {}
        if let Some((Kind::Parameter(number), _)) = self.written.last() {
            self.parameters[number - 1] = kind;
        } else {
            self.written.insert(self.start_of_operand(), (Kind::Open, "CAST(".to_owned()));
            self.written.push((Kind::Close, format!(" AS {})", affinity(&kind))));
        }
        Ok(blanks + taken.map_or(0, |position| position + 1))
    }

    /// Where the operand that was written last begins: a call, brackets, or a name.
    fn start_of_operand(&self) -> usize {
        let mut at = self.written.len().saturating_sub(1);
        let kind = |at: usize| self.written.get(at).map(|(kind, _)| *kind);
        if kind(at) == Some(Kind::Close) {
            let mut depth = 1_usize;
            while depth > 0 && at > 0 {
                at -= 1;
                match kind(at) {
                    Some(Kind::Close) => depth += 1,
                    Some(Kind::Open) => depth -= 1,
                    _ => {}
                }
            }
            if at > 0 && kind(at - 1) == Some(Kind::Word) {
                at -= 1;
            }
        }
        while at > 1 && self.written[at - 1].1 == "." {
            at -= 2;
        }
        at
    }

    fn sql(&self) -> String {
        self.written.iter().map(|(_, text)| text.as_str()).collect()
    }
}

#[cfg(test)]
mod tests;

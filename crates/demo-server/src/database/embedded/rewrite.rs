//! Writes the tokens of a statement in SQLite's dialect.
//!
//! Only parameters and casts change: `$1` becomes `?1`, and `x::bigint` becomes
//! `CAST(x AS INTEGER)`. A cast of a parameter only sets its type: `$1::bigint` becomes
//! `?1` of type `bigint`. All other tokens are copied.

use pgwire::api::Type;
use pgwire::error::PgWireResult;

use super::failure::refusal;
use super::token::{Kind, Token};
use super::types::{affinity, type_named};

/// The highest number of a parameter: the protocol counts them in 16 bits.
const MAX_PARAMETERS: usize = 65_535;

/// SQL for SQLite, while it is being written.
#[derive(Debug, Default)]
pub(super) struct Rewrite {
    written: Vec<(Kind, String)>,
    /// The types of the parameters that were written so far.
    pub(super) parameters: Vec<Type>,
}

impl Rewrite {
    /// Writes all tokens of a statement.
    ///
    /// # Errors
    ///
    /// Fails for a type that this server does not have, or a parameter out of range.
    pub(super) fn all(&mut self, tokens: &[Token<'_>]) -> PgWireResult<()> {
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

    /// Writes a parameter; its type is `text` unless the token before it or a cast gives another.
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

    /// Casts the operand that was written last, and returns the number of the type's tokens.
    fn cast(&mut self, after: &[Token<'_>]) -> PgWireResult<usize> {
        let blanks = after.iter().take_while(|token| token.kind == Kind::Blank).count();
        // A type's name may contain a blank, as `double precision` does.
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

    /// Returns the start of the last operand: a call, an expression in brackets, or a name.
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

    /// Returns the SQL that has been written.
    pub(super) fn sql(&self) -> String {
        self.written.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// Reads the name of a type, and returns the type and the number of its tokens.
pub(super) fn read_type(told: &[Token<'_>]) -> Option<(Type, usize)> {
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

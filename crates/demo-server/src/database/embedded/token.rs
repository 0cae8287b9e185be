//! Splits SQL into tokens, as far as the translation needs it.
//!
//! It distinguishes the parts that must stay as they are (strings, quoted names, comments)
//! from those that the translation looks for (parameters, casts, brackets, words). It
//! refuses nothing: SQLite reports the errors of malformed text.

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space or a comment.
    Blank,
    /// A keyword or a plain name.
    Word,
    /// An unsigned number without a fraction.
    Integer,
    /// A string in single quotes.
    Text,
    /// `$n`, holding n.
    Parameter(usize),
    /// `::`.
    Cast,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// Anything else: an operator, a comma, a quoted name, a decimal number.
    Other,
}

/// A piece of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
}

impl Token<'_> {
    /// Returns `true` if the token is this keyword or symbol; letter case is ignored.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Other) && self.text.eq_ignore_ascii_case(word)
    }
}

/// Splits the whole text; the texts of the tokens, joined, are the original text.
pub(super) fn tokens(mut rest: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (kind, length) = measure(first, rest);
        let (text, tail) = rest.split_at(length);
        found.push(Token { kind, text });
        rest = tail;
    }
    found
}

/// Returns the kind and the length in bytes of the first token of `rest`.
fn measure(first: char, rest: &str) -> (Kind, usize) {
    let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    let until = |end: &str| rest[2..].find(end).map_or(rest.len(), |at| 2 + at + end.len());
    match first {
        '(' => (Kind::Open, 1),
        ')' => (Kind::Close, 1),
        '\'' => (Kind::Text, quoted(rest, b'\'')),
        '"' => (Kind::Other, quoted(rest, b'"')),
        _ if rest.starts_with("::") => (Kind::Cast, 2),
        _ if rest.starts_with("--") => (Kind::Blank, until("\n")),
        _ if rest.starts_with("/*") => (Kind::Blank, until("*/")),
        _ if first.is_whitespace() => (Kind::Blank, run(char::is_whitespace)),
        _ if first.is_ascii_digit() => {
            match run(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_') {
                length if rest[..length].bytes().all(|b| b.is_ascii_digit()) => {
                    (Kind::Integer, length)
                }
                length => (Kind::Other, length),
            }
        }
        _ if first.is_alphabetic() || first == '_' => {
            (Kind::Word, run(|c| c.is_alphanumeric() || c == '_'))
        }
        '$' => {
            let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
            match rest[1..=digits].parse() {
                Ok(number) => (Kind::Parameter(number), 1 + digits),
                Err(_) => (Kind::Other, 1),
            }
        }
        _ => (Kind::Other, first.len_utf8()),
    }
}

/// Returns the length of a quoted piece; a doubled quote does not end it.
fn quoted(rest: &str, quote: u8) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &[(Kind, &str)]) {
        let found = tokens(sql);
        let told: Vec<(Kind, &str)> = found
            .iter()
            .filter(|token| token.kind != Kind::Blank)
            .map(|token| (token.kind, token.text))
            .collect();
        assert_eq!(told, expected);
        assert_eq!(found.iter().map(|token| token.text).collect::<String>(), sql);
    }

    #[test]
    fn casts_and_parameters_are_found() {
        check(
            "a.b::int, $12::text",
            &[
                (Kind::Word, "a"),
                (Kind::Other, "."),
                (Kind::Word, "b"),
                (Kind::Cast, "::"),
                (Kind::Word, "int"),
                (Kind::Other, ","),
                (Kind::Parameter(12), "$12"),
                (Kind::Cast, "::"),
                (Kind::Word, "text"),
            ],
        );
    }

    #[test]
    fn strings_names_and_comments_hide_what_is_in_them() {
        check("'$1''::' -- $2\n", &[(Kind::Text, "'$1''::'")]);
        check("\"a;\"\"b\"/* $3; */", &[(Kind::Other, "\"a;\"\"b\"")]);
    }

    #[test]
    fn unfinished_text_reaches_to_the_end() {
        check("'ä", &[(Kind::Text, "'ä")]);
        check("1 /* never", &[(Kind::Integer, "1")]);
        check("$ 1.5e3 é", &[(Kind::Other, "$"), (Kind::Other, "1.5e3"), (Kind::Word, "é")]);
    }
}

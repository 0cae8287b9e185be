//! Matchers: which series of a metric a query returns, in the syntax of Prometheus.

use std::str::FromStr;

use node0_metrics_core::Labels;

/// Conditions on labels, such as `{pool="main",state!="idle"}`; all must hold.
///
/// The syntax is that of a [selector of Prometheus](https://prometheus.io/docs/prometheus/latest/querying/basics/#instant-vector-selectors),
/// with the operators `=` and `!=`, and without regular expressions. As there, a label that a series
/// does not have is the empty string. The braces may be left out.
///
/// ```
/// use node0_history::Matchers;
/// use node0_metrics_core::Labels;
///
/// let idle = Labels::new([("pool", "main"), ("state", "idle")]);
/// assert!("{pool=\"main\"}".parse::<Matchers>()?.matches(&idle));
/// assert!(!"{state!=\"idle\"}".parse::<Matchers>()?.matches(&idle));
/// assert!("{region=\"\"}".parse::<Matchers>()?.matches(&idle));
/// # Ok::<(), node0_history::MatcherError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matchers(Vec<Matcher>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Matcher {
    key: String,
    value: String,
    is_equal: bool,
}

/// A text that is no list of matchers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at character {at}: write matchers as {{pool=\"main\",state!=\"idle\"}}")]
pub struct MatcherError {
    /// The character at which the text breaks the rule, the first being 1.
    pub at: usize,
    /// The rule.
    rule: &'static str,
}

impl Matchers {
    /// Creates matchers that every series passes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the condition that a label has this value.
    #[must_use]
    pub fn equal(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push(Matcher { key: key.into(), value: value.into(), is_equal: true });
        self
    }

    /// Adds the condition that a label has another value.
    #[must_use]
    pub fn not_equal(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push(Matcher { key: key.into(), value: value.into(), is_equal: false });
        self
    }

    /// Returns `true` if all conditions hold.
    pub fn matches(&self, labels: &Labels) -> bool {
        let holds = |matcher: &Matcher| {
            (labels.get(&matcher.key).unwrap_or_default() == matcher.value) == matcher.is_equal
        };
        self.0.iter().all(holds)
    }
}

impl FromStr for Matchers {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, MatcherError> {
        let mut cursor = Cursor { rest: text, len: text.chars().count() };
        let is_braced = cursor.take("{");
        let mut matchers = Vec::new();
        while !cursor.is_at_end(is_braced) {
            if !matchers.is_empty() {
                cursor.expect(",", "a comma is missing")?;
                // A comma may end the list.
                if cursor.is_at_end(is_braced) {
                    break;
                }
            }
            matchers.push(cursor.matcher()?);
        }
        if is_braced {
            cursor.expect("}", "the closing brace is missing")?;
        }
        if !cursor.is_at_end(false) {
            return cursor.fail("nothing may follow the closing brace");
        }
        Ok(Self(matchers))
    }
}

/// The rest of a text that is parsed.
struct Cursor<'a> {
    rest: &'a str,
    /// The number of characters of the whole text.
    len: usize,
}

impl Cursor<'_> {
    fn fail<T>(&self, rule: &'static str) -> Result<T, MatcherError> {
        Err(MatcherError { at: self.len - self.rest.chars().count() + 1, rule })
    }

    /// Skips a token, and returns `false` if something else follows.
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str, rule: &'static str) -> Result<(), MatcherError> {
        if self.take(token) { Ok(()) } else { self.fail(rule) }
    }

    fn is_at_end(&mut self, is_braced: bool) -> bool {
        self.rest = self.rest.trim_start();
        if is_braced { self.rest.starts_with('}') } else { self.rest.is_empty() }
    }

    fn matcher(&mut self) -> Result<Matcher, MatcherError> {
        self.rest = self.rest.trim_start();
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (key, rest) =
            self.rest.split_at(self.rest.find(|c| !is_key(c)).unwrap_or(self.rest.len()));
        if key.is_empty() {
            return self.fail("the name of a label is missing");
        }
        let key = key.to_owned();
        self.rest = rest;
        if self.take("=~") || self.take("!~") {
            return self.fail("regular expressions are not supported");
        }
        let is_equal = if self.take("!=") {
            false
        } else {
            self.expect("=", "`=` or `!=` is missing")?;
            true
        };
        Ok(Matcher { key, value: self.quoted()?, is_equal })
    }

    /// Parses a value in double quotes, in which a backslash escapes `"`, `\` and `n`.
    fn quoted(&mut self) -> Result<String, MatcherError> {
        self.expect("\"", "the opening quote of a value is missing")?;
        let mut value = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => match chars.next() {
                    Some('n') => value.push('\n'),
                    Some(escaped @ ('"' | '\\')) => value.push(escaped),
                    _ => return self.fail("a value has an unknown escape"),
                },
                Some(other) => value.push(other),
                None => return self.fail("the closing quote of a value is missing"),
            }
        }
        self.rest = chars.as_str();
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_prometheus_reads_it() {
        let both = Matchers::new().equal("a", "x").not_equal("b", "y, \"z\"\n\\");
        for text in [
            r#"{a="x",b!="y, \"z\"\n\\"}"#,
            r#" { a = "x" , b != "y, \"z\"\n\\" , } "#,
            r#"a="x",b!="y, \"z\"\n\\""#,
        ] {
            assert_eq!(text.parse(), Ok(both.clone()), "{text}");
        }
        assert_eq!("{}".parse(), Ok(Matchers::new()));
        assert_eq!("".parse(), Ok(Matchers::new()));
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let check = |text: &str, at: usize, rule: &str| {
            let error = text.parse::<Matchers>().expect_err(text);
            assert_eq!((error.at, error.rule), (at, rule), "{text}");
            assert!(error.to_string().contains("write matchers as {pool="), "{error}");
        };
        check("{", 2, "the name of a label is missing");
        check("{a=\"x\"", 7, "a comma is missing");
        check("a=\"x\" b=\"y\"", 7, "a comma is missing");
        check("=\"x\"", 1, "the name of a label is missing");
        check("é=\"x\"", 1, "the name of a label is missing");
        check("a", 2, "`=` or `!=` is missing");
        check("a>\"x\"", 2, "`=` or `!=` is missing");
        check("a=~\"x.*\"", 4, "regular expressions are not supported");
        check("a=x", 3, "the opening quote of a value is missing");
        check("a=\"é", 4, "the closing quote of a value is missing");
        check("a=\"\\t\"", 4, "a value has an unknown escape");
        check("{a=\"x\"}}", 8, "nothing may follow the closing brace");
    }
}

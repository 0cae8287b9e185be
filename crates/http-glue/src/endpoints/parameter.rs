//! A parameter, declared once for both the handler that reads it and the OpenAPI description.

/// A parameter of an endpoint.
///
/// Declare it as a constant: the description of the endpoint lists it, and
/// [`Query`](crate::Query) reads and checks the value by the same constant:
///
/// ```
/// use node0_http_glue::{Parameter, Query};
///
/// const STATE: Parameter =
///     Parameter::words("state", "Lists only jobs in this state.", &["waiting", "done"]);
///
/// let uri = "/jobs?state=done".parse().expect("a URI");
/// assert_eq!(Query::of(&uri).text(&STATE), Ok(Some("done".to_owned())));
/// let uri = "/jobs?state=lost".parse().expect("a URI");
/// assert!(Query::of(&uri).text(&STATE).is_err());
/// ```
///
/// If the endpoint's path contains the name in braces (`/jobs/{id}`), the parameter
/// is part of the path, else of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    name: &'static str,
    text: &'static str,
    words: &'static [&'static str],
    form: Option<&'static str>,
    max_bytes: usize,
    is_required: bool,
}

/// The usual maximum length of a value, which is that of a label value in the registry.
const MAX_BYTES: usize = 256;

impl Parameter {
    /// Describes a parameter that may have any value.
    pub const fn text(name: &'static str, text: &'static str) -> Self {
        Self::words(name, text, &[])
    }

    /// Describes a parameter whose value is one of `words`.
    pub const fn words(
        name: &'static str,
        text: &'static str,
        words: &'static [&'static str],
    ) -> Self {
        Self { name, text, words, form: None, max_bytes: MAX_BYTES, is_required: false }
    }

    /// Describes a parameter whose value is `true` or `false`.
    pub const fn flag(name: &'static str, text: &'static str) -> Self {
        Self::words(name, text, &["true", "false"])
    }

    /// Tells the form of good values, as a regular expression of ECMA-262; by default there is none.
    ///
    /// It is part of the OpenAPI description alone. The endpoint answers a 400 to what it cannot read.
    #[must_use]
    pub const fn of_form(mut self, form: &'static str) -> Self {
        self.form = Some(form);
        self
    }

    /// Allows values of up to so many bytes; 256 by default, as label values have.
    #[must_use]
    pub const fn of_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Makes requests without the parameter fail with a 400; by default it may be absent.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Returns the name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the sentence that says what the parameter does.
    pub const fn description(&self) -> &'static str {
        self.text
    }

    /// Returns the allowed values; empty if any value is allowed.
    pub const fn allowed(&self) -> &'static [&'static str] {
        self.words
    }

    /// Returns the regular expression of good values, if there is one.
    pub const fn form(&self) -> Option<&'static str> {
        self.form
    }

    /// Returns the maximum length of a value, in bytes.
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Returns `true` if a request must have the parameter.
    pub const fn is_required(&self) -> bool {
        self.is_required
    }
}

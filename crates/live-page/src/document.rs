//! The document of the page, with what it has to know of the service.

/// What the document says about the service.
///
/// All addresses are relative to the document's own.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The name of the service; by default empty, and then the page shows the host of its address.
    pub title: &'a str,
    /// The path from the document's folder to the root of the endpoints: empty, or `../` once or
    /// more.
    pub root: &'a str,
    /// The path of the stream from that root; `None` if the service has no stream, which the page
    /// then says.
    pub stream: Option<&'a str>,
    /// `true` if the service has a history.
    pub has_history: bool,
}

impl Default for Document<'_> {
    fn default() -> Self {
        Self { title: "", root: "", stream: Some("metrics/stream"), has_history: true }
    }
}

/// Fills in the template of the document.
pub(crate) fn fill(template: &str, version: &str, document: &Document<'_>) -> String {
    let Document { title, root, stream, has_history } = document;
    let history = if *has_history { "metrics/history" } else { "" };
    let values = [
        ("{{version}}", version),
        ("{{title}}", title),
        ("{{root}}", root),
        ("{{stream}}", stream.unwrap_or_default()),
        ("{{history}}", history),
    ];
    let fill = |text: String, (name, value): (&str, &str)| text.replace(name, &escape(value));
    values.into_iter().fold(template.to_owned(), fill)
}

/// Escapes text for HTML, also within quotes. A brace is escaped too, so that no value can contain
/// the name of another.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '{' => escaped.push_str("&#123;"),
            other => escaped.push(other),
        }
    }
    escaped
}

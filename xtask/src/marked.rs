//! Replaces the generated parts of documents that people write.
//!
//! A generated part is between a line `<!-- name -->` and a line `<!-- /name -->`. The
//! rest of the document is never changed.

use anyhow::{Context as _, Result};

/// Returns `document` with `content` between the markers of `name`.
pub(crate) fn replace(document: &str, name: &str, content: &str) -> Result<String> {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    let missing = |marker: &str| format!("the marker line `{}` is missing", marker.trim_end());
    let (before, rest) = document.split_once(&open).with_context(|| missing(&open))?;
    let (_, after) = rest.split_once(&close).with_context(|| missing(&close))?;
    Ok(format!("{before}{open}{content}{close}{after}"))
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn only_what_lies_between_the_markers_changes() {
        let document = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        let replaced = replace(document, "x", "new\n").expect("both markers are there");
        assert_eq!(replaced, "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n");
        assert_eq!(replace(&replaced, "x", "new\n").expect("again"), replaced);
    }

    #[test]
    fn missing_marker_is_named() {
        let error = replace("a\n<!-- x -->\n", "x", "").expect_err("no closing marker");
        assert!(error.to_string().contains("<!-- /x -->"));
    }
}

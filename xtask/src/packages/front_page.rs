//! Makes a README of the front page of a library: its beginning, up to the first heading.
//!
//! The example in it is one that is tested, and a registry shows the same words as docs.rs.

/// Returns the README of a package whose library begins with these lines.
pub(super) fn readme(package: &str, library: &str) -> String {
    format!(
        "# {package}\n\n{}\n\n\
         [All of its documentation](https://docs.rs/{package}). The crate is a part of\n\
         [node0](https://github.com/node0-rs/node0), performance monitoring that lives inside Rust\n\
         services.\n\n\
         MIT or Apache-2.0, at your choice.\n",
        beginning(library).trim()
    )
}

/// Returns the front page up to its first heading, as a reader of docs.rs sees it.
fn beginning(library: &str) -> String {
    let mut text = String::new();
    let mut is_code = false;
    for line in library.lines().map_while(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if let Some(kind) = line.strip_prefix("```") {
            is_code = !is_code;
            let is_rust = is_code && matches!(kind, "" | "no_run" | "ignore");
            text.push_str(if is_rust { "```rust" } else { line });
        } else if is_code {
            let is_hidden = line == "#" || line.starts_with("# ");
            if is_hidden {
                continue;
            }
            text.push_str(line);
        } else if line.starts_with("# ") {
            break;
        } else {
            text.push_str(&without_links_to_items(line));
        }
        text.push('\n');
    }
    text
}

/// Returns a line whose links to items, which only rustdoc understands, are plain text.
///
/// A link stays if its target is an address. A link begins and ends in one line.
fn without_links_to_items(line: &str) -> String {
    let Some((before, rest)) = line.split_once('[') else { return line.to_owned() };
    let Some((text, after)) = rest.split_once(']') else { return line.to_owned() };
    let target = after.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (link, after) = match target {
        Some((target, after)) if target.contains("://") => (format!("[{text}]({target})"), after),
        Some((_, after)) => (text.to_owned(), after),
        None => (text.to_owned(), after),
    };
    format!("{before}{link}{}", without_links_to_items(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(library: &str, expected: &str) {
        assert_eq!(beginning(library), expected);
    }

    #[test]
    fn page_ends_before_its_first_heading() {
        check("//! Watches locks.\n//!\n//! # Metrics\n//! None.\n", "Watches locks.\n\n");
        check("//! Watches locks.\n\nmod lock;\n//! More.\n", "Watches locks.\n");
    }

    #[test]
    fn example_is_marked_as_rust_and_has_no_hidden_lines() {
        check(
            "//! ```\n//! # fn main() {\n//! #[expect(unused)]\n//! let a = b[0];\n//! #\n//! # }\n//! ```\n",
            "```rust\n#[expect(unused)]\nlet a = b[0];\n```\n",
        );
        check(
            "//! ```no_run\n//! ```\n//! ```toml\n//! # x\n//! ```\n",
            "```rust\n```\n```toml\n```\n",
        );
    }

    #[test]
    fn links_to_items_become_text_and_addresses_stay() {
        check(
            "//! A [`Lock`] in a [pool](crate::Pool::new), [at](https://a.b).\n",
            "A `Lock` in a pool, [at](https://a.b).\n",
        );
    }

    #[test]
    fn readme_has_the_name_and_where_to_go() {
        let readme = readme("node0-lock-monitor", "//! Watches locks.\n");
        assert!(readme.starts_with("# node0-lock-monitor\n\nWatches locks.\n\n["), "{readme}");
        assert!(readme.contains("https://docs.rs/node0-lock-monitor"), "{readme}");
    }
}

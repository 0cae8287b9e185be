//! Reads Rust sources: their sizes, and the names and files that they use.
//!
//! Tests are counted apart. A module is a test if the `cfg` condition of each of its
//! declarations says so, as for the compiler; its file name does not matter. So the sources
//! are parsed. Functions inside macro calls are not counted.

mod contents;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use self::contents::Contents;
use crate::tokens;
use crate::workspace::Workspace;

/// A source file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path, relative to the root of the workspace.
    pub(crate) path: String,
    /// The number of all lines: code, comments, blank lines and tests.
    pub(crate) lines: usize,
    /// The number of lines without tests; zero for a file of tests, examples or benches.
    ///
    /// A module counts as a test if it requires `cfg(test)`, or `cfg(loom)` for a model.
    pub(crate) shipped_lines: usize,
    /// The functions that are not in tests.
    pub(crate) functions: Vec<Function>,
    /// The names that begin a path in code that is not in tests: crates, modules, types.
    pub(crate) names: BTreeSet<String>,
    /// The construct, if any, by which the file takes code from a file of any place.
    pub(crate) redirect: Option<&'static str>,
}

/// A function or method with a body.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The number of lines from `fn` to the closing brace, without documentation and attributes.
    pub(crate) lines: usize,
}

impl Source {
    /// Reads all sources below a folder, whose path is relative to the root.
    pub(crate) fn read_all(workspace: &Workspace, folder: &str) -> Result<Vec<Self>> {
        let mut sources = Vec::new();
        let (mut test_modules, mut shipped_modules) = (BTreeSet::new(), BTreeSet::new());
        for path in workspace.rust_sources(folder)? {
            let text = workspace.read(&path)?;
            let mut source = Self::of_tests(&path, &text);
            if path.contains("/src/") || workspace.is_build_script(&path) {
                let contents = source.measure(&text);
                let contents = contents.with_context(|| format!("cannot parse {path}"))?;
                let home = home_of_modules(&path);
                let path_of = |module: &String| format!("{home}/{module}");
                test_modules.extend(contents.test_modules.iter().map(path_of));
                shipped_modules.extend(contents.shipped_modules.iter().map(path_of));
            }
            sources.push(source);
        }
        let is_test = |path: &str| test_modules.contains(path) && !shipped_modules.contains(path);
        for source in &mut sources {
            let path = source.path.trim_end_matches(".rs");
            // A module inside a test module is a test too.
            let mut modules = path.match_indices('/').map(|(end, _)| &path[..end]);
            if is_test(path) || modules.any(is_test) {
                source.shipped_lines = 0;
                source.functions.clear();
                source.names.clear();
            }
        }
        Ok(sources)
    }

    /// Returns a file of which only the lines count.
    fn of_tests(path: &str, text: &str) -> Self {
        let (functions, names) = (Vec::new(), BTreeSet::new());
        let (path, lines) = (path.to_owned(), text.lines().count());
        Self { path, lines, shipped_lines: 0, functions, names, redirect: None }
    }

    /// Measures a file that users build, and returns the modules that it declares.
    fn measure(&mut self, text: &str) -> syn::Result<Contents> {
        let mut contents = Contents::of(text)?;
        self.shipped_lines = self.lines - contents.test_lines;
        self.functions = std::mem::take(&mut contents.functions);
        self.names = names(&tokens::shipped(text)?);
        self.redirect = redirect(&tokens::all(text)?);
        Ok(contents)
    }

    /// Returns `true` if users build the file, so that it is not only tests.
    pub(crate) fn is_shipped(&self) -> bool {
        self.shipped_lines > 0
    }
}

/// Returns the folder that contains the modules that a file declares.
fn home_of_modules(path: &str) -> &str {
    let is_root = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
    let end = if is_root { path.rfind('/') } else { path.rfind(".rs") };
    end.map_or(path, |end| &path[..end])
}

/// The keywords before a path; `crate`, `self` and `super` are parts of one.
const KEYWORDS: &[&str] = &["as", "dyn", "for", "impl", "in", "mut", "return", "use", "where"];

/// Returns the names that begin a path, such as `serde` in `serde::Serialize`.
fn names(tokens: &[String]) -> BTreeSet<String> {
    let token = |at: usize| tokens.get(at).map_or("", String::as_str);
    let is_separator = |at: usize| (token(at), token(at + 1)) == (":", ":");
    // After a keyword, `::` begins a path, as in `use ::serde::Serialize`.
    let is_name = |text: &str| {
        text.starts_with(|it: char| it.is_alphabetic() || it == '_') && !KEYWORDS.contains(&text)
    };
    let begins_path = |at: &usize| {
        let at = *at;
        let is_inside = at >= 3 && is_separator(at - 2) && is_name(token(at - 3));
        let is_used_whole = at > 0 && token(at - 1) == "use";
        is_name(token(at)) && (is_used_whole || (is_separator(at + 1) && !is_inside))
    };
    (0..tokens.len()).filter(begins_path).map(|at| tokens[at].clone()).collect()
}

/// Returns the first construct that takes code from a file of any place.
fn redirect(tokens: &[String]) -> Option<&'static str> {
    tokens.windows(4).find_map(|window| match [0, 1, 2, 3].map(|at| window[at].as_str()) {
        ["[" | ",", "path", "=", text] if text.contains('"') => Some("#[path]"),
        ["include", "!", "(" | "[" | "{", _] => Some("include!"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the sources of a crate `one` with these files.
    fn sources(files: &[(&str, &str)]) -> Vec<Source> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        for (path, text) in files {
            workspace.write(&format!("one/{path}"), text).expect("a file");
        }
        Source::read_all(&workspace, "one").expect("sources")
    }

    /// Returns the paths of the files that are not tests.
    fn shipped(sources: &[Source]) -> Vec<&str> {
        let shipped = sources.iter().filter(|it| it.is_shipped());
        shipped.map(|it| it.path.trim_start_matches("one/")).collect()
    }

    #[test]
    fn files_of_test_modules_are_not_shipped() {
        let sources = sources(&[
            ("src/lib.rs", "mod kept;\n#[cfg(test)]\nmod models;\n"),
            ("src/kept.rs", "fn x() {}\n#[cfg(test)]\nmod tests;\n"),
            ("src/kept/tests.rs", "mod below;\nfn x() {}\n"),
            ("src/kept/tests/below.rs", "fn x() {}\n"),
            ("src/models.rs", "fn x() {}\n"),
            ("src/models_kept.rs", "fn x() {}\n"),
            ("tests/it.rs", "fn x() {}\n"),
        ]);
        assert_eq!(shipped(&sources), ["src/kept.rs", "src/lib.rs", "src/models_kept.rs"]);
        assert_eq!(sources.iter().map(|it| it.functions.len()).sum::<usize>(), 2);
        assert_eq!(sources.iter().map(|it| it.lines).sum::<usize>(), 12);
    }

    #[test]
    fn module_is_a_test_only_if_each_declaration_is() {
        let twice = "#[cfg(test)]\nmod clock;\n#[cfg(not(test))]\nmod clock;\n";
        let text = format!("{twice}mod inner {{\n#[cfg(test)]\nmod tests;\n}}\nmod tests;\n");
        let sources = sources(&[
            ("src/lib.rs", &text),
            ("src/clock.rs", "fn x() {}\n"),
            ("src/inner/tests.rs", "fn x() {}\n"),
            ("src/tests.rs", "fn x() {}\n"),
        ]);
        assert_eq!(shipped(&sources), ["src/clock.rs", "src/lib.rs", "src/tests.rs"]);
    }

    #[test]
    fn build_script_is_measured_and_a_test_of_that_name_is_not() {
        let sources = sources(&[
            ("Cargo.toml", ""),
            ("build.rs", "fn x() {}\n"),
            ("tests/build.rs", "fn x() {}\n"),
        ]);
        assert_eq!(shipped(&sources), ["build.rs"]);
    }

    #[test]
    fn names_that_begin_a_path_are_collected() {
        let text = "use ::serde::Serialize;\nuse http as web;\n/// tokio::spawn\n\
                    #[derive(thiserror::Error)]\nstruct A(::bytes::Bytes);\n\
                    fn f() { x! { axum::get(crate::metrics::Y) } }\n\
                    #[cfg(test)]\nmod tests { use serde_json::Value; }\n";
        let names = names(&tokens::shipped(text).expect("tokens"));
        assert!(names.iter().eq(["axum", "bytes", "crate", "http", "serde", "thiserror"]));
    }

    #[test]
    fn code_from_files_of_any_place_is_seen() {
        let redirect = |text| redirect(&tokens::all(text).expect("tokens"));
        assert_eq!(redirect("#[path = \"../b.rs\"]\nmod b;\n"), Some("#[path]"));
        assert_eq!(redirect("#[cfg_attr(unix, path = \"b.rs\")]\nmod b;\n"), Some("#[path]"));
        assert_eq!(redirect("fn f() { x!(include!(\"a.rs\")) }\n"), Some("include!"));
        assert_eq!(redirect("/// include!(\"a\")\nconst A: &str = include_str!(\"a\");\n"), None);
        assert_eq!(redirect("fn f(path: u8) { g(2, path == 1) }\n"), None);
    }
}

//! Counts the lines of Rust sources and of each function in them.
//!
//! Tests are counted apart. A module is a test if its `cfg` condition says so, as for the
//! compiler; its file name does not matter. So the sources are parsed. Functions inside
//! macro calls are not counted.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItemFn, ItemFn, ItemMod, Meta, Signature, Token, TraitItemFn};

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
        let mut test_modules = BTreeSet::new();
        for path in workspace.rust_sources(folder)? {
            let text = workspace.read(&path)?;
            let mut contents = Contents::default();
            let mut shipped_lines = 0;
            if path.contains("/src/") {
                contents = Contents::of(&text).with_context(|| format!("cannot parse {path}"))?;
                shipped_lines = text.lines().count() - contents.test_lines;
                let names = contents.test_modules.iter();
                test_modules.extend(names.map(|name| format!("{}/{name}", home_of_modules(&path))));
            }
            let (lines, functions) = (text.lines().count(), contents.functions);
            sources.push(Self { path, lines, shipped_lines, functions });
        }
        for source in &mut sources {
            let path = source.path.trim_end_matches(".rs");
            // A module inside a test module is a test too.
            let mut modules = path.match_indices('/').map(|(end, _)| &path[..end]);
            if test_modules.contains(path) || modules.any(|it| test_modules.contains(it)) {
                source.shipped_lines = 0;
                source.functions.clear();
            }
        }
        Ok(sources)
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

/// The parts of a file that are measured.
#[derive(Debug, Default)]
struct Contents {
    functions: Vec<Function>,
    /// The number of lines of test modules inside the file.
    test_lines: usize,
    /// The test modules that have files of their own.
    test_modules: Vec<String>,
}

impl Contents {
    fn of(text: &str) -> syn::Result<Self> {
        let mut contents = Self::default();
        contents.visit_file(&syn::parse_file(text)?);
        Ok(contents)
    }

    fn add(&mut self, signature: &Signature, body: &Block) {
        let lines = lines(signature.fn_token.span, body.brace_token.span.close());
        self.functions.push(Function { name: signature.ident.to_string(), lines });
    }
}

impl<'ast> Visit<'ast> for Contents {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        match (&module.content, module.attrs.first()) {
            (content, Some(first)) if module.attrs.iter().any(is_for_tests) => match content {
                Some((braces, _)) => {
                    self.test_lines += lines(first.pound_token.span, braces.span.close());
                }
                None => self.test_modules.push(module.ident.to_string()),
            },
            _ => visit::visit_item_mod(self, module),
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// Counts the lines from the start of one token to the end of another.
fn lines(from: Span, to: Span) -> usize {
    to.end().line - from.start().line + 1
}

/// Returns `true` if an attribute excludes its item from every user's build.
fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args().is_ok_and(|condition| needs_tests(&condition))
}

fn needs_tests(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test") || path.is_ident("loom"),
        Meta::List(list) if list.path.is_ident("all") => {
            let conditions = list.parse_args_with(Punctuated::<_, Token![,]>::parse_terminated);
            conditions.is_ok_and(|it| it.iter().any(needs_tests))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, lines: usize) -> Function {
        Function { name: name.to_owned(), lines }
    }

    #[test]
    fn functions_of_all_kinds_are_measured_from_their_signature() {
        let text = "/// Documentation.\n#[inline]\npub fn free(\n    x: u8,\n) {\n    fn inner() {}\n}\n\
                    impl X {\n    const fn method() {\n    }\n}\n\
                    trait Y {\n    fn required();\n    fn provided() {\n    }\n}\n";
        let contents = Contents::of(text).expect("a file");
        let expected = [
            function("free", 5),
            function("inner", 1),
            function("method", 2),
            function("provided", 2),
        ];
        assert_eq!(contents.functions, expected);
    }

    #[test]
    fn modules_of_tests_are_told_by_their_condition() {
        for condition in ["test", "loom", "all(test, not(loom))", "all(unix, all(test))"] {
            let text = format!(
                "#[cfg({condition})]\nmod a {{\n    fn x() {{}}\n}}\n#[cfg({condition})]\nmod b;\n"
            );
            let contents = Contents::of(&text).expect("a file");
            assert_eq!((contents.test_lines, contents.functions.len()), (4, 0), "{condition}");
            assert_eq!(contents.test_modules, ["b"], "{condition}");
        }
        for condition in ["not(test)", "any(test, unix)", "feature = \"test\"", "all(not(loom))"] {
            let text = format!(
                "#[cfg({condition})]\nmod a {{ fn x() {{}} }}\n#[cfg({condition})]\nmod b;\n"
            );
            let contents = Contents::of(&text).expect("a file");
            assert_eq!((contents.test_lines, contents.functions.len()), (0, 1), "{condition}");
            assert!(contents.test_modules.is_empty(), "{condition}");
        }
    }

    #[test]
    fn files_of_test_modules_are_not_shipped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::at(folder.path());
        let files = [
            ("src/lib.rs", "mod kept;\n#[cfg(test)]\nmod models;\n"),
            ("src/kept.rs", "fn x() {}\n#[cfg(test)]\nmod tests;\n"),
            ("src/kept/tests.rs", "mod below;\nfn x() {}\n"),
            ("src/kept/tests/below.rs", "fn x() {}\n"),
            ("src/models.rs", "fn x() {}\n"),
            ("src/models_kept.rs", "fn x() {}\n"),
            ("tests/it.rs", "fn x() {}\n"),
        ];
        for (path, text) in files {
            workspace.write(&format!("one/{path}"), text).expect("a file");
        }
        let sources = Source::read_all(&workspace, "one").expect("sources");
        let shipped = sources.iter().filter(|it| it.is_shipped()).map(|it| it.path.as_str());
        let kept = ["one/src/kept.rs", "one/src/lib.rs", "one/src/models_kept.rs"];
        assert_eq!(shipped.collect::<Vec<_>>(), kept);
        assert_eq!(sources.iter().map(|it| it.functions.len()).sum::<usize>(), 2);
        assert_eq!(sources.iter().map(|it| it.lines).sum::<usize>(), 12);
    }
}

//! The parts of a source file that are measured.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, ItemMod, Signature, TraitItemFn};

use super::Function;
use crate::tokens;

/// The parts of a file that are measured.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The functions that are not in test modules.
    pub(super) functions: Vec<Function>,
    /// The number of lines of test modules inside the file.
    pub(super) test_lines: usize,
    /// The test modules that the file declares, as paths such as `outer/inner`.
    pub(super) test_modules: Vec<String>,
    /// The other modules that the file declares and that have files of their own.
    pub(super) shipped_modules: Vec<String>,
    /// The modules around the item that is visited.
    around: Vec<String>,
}

impl Contents {
    pub(super) fn of(text: &str) -> syn::Result<Self> {
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
        self.around.push(module.ident.to_string());
        let path = self.around.join("/");
        match (&module.content, module.attrs.first()) {
            (content, Some(first))
                if module.attrs.iter().any(|it| tokens::is_for_tests(&it.meta)) =>
            {
                if let Some((braces, _)) = content {
                    self.test_lines += lines(first.pound_token.span, braces.span.close());
                }
                self.test_modules.push(path);
            }
            (None, _) => self.shipped_modules.push(path),
            _ => visit::visit_item_mod(self, module),
        }
        self.around.pop();
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
            assert_eq!(contents.test_modules, ["a", "b"], "{condition}");
        }
        for condition in ["not(test)", "any(test, unix)", "feature = \"test\"", "all(not(loom))"] {
            let text = format!(
                "#[cfg({condition})]\nmod a {{ fn x() {{}} }}\n#[cfg({condition})]\nmod b;\n"
            );
            let contents = Contents::of(&text).expect("a file");
            assert_eq!((contents.test_lines, contents.functions.len()), (0, 1), "{condition}");
            assert!(contents.test_modules.is_empty(), "{condition}");
            assert_eq!(contents.shipped_modules, ["b"], "{condition}");
        }
    }

    #[test]
    fn modules_have_the_path_of_the_modules_around_them() {
        let text =
            "mod a {\n    mod b {\n        #[cfg(test)]\n        mod c;\n    }\n    mod d;\n}\n";
        let contents = Contents::of(text).expect("a file");
        assert_eq!(contents.test_modules, ["a/b/c"]);
        assert_eq!(contents.shipped_modules, ["a/d"]);
    }
}

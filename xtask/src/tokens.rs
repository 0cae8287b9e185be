//! Reads Rust sources as a flat list of tokens.
//!
//! Some rules must hold inside macro calls too, which syntax trees do not show: `descs!`
//! contains descriptions, and `tokio::select!` names a crate. In a list of tokens, a comment
//! or a string can never be taken for code, as it can in plain text.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::{Meta, Token};

/// Returns all tokens of a source; brackets are tokens, and `::` is two of them.
pub(crate) fn all(text: &str) -> syn::Result<Vec<String>> {
    let mut flat = Vec::new();
    flatten(syn::parse_str(text)?, |_| false, &mut flat);
    Ok(flat)
}

/// Returns the tokens of a source without the items that only tests or models build.
pub(crate) fn shipped(text: &str) -> syn::Result<Vec<String>> {
    let mut flat = Vec::new();
    flatten(syn::parse_str(text)?, is_for_tests, &mut flat);
    Ok(flat)
}

/// Appends the tokens of a stream, without the items that have an attribute to leave out.
fn flatten(stream: TokenStream, is_left_out: fn(&Meta) -> bool, flat: &mut Vec<String>) {
    let mut is_in_item = false;
    for tree in stream {
        let brackets = match &tree {
            TokenTree::Group(group) => Some((group.delimiter(), group.stream())),
            _ => None,
        };
        match brackets {
            // An item ends with its body or, if it has none, with a semicolon.
            _ if is_in_item => {
                let is_body = matches!(brackets, Some((Delimiter::Brace, _)));
                is_in_item = !is_body && tree.to_string() != ";";
            }
            Some((Delimiter::Bracket, attribute))
                if flat.last().is_some_and(|last| last == "#")
                    && syn::parse2(attribute.clone()).is_ok_and(|it| is_left_out(&it)) =>
            {
                flat.pop();
                is_in_item = true;
            }
            Some((delimiter, content)) => {
                let (open, close) = match delimiter {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                flat.push(open.to_owned());
                flatten(content, is_left_out, flat);
                flat.push(close.to_owned());
            }
            None => flat.push(tree.to_string()),
        }
    }
}

/// Returns `true` if an attribute excludes its item from every user's build.
pub(crate) fn is_for_tests(attribute: &Meta) -> bool {
    match attribute {
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args().is_ok_and(|condition| needs_tests(&condition))
        }
        _ => false,
    }
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

    #[test]
    fn items_of_tests_are_left_out_and_macro_calls_are_not() {
        let text = "#[cfg(test)]\n#[derive(Debug)]\nstruct A { a: u8 }\n// b\n\
                    #[cfg(all(test, unix))]\nuse c::d;\nx! { \"e\" }\n#[cfg(not(test))]\nf\n";
        let expected = "x ! { \"e\" } # [ cfg ( not ( test ) ) ] f";
        assert_eq!(shipped(text).expect("tokens").join(" "), expected);
        assert!(all(text).expect("tokens").join(" ").contains("use c : : d ;"));
    }
}

//! `cargo xtask generate`: writes the parts of the documentation that follow from the code.
//!
//! A generated text cannot become stale unnoticed: `cargo xtask check` compares the
//! committed text with the one that this command would write.

use anyhow::Result;

use crate::verdict::{Verdict, say};
use crate::workspace::{Workspace, passes};
use crate::{catalogue, layers, mixin, packages, performance};

/// Rewrites every generated part.
pub(crate) fn run(workspace: &Workspace) -> Result<Verdict> {
    let mut texts = vec![layers::document(workspace)?, catalogue::document(workspace)?];
    texts.extend(performance::documents(workspace)?);
    let texts = texts.into_iter().map(|(path, text)| (path.to_owned(), text));
    let texts = texts.chain(packages::documents(workspace)?);
    for (path, text) in texts.chain(mixin::documents(workspace)?) {
        let is_same = workspace.read(&path).is_ok_and(|current| current == text);
        if is_same {
            say(&format!("same {path}"));
        } else {
            workspace.write(&path, &text)?;
            say(&format!("wrote {path}"));
        }
    }
    page(workspace)
}

/// Makes the served files of the live page of their sources, which a test does, with its tools.
fn page(workspace: &Workspace) -> Result<Verdict> {
    let mut call = workspace.cargo(&["test", "--quiet", "--locked", "--offline"]);
    call.args(["--package", "node0-live-page", "--test", "it", "--", "bundle::"]);
    passes(call.env("NODE0_GENERATE", "1"))
}

//! `cargo xtask generate`: writes the parts of the documentation that have a source.
//!
//! A text that can be derived is derived, because a stale document is a bug; the checks
//! compare what is there with what this would write.

use anyhow::Result;

use crate::verdict::{Verdict, say};
use crate::workspace::Workspace;
use crate::{catalogue, layers};

/// Rewrites every generated part.
pub(crate) fn run(workspace: &Workspace) -> Result<Verdict> {
    let texts = [layers::document(workspace)?, catalogue::document(workspace)?];
    for (path, text) in texts {
        let is_same = workspace.read(path).is_ok_and(|current| current == text);
        if is_same {
            say(&format!("same {path}"));
        } else {
            workspace.write(path, &text)?;
            say(&format!("wrote {path}"));
        }
    }
    Ok(Verdict::Holds)
}

//! Makes programs reachable for other users.
//!
//! Root's build is often below a home folder that no other user may enter, but Postgres
//! refuses to run as root. Then the programs are copied to a temporary folder that every
//! user may enter. All holders in this process share one copy, and the last one removes
//! it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use super::error::ToolError;
use super::search;

/// A copy of a folder that every user can reach; it is removed on drop.
#[derive(Debug)]
pub(super) struct Reachable {
    original: PathBuf,
    copy: TempDir,
}

impl Reachable {
    /// Returns the shared copy of `folder`, and creates it if nobody holds one.
    pub(super) fn of(folder: &Path) -> Result<Arc<Self>, ToolError> {
        static SHARED: Mutex<Weak<Reachable>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = shared.upgrade()
            && copy.original == folder
        {
            return Ok(copy);
        }
        let fresh = Arc::new(Self::copy(folder)?);
        *shared = Arc::downgrade(&fresh);
        Ok(fresh)
    }

    /// Returns the path of the copy.
    pub(super) fn path(&self) -> &Path {
        self.copy.path()
    }

    fn copy(folder: &Path) -> Result<Self, ToolError> {
        let copy = tempfile::Builder::new()
            .prefix("node0-tools-")
            .tempdir()
            .map_err(ToolError::io("cannot make a temporary folder for", folder))?;
        // `cp -a` copies links as links; the packages contain many.
        search::run(Command::new("cp").arg("-a").arg(folder.join(".")).arg(copy.path()))?;
        open_to_all(copy.path())?;
        Ok(Self { original: folder.to_owned(), copy })
    }
}

/// Lets every user enter `folder`, even if this user's umask forbade it.
pub(super) fn open_to_all(folder: &Path) -> Result<(), ToolError> {
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder, mode).map_err(ToolError::io("cannot open", folder))
}

/// Returns `true` if every user may enter `folder` and all folders above it.
pub(super) fn is_open_to_all(folder: &Path) -> bool {
    folder
        .ancestors()
        .filter(|dir| !dir.as_os_str().is_empty())
        .all(|dir| dir.metadata().is_ok_and(|data| data.permissions().mode() & 0o001 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_below_a_private_one_is_closed() {
        let private = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .expect("a temporary folder");
        let inner = private.path().join("inner");
        fs::create_dir(&inner).expect("a folder inside");
        assert!(!is_open_to_all(&inner));
        assert!(is_open_to_all(Path::new("/")));
    }

    #[test]
    fn copy_is_open_shared_and_removed_with_its_last_holder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("program"), "x").expect("a file");
        let first = Reachable::of(folder.path()).expect("a copy");
        let second = Reachable::of(folder.path()).expect("the same copy");
        let path = first.path().to_owned();
        assert_eq!(second.path(), path);
        assert!(is_open_to_all(&path) && path.join("program").is_file());
        drop((first, second));
        assert!(!path.exists());
    }
}

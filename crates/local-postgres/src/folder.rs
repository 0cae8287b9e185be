//! The temporary folder of a cluster, and its removal after the host was killed.
//!
//! The host is the process that holds the server's handle. A killed host removes nothing,
//! so the next start with the same temporary folder does. It must know that the host of
//! a folder is gone. A process id is no proof: it is soon reused, and differs between
//! containers that share the folder. So the host holds a lock on a file in the folder,
//! the mark; the kernel releases the lock when the process ends in any way.
//!
//! The host locks the mark before it writes into it. An empty mark belongs to a host that
//! has not locked it yet, or to a file system without locks; its folder is not removed.

use std::fs::{self, DirEntry, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt as _, chown};
use std::path::Path;
use std::process;

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::account::Account;

const PREFIX: &str = "node0-postgres-";
/// The file that a living host keeps locked; it contains the host's process id for people.
const MARK: &str = "host.pid";
/// The folder of the server's data.
///
/// It is removed before the mark, so that an incomplete removal can be repeated later.
pub(crate) const DATA: &str = "data";

/// A temporary folder, removed on drop or after the death of its host.
#[derive(Debug)]
pub(crate) struct Folder {
    // Declared before the mark, so that the lock is held until the folder is removed.
    dir: TempDir,
    _mark: File,
}

impl Folder {
    /// Creates a folder that belongs to the account, and removes those of dead hosts.
    pub(crate) fn create(parent: &Path, account: Option<&Account>) -> io::Result<Folder> {
        sweep(parent);
        // Who may enter the folder reaches the server.
        let private = Permissions::from_mode(0o700);
        let dir =
            tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(parent)?;
        let mut mark = File::create_new(dir.path().join(MARK))?;
        if mark.lock().is_ok() {
            writeln!(mark, "{}", process::id())?;
        }
        if let Some(account) = account {
            chown(dir.path(), Some(account.uid), Some(account.gid))?;
        }
        Ok(Folder { dir, _mark: mark })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes the folders of dead hosts; the next start tries again if a removal fails.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if let Some(_mark) = abandoned(&entry) {
            let _ = remove(&entry.path());
        }
    }
}

/// Locks and returns the mark if the folder's host is gone; the lock keeps other sweeps away.
fn abandoned(entry: &DirEntry) -> Option<File> {
    let is_named_so = entry.file_name().to_str()?.starts_with(PREFIX);
    if !is_named_so || !entry.file_type().ok()?.is_dir() {
        return None;
    }
    let path = entry.path().join(MARK);
    let mark = fs::symlink_metadata(&path).ok()?;
    let is_ours = mark.is_file() && mark.uid() == geteuid().as_raw();
    if !is_ours || mark.len() == 0 {
        return None;
    }
    let mark = File::open(path).ok()?;
    mark.try_lock().is_ok().then_some(mark)
}

/// Removes the data, then the rest.
///
/// A server without a tether may still write for up to a minute before it notices that
/// its data are gone. If removing the data fails for that reason, the mark stays, and the
/// next start tries again.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder.join(DATA)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::remove_dir_all(folder),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Creates a folder as a killed host leaves it: with a mark that is not locked.
    fn orphan(parent: &Path) -> PathBuf {
        let Folder { dir, _mark } = Folder::create(parent, None).unwrap();
        fs::create_dir(dir.path().join(DATA)).unwrap();
        dir.keep()
    }

    #[test]
    fn folder_of_a_dead_host_is_removed_by_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let orphan = orphan(parent.path());
        let next = Folder::create(parent.path(), None).unwrap();
        assert!(!orphan.exists());
        assert!(next.path().exists());
    }

    #[test]
    fn folder_of_a_living_host_stays() {
        let parent = tempfile::tempdir().unwrap();
        let first = Folder::create(parent.path(), None).unwrap();
        let second = Folder::create(parent.path(), None).unwrap();
        assert!(first.path().join(MARK).exists());
        assert!(second.path().join(MARK).exists());
    }

    #[test]
    fn folder_that_is_not_surely_ours_stays() {
        let parent = tempfile::tempdir().unwrap();
        let unmarked = orphan(parent.path());
        fs::remove_file(unmarked.join(MARK)).unwrap();
        let unlocked = orphan(parent.path());
        File::create(unlocked.join(MARK)).unwrap();
        let linked = orphan(parent.path());
        fs::rename(linked.join(MARK), parent.path().join(MARK)).unwrap();
        std::os::unix::fs::symlink(parent.path().join(MARK), linked.join(MARK)).unwrap();
        let renamed = parent.path().join("somebody's");
        fs::rename(orphan(parent.path()), &renamed).unwrap();

        sweep(parent.path());
        for folder in [unmarked, unlocked, linked, renamed] {
            assert!(folder.exists(), "{}", folder.display());
        }
    }
}

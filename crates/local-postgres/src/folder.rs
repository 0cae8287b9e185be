//! The temporary folder of a cluster, and who removes it when its host is killed.
//!
//! A killed host cleans nothing up, so the next start in the same place does it. The
//! question is how it knows that a folder's host is gone: a process number is soon
//! somebody else's, and means nothing in a container that shares the place. So the host
//! holds a lock on a file in the folder, its mark; the kernel lets go of the lock with
//! the process, however it ends.
//!
//! The mark is locked before anything is written into it. An empty one belongs to a host
//! that has not come that far, or to a file system without locks, and is left alone.

use std::fs::{self, DirEntry, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process;

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::account::Account;

const PREFIX: &str = "node0-postgres-";
/// The file that a living host holds locked; says which process it is, for people.
const MARK: &str = "host.pid";
/// What the server writes to, removed first: as long as it is there, so is the mark.
pub(crate) const DATA: &str = "data";

/// A temporary folder, removed on drop or after the death of its host.
#[derive(Debug)]
pub(crate) struct Folder {
    // Declared before the mark: the folder is ours until it is gone.
    dir: TempDir,
    _mark: File,
}

impl Folder {
    /// Makes a folder that belongs to the account, and removes those of dead hosts.
    pub(crate) fn create(parent: &Path, account: Option<&Account>) -> io::Result<Folder> {
        sweep(parent);
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
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

/// Removes what dead hosts left; what cannot be removed now is left to the next start.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if let Some(_mark) = abandoned(&entry) {
            let _ = remove(&entry.path());
        }
    }
}

/// The mark of a folder whose host is gone, locked against other sweepers.
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

/// Removes the data, then the rest: a server without a tether may still be writing, and
/// notices only within a minute that its data are gone.
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

    /// What the death of a host leaves behind: the folder, and nobody who holds the mark.
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

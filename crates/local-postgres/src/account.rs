//! The user that the server runs as.
//!
//! Postgres refuses to run as root, so root starts it as another user. That user must be
//! able to enter the folders of the programs and of the data, which a private home or a
//! private `TMPDIR` does not allow. The permissions are checked only after a start has
//! failed, to explain it: access lists can allow what the mode bits deny, so a check
//! beforehand would refuse machines on which the start works.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::builder::StartError;

/// The users that may run the server in root's place, the preferred one first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// An unprivileged user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// Finds the account to switch to; `None` for a normal user, who needs no other.
    pub(crate) fn to_switch_to() -> Result<Option<Account>, StartError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let account = CANDIDATES.iter().find_map(|name| Account::find(&passwd, name));
        account.map(Some).ok_or(StartError::NoUnprivilegedUser { candidates: &CANDIDATES })
    }

    fn find(passwd: &str, name: &str) -> Option<Account> {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (uid != 0).then(|| Account { name: name.to_owned(), uid, gid })
        })
    }

    /// Makes the command run as this user, without supplementary groups.
    pub(crate) fn apply_to(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Returns the outermost folder above `path` that this user may not enter.
    pub(crate) fn closed_folder_above(&self, path: &Path) -> Option<PathBuf> {
        let path = fs::canonicalize(path).ok()?;
        let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
        folders.reverse();
        folders.into_iter().find(|folder| !self.may_enter(folder)).map(Path::to_owned)
    }

    fn may_enter(&self, folder: &Path) -> bool {
        let Ok(metadata) = fs::metadata(folder) else {
            return false;
        };
        let bit = if metadata.uid() == self.uid {
            0o100
        } else if metadata.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        metadata.mode() & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        nobody:x:65534:65533:nobody:/:/usr/sbin/nologin\nbroken:x:7";

    #[test]
    fn account_is_read_from_its_passwd_line() {
        let nobody = Account::find(PASSWD, "nobody").unwrap();
        assert_eq!((nobody.uid, nobody.gid), (65534, 65533));
    }

    #[test]
    fn root_and_unreadable_lines_are_no_accounts() {
        for name in ["root", "broken", "absent"] {
            assert_eq!(Account::find(PASSWD, name), None, "{name}");
        }
    }

    #[test]
    fn the_closed_folder_is_named() {
        let open = tempfile::tempdir().unwrap();
        fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let closed = open.path().join("closed");
        fs::create_dir_all(closed.join("inner")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();

        let stranger = Account { name: "stranger".into(), uid: 4_000_000, gid: 4_000_000 };
        let found = stranger.closed_folder_above(&closed.join("inner"));
        assert_eq!(found, Some(fs::canonicalize(&closed).unwrap()));
    }
}

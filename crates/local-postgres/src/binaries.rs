//! Finds the folder that holds `initdb` and `postgres`.
//!
//! Distributions keep the server's programs out of `PATH`, in a folder per version, so
//! the well-known places are searched too, the newest version first. If a caller names
//! folders, only those are searched: a test can name an empty one to simulate a machine
//! without Postgres.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The places where packages install versions of Postgres: the parent folder, the prefix
/// of the version's folder, and the sub-folder with the programs.
const VERSIONED: [(&str, &str, &str); 4] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

/// The two programs of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) initdb: PathBuf,
    pub(crate) postgres: PathBuf,
}

impl Binaries {
    /// Returns the programs of the first folder that holds both.
    pub(crate) fn find(folders: &[PathBuf]) -> Option<Binaries> {
        folders.iter().find_map(|folder| {
            let found =
                Binaries { initdb: folder.join("initdb"), postgres: folder.join("postgres") };
            (is_program(&found.initdb) && is_program(&found.postgres)).then_some(found)
        })
    }
}

/// Lists the folders of `PATH`, then the well-known ones.
pub(crate) fn usual_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    for (parent, prefix, programs) in VERSIONED {
        folders.extend(versions(Path::new(parent), prefix).map(|folder| folder.join(programs)));
    }
    folders
}

/// Returns the version folders of `parent`, the newest first.
fn versions(parent: &Path, prefix: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?;
            let major = version.split('.').next()?.parse().ok()?;
            Some((major, entry.path()))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, folder)| folder)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, name: &str, mode: u32) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), "").unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_counts_only_with_both_programs() {
        let root = tempfile::tempdir().unwrap();
        let [half, dead, whole] = ["half", "dead", "whole"].map(|name| root.path().join(name));
        program(&half, "postgres", 0o755);
        program(&dead, "postgres", 0o644);
        program(&dead, "initdb", 0o644);
        program(&whole, "postgres", 0o755);
        program(&whole, "initdb", 0o755);

        assert_eq!(Binaries::find(&[half.clone(), dead.clone()]), None);
        let found = Binaries::find(&[half, dead, whole.clone()]).unwrap();
        assert_eq!(found.postgres, whole.join("postgres"));
    }

    #[test]
    fn the_newest_version_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for name in ["pgsql-9.6", "pgsql-15", "pgsql-101", "other"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let names: Vec<PathBuf> = versions(root.path(), "pgsql-").collect();
        assert_eq!(
            names,
            ["pgsql-101", "pgsql-15", "pgsql-9.6"].map(|name| root.path().join(name))
        );
    }
}

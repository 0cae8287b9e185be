//! Every failed start names its remedy and leaves nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use node0_local_postgres::{LocalPostgres, StartError};
use tempfile::TempDir;

/// Creates a folder in which `initdb` and `postgres` are these shell scripts.
pub(crate) fn fake_programs(initdb: &str, postgres: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (name, body) in [("initdb", initdb), ("postgres", postgres)] {
        let path = folder.path().join(name);
        fs::write(&path, body).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// Starts a server from the fake programs, and asserts that its temporary folder is empty
/// afterwards.
fn start_with(programs: &Path) -> StartError {
    let parent = tempfile::tempdir().unwrap();
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = LocalPostgres::builder()
        .bin_dirs([programs.to_owned()])
        .temporary_dir(parent.path())
        .start_timeout(Duration::from_secs(2))
        .start()
        .unwrap_err();
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "{error}");
    error
}

#[test]
fn missing_programs_are_reported_with_the_folders_searched() {
    let empty = tempfile::tempdir().unwrap();
    let error = LocalPostgres::builder().bin_dirs([empty.path().to_owned()]).start().unwrap_err();
    assert!(
        matches!(&error, StartError::BinariesNotFound { searched } if searched[..] == [empty.path()])
    );
    assert!(error.to_string().contains("install PostgreSQL"), "{error}");
}

#[test]
fn temporary_folder_that_is_a_file_is_one_clear_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let programs = fake_programs("#!/bin/sh\n", "#!/bin/sh\n");
    let error = LocalPostgres::builder()
        .bin_dirs([programs.path().to_owned()])
        .temporary_dir(file.path())
        .start()
        .unwrap_err();
    assert!(matches!(&error, StartError::TemporaryFolder { parent, .. } if parent == file.path()));
    assert!(error.to_string().contains("TMPDIR"), "{error}");
}

#[test]
fn program_that_does_not_run_is_named() {
    let programs = fake_programs("#!/nowhere/interpreter\n", "");
    let error = start_with(programs.path());
    assert!(matches!(&error, StartError::Spawn { program, .. } if program.ends_with("initdb")));
}

#[test]
fn failing_initdb_is_quoted() {
    let programs = fake_programs("#!/bin/sh\necho 'No space left on device' >&2\nexit 3\n", "");
    let error = start_with(programs.path()).to_string();
    assert_eq!(error, "initdb ended with exit status: 3: No space left on device");
}

#[test]
fn hanging_initdb_is_ended_at_the_time_limit() {
    let programs = fake_programs("#!/bin/sh\nexec sleep 60\n", "");
    let error = start_with(programs.path()).to_string();
    assert_eq!(error, "initdb took too long: it wrote no log");
}

#[test]
fn server_that_ends_at_once_is_quoted() {
    let programs = fake_programs("#!/bin/sh\n", "#!/bin/sh\necho broken\necho library\nexit 1\n");
    let error = start_with(programs.path()).to_string();
    assert_eq!(error, "postgres ended with exit status: 1 before it was ready: broken | library");
}

#[test]
fn server_that_never_gets_ready_is_ended_at_the_time_limit() {
    let programs = fake_programs("#!/bin/sh\n", "#!/bin/sh\nexec sleep 60\n");
    let error = start_with(programs.path()).to_string();
    assert_eq!(error, "postgres took too long before it was ready: it wrote no log");
}

#[test]
fn folder_whose_path_is_too_long_for_a_socket_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let long = parent.path().join("x".repeat(100));
    fs::create_dir(&long).unwrap();
    let programs = fake_programs("#!/bin/sh\n", "#!/bin/sh\n");
    let error = LocalPostgres::builder()
        .bin_dirs([programs.path().to_owned()])
        .temporary_dir(&long)
        .start()
        .unwrap_err();
    assert!(matches!(&error, StartError::SocketPathTooLong { .. }), "{error}");
    assert!(error.to_string().contains("TMPDIR"), "{error}");
    assert_eq!(fs::read_dir(&long).unwrap().count(), 0);
}

#[test]
fn folder_closed_to_the_borrowed_user_is_named() {
    let parent = tempfile::tempdir().unwrap(); // Private to its owner.
    let programs = fake_programs("#!/bin/sh\nexit 1\n", "");
    let error = LocalPostgres::builder()
        .bin_dirs([programs.path().to_owned()])
        .temporary_dir(parent.path())
        .start()
        .unwrap_err();
    match &error {
        StartError::Unreachable { folder, .. } => assert_eq!(folder, parent.path()),
        // A normal user owns the folder, so the script runs and fails with status 1.
        other => assert!(matches!(other, StartError::InitDb { .. }), "{error}"),
    }
}

//! A cluster: the temporary folder, the data that `initdb` puts there, and the launch of
//! the server.
//!
//! Readiness is read from `postmaster.pid`, as `pg_ctl` does, so that the crate needs no
//! client. The file contains the id of the process that wrote it, so it cannot be mistaken.
//!
//! Only the socket in the folder leads to the server, and only the folder's owner and root may
//! enter it, so clients need no password. They log in as a role that is not a superuser: a
//! statement of theirs can neither run programs nor read or write files of the server.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::builder::{Builder, StartError};
use crate::folder::{DATA, Folder};
use crate::process::Process;
use crate::tether::{self, Farewell};

/// The time between two reads of `postmaster.pid`; the end of the server ends the wait at once.
const READINESS_INTERVAL: Duration = Duration::from_millis(10);
/// The port, which is only a part of the socket's name.
const PORT: u16 = 5432;
/// The most bytes in the path of a socket: what macOS allows; Linux allows four more.
const MAX_SOCKET_PATH: usize = 103;
/// The role of clients; it owns the database, so that it may create tables there.
pub(crate) const ROLE: &str = "node0";
/// The number of log lines that an error quotes.
const QUOTED_LINES: usize = 6;

/// An initialised cluster in a temporary folder, removed on drop.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: Folder,
    binaries: Binaries,
    account: Option<Account>,
    max_connections: u16,
    start_timeout: Duration,
}

impl Cluster {
    /// Creates the folder and runs `initdb`.
    pub(crate) fn create(binaries: Binaries, options: &Builder) -> Result<Cluster, StartError> {
        let account = Account::to_switch_to()?;
        let parent = &options.temporary_dir;
        let folder = Folder::create(parent, account.as_ref())
            .map_err(|source| StartError::TemporaryFolder { parent: parent.clone(), source })?;
        let socket = socket_in(folder.path());
        if socket.as_os_str().len() > MAX_SOCKET_PATH {
            return Err(StartError::SocketPathTooLong { socket, limit: MAX_SOCKET_PATH });
        }
        let cluster = Cluster {
            folder,
            binaries,
            account,
            max_connections: options.max_connections,
            start_timeout: options.start_timeout,
        };
        cluster.init_db()?;
        cluster.create_role()?;
        Ok(cluster)
    }

    fn init_db(&self) -> Result<(), StartError> {
        let mut command = self.settled(tether::command(&self.binaries.initdb, Farewell::Terminate));
        command.stdin(Stdio::null()).arg("-D").arg(self.data());
        command.args(["--auth-local=trust", "--auth-host=reject"]);
        command.args(["--username=postgres", "--no-sync"]);
        command.args(["--encoding=UTF8", "--locale=C"]);
        // GMT becomes the cluster's time zone, because it is the only one that is built in;
        // others need the time zone files of the system.
        command.env("TZ", "GMT");
        let log = self.folder.path().join("initdb.log");
        let process = self.spawn(command, &self.binaries.initdb, &log)?;
        match process.wait_timeout(self.start_timeout) {
            Some(status) if status.success() => Ok(()),
            status => {
                process.signal(Signal::KILL);
                Err(self
                    .explain(&self.binaries.initdb)
                    .unwrap_or_else(|| StartError::InitDb { status, log: last_lines(&log, 0) }))
            }
        }
    }

    /// Creates the role of clients, in the mode of the server that has no clients.
    fn create_role(&self) -> Result<(), StartError> {
        let program = &self.binaries.postgres;
        let log = self.folder.path().join("role.log");
        let mut command = self.settled(tether::command(program, Farewell::Terminate));
        // The mode must be the first argument, and the database the last one.
        command.arg("--single").arg("-D").arg(self.data());
        command.args(["-c", "fsync=off", "-c", "dynamic_shared_memory_type=mmap", "postgres"]);
        let process = self.statements().and_then(|statements| {
            command.stdin(statements);
            self.spawn(command, program, &log)
        })?;
        let status = process.wait_timeout(self.start_timeout);
        process.signal(Signal::KILL);
        let log = last_lines(&log, 0);
        // This mode ends well even if a statement failed.
        if status.is_some_and(|status| status.success()) && !log.contains("ERROR:") {
            return Ok(());
        }
        Err(self.explain(program).unwrap_or(StartError::Server { status, log }))
    }

    /// Returns the file of the statements that create the role, one a line.
    fn statements(&self) -> Result<File, StartError> {
        let path = self.folder.path().join("role.sql");
        let statements =
            format!("CREATE ROLE {ROLE} LOGIN;\nALTER DATABASE postgres OWNER TO {ROLE};\n");
        fs::write(&path, statements).and_then(|()| File::open(&path)).map_err(|source| {
            StartError::TemporaryFolder { parent: self.folder.path().to_owned(), source }
        })
    }

    /// Starts the server and waits until it accepts connections.
    pub(crate) fn launch(&self) -> Result<Process, StartError> {
        let program = &self.binaries.postgres;
        let mut command = self.settled(tether::command(program, Farewell::Quit));
        command.stdin(Stdio::null()).arg("-D").arg(self.data());
        for setting in self.settings() {
            command.arg("-c").arg(setting);
        }
        let log = self.folder.path().join("server.log");
        let already_logged = fs::metadata(&log).map_or(0, |file| file.len());
        let process = self.spawn(command, program, &log)?;
        let status = match self.wait_until_ready(&process) {
            Ok(()) => return Ok(process),
            Err(status) => status,
        };
        process.signal(Signal::QUIT);
        process.wait_timeout(READINESS_INTERVAL * 50);
        process.signal(Signal::KILL);
        let log = last_lines(&log, already_logged);
        Err(self.explain(program).unwrap_or(StartError::Server { status, log }))
    }

    fn settings(&self) -> [String; 10] {
        // The value is a list, in which quotes keep a comma from being one of its own.
        let folder = self.folder.path().display().to_string().replace('"', "\"\"");
        [
            "listen_addresses=".to_owned(),
            format!("port={PORT}"),
            format!("unix_socket_directories=\"{folder}\""),
            "unix_socket_permissions=0700".to_owned(),
            format!("max_connections={}", self.max_connections),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "synchronous_commit=off".to_owned(),
            "shared_buffers=32MB".to_owned(),
            // With the default, `posix`, a killed server would leave files in /dev/shm.
            "dynamic_shared_memory_type=mmap".to_owned(),
        ]
    }

    /// Waits until the server is ready; the error is the exit status if it ended before.
    fn wait_until_ready(&self, process: &Process) -> Result<(), Option<ExitStatus>> {
        let looks = self.start_timeout.as_millis() / READINESS_INTERVAL.as_millis();
        for _ in 0..=looks {
            if self.is_ready(process.id()) {
                return Ok(());
            }
            if let Some(status) = process.wait_timeout(READINESS_INTERVAL) {
                return Err(Some(status));
            }
        }
        Err(None)
    }

    fn is_ready(&self, id: u32) -> bool {
        let file = self.pid_file();
        let mut lines = file.lines();
        let first = lines.next().and_then(|line| line.trim().parse().ok());
        // The eighth line is the state, padded to a fixed width.
        first == Some(id) && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    /// Returns the text of `postmaster.pid`; empty after an orderly shutdown.
    fn pid_file(&self) -> String {
        fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the socket on which the server listens.
    pub(crate) fn socket(&self) -> PathBuf {
        socket_in(self.folder.path())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    /// Makes a command run as the right user, in the cluster's folder, in a process group of
    /// its own.
    fn settled(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path()).env("LC_ALL", "C").process_group(0);
        if let Some(account) = &self.account {
            account.apply_to(&mut command);
        }
        command
    }

    fn spawn(
        &self,
        mut command: Command,
        program: &Path,
        log: &Path,
    ) -> Result<Process, StartError> {
        let written = || File::options().create(true).append(true).open(log);
        let file = written().and_then(|file| Ok((file.try_clone()?, file)));
        let (out, err) = file.map_err(|source| StartError::TemporaryFolder {
            parent: self.folder.path().to_owned(),
            source,
        })?;
        command.stdout(out).stderr(err);
        Process::spawn(command).map_err(|source| {
            self.explain(program)
                .unwrap_or_else(|| StartError::Spawn { program: program.to_owned(), source })
        })
    }

    /// Finds out why a program could not start at all.
    fn explain(&self, program: &Path) -> Option<StartError> {
        self.closed_way(program).or_else(|| self.refusal(program))
    }

    /// Returns an error if the server's user may not enter the folders of data or programs.
    fn closed_way(&self, program: &Path) -> Option<StartError> {
        let account = self.account.as_ref()?;
        let closed = |path: &Path, remedy| {
            let folder = account.closed_folder_above(path)?;
            Some(StartError::Unreachable { user: account.name.clone(), folder, remedy })
        };
        closed(self.folder.path(), "point TMPDIR to a folder that every user may enter").or_else(
            || {
                closed(
                    program,
                    "install PostgreSQL where every user may enter, or run as a normal user",
                )
            },
        )
    }

    /// Runs the program directly, to get the system's error, which the tether's shell hides.
    fn refusal(&self, program: &Path) -> Option<StartError> {
        let mut command = self.settled(Command::new(program));
        command.arg("--version");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match Process::spawn(command) {
            Ok(process) => {
                process.signal(Signal::KILL);
                None
            }
            Err(source) => Some(StartError::Spawn { program: program.to_owned(), source }),
        }
    }
}

impl Drop for Cluster {
    /// Removes the shared memory segment of a killed server.
    ///
    /// The segment is the only thing outside the folder; a server locks its data with it. A
    /// server that was not killed removes the segment itself. A killed one leaves its pid
    /// file, whose seventh line holds the key and the id of the segment.
    fn drop(&mut self) {
        let file = self.pid_file();
        if let Some(segment) = file.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) {
            let mut command = Command::new("ipcrm");
            command.args(["-m", segment]);
            // Without `ipcrm` a few bytes stay, as after any crash of a server.
            let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// Returns the socket of a server in this folder, under the name that clients expect.
fn socket_in(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}

/// Joins the last lines that were appended to a log since `already_logged` into one line.
fn last_lines(log: &Path, already_logged: u64) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(already_logged))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.len().saturating_sub(QUOTED_LINES) {
        _ if lines.is_empty() => "it wrote no log".to_owned(),
        skipped => lines[skipped..].join(" | "),
    }
}

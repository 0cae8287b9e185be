//! A cluster: the temporary folder, what `initdb` put there, and the server's launch.
//!
//! Readiness is read from `postmaster.pid`, as `pg_ctl` does. Connecting would be the
//! obvious probe and the wrong one: between choosing a free port and binding it another
//! server may take it, and would answer for ours. The file names the process it speaks
//! for.

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

/// How often `postmaster.pid` is looked at; an end of the server wakes at once.
const READINESS_INTERVAL: Duration = Duration::from_millis(10);
/// How many lines of a log are worth quoting.
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
    /// Makes the folder and runs `initdb`.
    pub(crate) fn create(binaries: Binaries, options: &Builder) -> Result<Cluster, StartError> {
        let account = Account::to_switch_to()?;
        let parent = &options.temporary_dir;
        let folder = Folder::create(parent, account.as_ref())
            .map_err(|source| StartError::TemporaryFolder { parent: parent.clone(), source })?;
        let cluster = Cluster {
            folder,
            binaries,
            account,
            max_connections: options.max_connections,
            start_timeout: options.start_timeout,
        };
        cluster.init_db()?;
        Ok(cluster)
    }

    fn init_db(&self) -> Result<(), StartError> {
        let mut command = self.settled(tether::command(&self.binaries.initdb, Farewell::Terminate));
        command.arg("-D").arg(self.data());
        command.args(["--auth=trust", "--username=postgres", "--no-sync"]);
        command.args(["--encoding=UTF8", "--locale=C"]);
        // The cluster's zone. It is built in; any other needs files of the system.
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

    /// Starts the server on the port and waits until it accepts connections.
    pub(crate) fn launch(&self, port: u16) -> Result<Process, StartError> {
        let program = &self.binaries.postgres;
        let mut command = self.settled(tether::command(program, Farewell::Quit));
        command.arg("-D").arg(self.data());
        for setting in self.settings(port) {
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
        if log.contains("Address already in use") {
            return Err(StartError::PortTaken { port });
        }
        Err(self.explain(program).unwrap_or(StartError::Server { status, log }))
    }

    fn settings(&self, port: u16) -> [String; 9] {
        [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            "unix_socket_directories=".to_owned(),
            format!("max_connections={}", self.max_connections),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "synchronous_commit=off".to_owned(),
            "shared_buffers=32MB".to_owned(),
            // Files of the default, `posix`, would outlive a killed server in /dev/shm.
            "dynamic_shared_memory_type=mmap".to_owned(),
        ]
    }

    /// Waits for readiness; the error is the status of a server that ended instead.
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

    /// What the server says about itself; empty when it shut down in order.
    fn pid_file(&self) -> String {
        fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    /// Has a command run as the right user, in the folder, away from the terminal.
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
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        Process::spawn(command).map_err(|source| {
            self.explain(program)
                .unwrap_or_else(|| StartError::Spawn { program: program.to_owned(), source })
        })
    }

    /// Looks for a reason to fail that lies before the program's first step.
    fn explain(&self, program: &Path) -> Option<StartError> {
        self.closed_way(program).or_else(|| self.refusal(program))
    }

    /// Looks for the reason that a borrowed user fails where root would not.
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

    /// Asks the system why a program does not run; behind the tether it tells others.
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
    /// Frees the one thing outside the folder: the memory by which servers lock it.
    ///
    /// A server frees it itself unless it was killed, and then leaves its pid file,
    /// whose seventh line holds the key and the number of the segment.
    fn drop(&mut self) {
        let file = self.pid_file();
        if let Some(segment) = file.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)) {
            let mut command = Command::new("ipcrm");
            command.args(["-m", segment]);
            // Without the tool a few bytes stay, as after any crash of a server.
            let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// The last lines of a log, beyond what it held before, as one line.
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

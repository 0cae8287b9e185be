//! A Postgres of the test's own that is killed, or frozen with all its sessions.

use std::fs;

use node0_local_postgres::LocalPostgres;
use testbed::process::Signal;
use testbed::tools::PostgresTool;

/// The state of the database in a step of the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    None,
    Killed,
    Frozen,
}

pub(crate) struct Database {
    server: LocalPostgres,
    /// The processes that are frozen.
    frozen: Vec<i32>,
}

impl Database {
    pub(crate) fn start(tool: &PostgresTool) -> Self {
        let builder = LocalPostgres::builder().bin_dirs([tool.bin_dir().to_owned()]);
        Self { server: builder.start().expect("postgres starts"), frozen: Vec::new() }
    }

    /// Returns the address under which the server commits synchronously.
    ///
    /// By default it answers before a commit is written, for speed, and a killed server would
    /// forget orders that were answered with 201.
    pub(crate) fn url(&self) -> String {
        format!("{}?options=-c%20synchronous_commit%3Don", self.server.url())
    }

    pub(crate) fn begin(&mut self, outage: Outage) {
        match outage {
            Outage::None => {}
            Outage::Killed => self.server.kill(),
            Outage::Frozen => self.freeze(),
        }
    }

    pub(crate) fn end(&mut self, outage: Outage) {
        match outage {
            Outage::None => {}
            Outage::Killed => self.server.restart().expect("postgres starts again"),
            Outage::Frozen => self.thaw(),
        }
    }

    /// Stops the server first, so that it starts no session that is not stopped.
    fn freeze(&mut self) {
        let server = self.server.pid().expect("it runs").cast_signed();
        send(server, Signal::STOP);
        let sessions = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        let sessions = sessions.expect("this runs on Linux");
        self.frozen = sessions.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
        self.frozen.iter().for_each(|pid| send(*pid, Signal::STOP));
        self.frozen.push(server);
    }

    fn thaw(&mut self) {
        self.frozen.drain(..).for_each(|pid| send(pid, Signal::CONT));
    }
}

/// A server that is frozen could not end.
impl Drop for Database {
    fn drop(&mut self) {
        self.thaw();
    }
}

/// Signals a process, which may have ended.
fn send(pid: i32, signal: Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

//! A real Alertmanager that a test owns, and can kill and restart.
//!
//! It listens on a free loopback port, which it keeps after a restart, and belongs to no cluster.
//! It sends its own notifications to a webhook of the test, without the delays of production.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Deadline;
use crate::http;
use crate::process::{Process, ProcessError, Signal};
use crate::tools::AlertmanagerTool;

/// The longest time that the server may take to listen, or to end.
const PATIENCE_SECONDS: u64 = 20;

/// A running Alertmanager, or one that was killed.
#[derive(Debug)]
pub struct Alertmanager {
    // Declared before the folder, which the server uses until it has ended.
    process: Process,
    tool: AlertmanagerTool,
    address: SocketAddr,
    data: TempDir,
}

impl Alertmanager {
    /// Starts a server that notifies this address, and waits until it listens.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] when it cannot be started, or does not listen in time.
    pub fn start(tool: &AlertmanagerTool, webhook: &str) -> Result<Self, ProcessError> {
        Self::start_with(tool, webhook, "")
    }

    /// Starts a server with further lines of configuration, such as `inhibit_rules`.
    ///
    /// # Errors
    ///
    /// Fails as for [`Self::start`].
    pub fn start_with(
        tool: &AlertmanagerTool,
        webhook: &str,
        more: &str,
    ) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Spawn {
            program: tool.server().to_string_lossy().into_owned(),
            source,
        };
        let data = tempfile::Builder::new().prefix("node0-alertmanager-").tempdir();
        let data = data.map_err(failed)?;
        let receiver = json!({
            "name": "test",
            "webhook_configs": [{ "url": webhook, "send_resolved": true }],
        });
        let route = json!({
            "receiver": "test",
            "group_by": ["..."],
            "group_wait": "100ms",
            "group_interval": "1s",
            "repeat_interval": "1h",
        });
        // The configuration language is a superset of JSON.
        let config = format!("route: {route}\nreceivers: [{receiver}]\n{more}");
        std::fs::write(data.path().join("config.yml"), config).map_err(failed)?;
        let (process, address) = spawn(tool, &data, "127.0.0.1:0")?;
        Ok(Self { process, tool: tool.clone(), address, data })
    }

    /// Returns the address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the active alerts as the API v2 lists them; none if it cannot be asked.
    #[must_use]
    pub fn alerts(&self) -> Vec<Value> {
        let answer = http::get(self.address, "/api/v2/alerts?active=true");
        let body = answer.ok().and_then(|answer| answer.json().ok());
        body.and_then(|body| body.as_array().cloned()).unwrap_or_default()
    }

    /// Kills the server with SIGKILL; it forgets all alerts.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] when it cannot be signalled, or does not end.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        self.process.signal(Signal::KILL)?;
        self.process.wait(Deadline::seconds(PATIENCE_SECONDS)).map(drop)
    }

    /// Starts the server at the same address, after [`Self::kill`].
    ///
    /// # Errors
    ///
    /// Fails as for [`Self::start`].
    pub fn restart(&mut self) -> Result<(), ProcessError> {
        (self.process, _) = spawn(&self.tool, &self.data, &self.address.to_string())?;
        Ok(())
    }
}

/// Starts the program and returns it with the address that it prints.
fn spawn(
    tool: &AlertmanagerTool,
    data: &TempDir,
    address: &str,
) -> Result<(Process, SocketAddr), ProcessError> {
    let mut command = Command::new(tool.server());
    command
        .current_dir(tool.folder())
        .arg(format!("--config.file={}", data.path().join("config.yml").display()))
        .arg(format!("--storage.path={}", data.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--cluster.listen-address=");
    let mut process = Process::spawn(command)?;
    let deadline = Deadline::seconds(PATIENCE_SECONDS);
    let line = process.wait_for_line("msg=\"Listening on\"", deadline)?;
    let address = line.split_once("address=").and_then(|(_, rest)| rest.trim().parse().ok());
    let listening = address.ok_or_else(|| ProcessError::Silent {
        program: tool.server().to_string_lossy().into_owned(),
        pattern: "address=".to_owned(),
        output: line,
    })?;
    Ok((process, listening))
}

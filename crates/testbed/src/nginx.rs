//! A real nginx that a test owns, with a configuration of the test.
//!
//! nginx cannot be told to listen on any free port. So this module opens the socket and hands it
//! over as the standard input, as nginx hands its sockets to a newer program of itself. It listens
//! from the start, and no other process can take the port in between.

use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Process, ProcessError};
use crate::tools::NginxTool;

/// The folders in which nginx keeps bodies that do not fit its buffers.
const SPOOLS: [&str; 5] = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    // Declared before the folder, which the server uses until it has ended.
    process: Process,
    address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// Starts a server with these directives for the block `http`.
    ///
    /// They are made for the address on which it listens, which must be in a directive `listen`.
    ///
    /// # Errors
    ///
    /// Returns [`ProcessError`] when it cannot be started. A directive that it refuses is found
    /// by the first request; [`said`](Self::said) has its words.
    pub fn start(
        tool: &NginxTool,
        directives: impl FnOnce(SocketAddr) -> String,
    ) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Spawn {
            program: tool.server().to_string_lossy().into_owned(),
            source,
        };
        let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let folder = prepare(&directives(address)).map_err(failed)?;
        let mut command = Command::new(tool.server());
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        command.env("NGINX", "0;");
        let process = Process::spawn_with_input(command, OwnedFd::from(listener))?;
        Ok(Self { process, address, _folder: folder })
    }

    /// Returns the address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the log of the server.
    #[must_use]
    pub fn said(&self) -> String {
        self.process.output()
    }
}

/// Writes the configuration into a new folder.
///
/// The worker is a process of its own, since the socket that is handed over would otherwise crash
/// this release of nginx. It keeps the user, who can write into the folder; if that is not root,
/// nginx ignores the directive.
fn prepare(directives: &str) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("node0-nginx-").tempdir()?;
    let mut config = "daemon off;\nuser root;\nworker_processes 1;\npid nginx.pid;\n\
                      error_log stderr info;\nevents {}\nhttp {\naccess_log off;\n"
        .to_owned();
    for spool in SPOOLS {
        let _ = writeln!(config, "{spool}_temp_path {spool};");
    }
    let _ = writeln!(config, "{directives}\n}}");
    std::fs::write(folder.path().join("nginx.conf"), config)?;
    Ok(folder)
}

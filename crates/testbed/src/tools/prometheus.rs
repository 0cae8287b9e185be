//! Prometheus with promtool, in the two releases that the exposition is tested with.
//!
//! Debian 12 has 2.42, which accepts duplicate series silently. 2.53 counts them and sends
//! another `Accept` header, in which every quality value is below one.

use std::path::{Path, PathBuf};

use super::debian::Packages;
use super::error::ToolError;
use super::{search, store};

/// A Prometheus server and the promtool of the same release.
#[derive(Debug, Clone)]
pub struct PrometheusTool {
    release: &'static str,
    bin: PathBuf,
}

impl PrometheusTool {
    /// Returns the release, such as `2.42`.
    #[must_use]
    pub fn release(&self) -> &'static str {
        self.release
    }

    /// Returns the path of the server.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.bin.join("prometheus")
    }

    /// Returns the path of promtool.
    #[must_use]
    pub fn promtool(&self) -> PathBuf {
        self.bin.join("promtool")
    }
}

/// Finds or unpacks Prometheus 2.42.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn prometheus_2_42() -> Result<PrometheusTool, ToolError> {
    find("2.42", Packages { release: "bookworm", names: &["prometheus"] })
}

/// Finds or unpacks Prometheus 2.53.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn prometheus_2_53() -> Result<PrometheusTool, ToolError> {
    find("2.53", Packages { release: "trixie", names: &["prometheus", "promtool"] })
}

fn find(release: &'static str, packages: Packages) -> Result<PrometheusTool, ToolError> {
    if search::may_use_machine() {
        let servers = search::in_path("prometheus");
        let fitting = servers.iter().filter_map(|server| server.parent());
        if let Some(bin) = fitting.into_iter().find(|bin| answer(bin, release).is_ok()) {
            return Ok(PrometheusTool { release, bin: bin.to_owned() });
        }
    }
    let tool = format!("Prometheus {release} with promtool");
    let folder = store::ensure(&format!("prometheus-{release}"), &packages.recipe(), |folder| {
        packages.unpack(&tool, folder)?;
        let bin = folder.join("usr/bin");
        answer(&bin, release).map_err(|(path, answer)| ToolError::Unusable {
            tool: tool.clone(),
            path,
            answer,
        })
    })?;
    Ok(PrometheusTool { release, bin: folder.join("usr/bin") })
}

/// Checks that both programs run and are of the release; the error holds the program that is
/// not, and its output.
fn answer(bin: &Path, release: &str) -> Result<(), (PathBuf, String)> {
    for name in ["prometheus", "promtool"] {
        let path = bin.join(name);
        let answer = search::version(&path).unwrap_or_default();
        if !answer.contains(&format!("version {release}.")) {
            return Err((path, answer));
        }
    }
    Ok(())
}

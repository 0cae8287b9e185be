//! Prometheus with promtool, in the releases that the exposition and the alerts are tested with.
//!
//! Debian 12 has 2.42, which accepts duplicate series silently. 2.53 counts them and sends
//! another `Accept` header, in which every quality value is below one. 3.5 or newer is what Debian's
//! next release has at the time.

use std::ops::RangeInclusive;
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
    /// Returns the release, such as `2.42`; of a later one, the first that would do.
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
    find("2.42", 42..=42, Packages { release: "bookworm", names: &["prometheus"] })
}

/// Finds or unpacks Prometheus 2.53.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn prometheus_2_53() -> Result<PrometheusTool, ToolError> {
    find("2.53", 53..=53, Packages { release: "trixie", names: &["prometheus", "promtool"] })
}

/// Finds or unpacks Prometheus 3.5 or a newer 3.
///
/// # Errors
///
/// Fails when it is not on this machine and cannot be unpacked.
pub fn prometheus_3_5() -> Result<PrometheusTool, ToolError> {
    find("3.5", 5..=u32::MAX, Packages { release: "forky", names: &["prometheus", "promtool"] })
}

/// Finds or unpacks a release of which any of these minor ones will do.
fn find(
    release: &'static str,
    minor: RangeInclusive<u32>,
    packages: Packages,
) -> Result<PrometheusTool, ToolError> {
    let (major, _) = release.split_once('.').unwrap_or((release, ""));
    let answer = |bin: &Path| answer(bin, major, &minor);
    if search::may_use_machine() {
        let servers = search::in_path("prometheus");
        let fitting = servers.iter().filter_map(|server| server.parent());
        if let Some(bin) = fitting.into_iter().find(|bin| answer(bin).is_ok()) {
            return Ok(PrometheusTool { release, bin: bin.to_owned() });
        }
    }
    let tool = format!("Prometheus {release} with promtool");
    let folder = store::ensure(&format!("prometheus-{release}"), &packages.recipe(), |folder| {
        packages.unpack(&tool, folder)?;
        let bin = folder.join("usr/bin");
        answer(&bin).map_err(|(path, answer)| ToolError::Unusable {
            tool: tool.clone(),
            path,
            answer,
        })
    })?;
    Ok(PrometheusTool { release, bin: folder.join("usr/bin") })
}

/// Checks that both programs run and are of the release; the error holds the program that is
/// not, and its output.
fn answer(bin: &Path, major: &str, minor: &RangeInclusive<u32>) -> Result<(), (PathBuf, String)> {
    for name in ["prometheus", "promtool"] {
        let path = bin.join(name);
        let answer = search::version(&path).unwrap_or_default();
        let release = answer.split_once(&format!("version {major}."));
        let found = release.and_then(|(_, rest)| rest.split('.').next()?.parse().ok());
        if !found.is_some_and(|found| minor.contains(&found)) {
            return Err((path, answer));
        }
    }
    Ok(())
}

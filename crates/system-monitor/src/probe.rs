//! One look at the process, on whatever this runs.

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod linux;

use std::path::Path;
use std::time::Duration;

use crate::vitals::Vitals;

/// Where to look.
#[derive(Debug)]
pub(crate) struct Probe {
    #[cfg(target_os = "linux")]
    files: linux::Files,
}

#[cfg(target_os = "linux")]
impl Probe {
    /// Finds the files under `root`, below which `proc` and `sys` are mounted.
    pub(crate) fn find(root: &Path) -> Self {
        Self { files: linux::Files::find(root) }
    }

    /// How long the process has lived, in seconds.
    pub(crate) fn age(&self) -> Option<f64> {
        self.files.age()
    }

    /// Reads what changes all the time, and the CPU time of all threads since the start.
    pub(crate) fn look(&self, vitals: &mut Vitals) -> Option<Duration> {
        self.files.look(vitals)
    }

    /// Reads limits, and what costs as much as all the rest.
    pub(crate) fn look_closely(&self, vitals: &mut Vitals) {
        self.files.look_closely(vitals);
    }
}

/// Here a process says nothing of itself.
#[cfg(not(target_os = "linux"))]
impl Probe {
    pub(crate) fn find(_root: &Path) -> Self {
        Self {}
    }

    pub(crate) fn age(&self) -> Option<f64> {
        None
    }

    pub(crate) fn look(&self, _vitals: &mut Vitals) -> Option<Duration> {
        None
    }

    pub(crate) fn look_closely(&self, _vitals: &mut Vitals) {}
}

//! What Linux tells of a process, in `/proc` and in the files of its cgroups.
//!
//! Each file is opened, read and closed by itself: what one of them refuses to
//! tell is unknown, and the others are not held back. The open files are
//! counted last, when all of these are closed again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs::prelude::*;
use procfs::process::{LimitValue, Limits, Stat};
use procfs::{Meminfo, Uptime};

use super::cgroup::Cgroup;
use crate::reading::ProcessLevels;

/// The files of one process.
#[derive(Debug)]
pub(crate) struct Probe {
    proc: PathBuf,
    cgroup: Cgroup,
    machine_bytes: Option<f64>,
}

impl Probe {
    pub(crate) fn find(root: &Path) -> Self {
        let proc = root.join("proc");
        let machine = Meminfo::from_file(proc.join("meminfo")).ok();
        let machine_bytes = machine.map(|memory| memory.mem_total as f64);
        Self { cgroup: Cgroup::find(root), machine_bytes, proc }
    }

    /// On the clock that also runs while the machine sleeps.
    pub(crate) fn age(&self) -> Option<f64> {
        let machine = Uptime::from_file(self.proc.join("uptime")).ok()?;
        let start = ticks(self.stat()?.starttime).as_secs_f64();
        // Some containers are shown an uptime of their own, which is not to be compared.
        Some(machine.uptime - start).filter(|age| *age >= 0.0)
    }

    pub(crate) fn read_levels(&self, levels: &mut ProcessLevels) -> Option<Duration> {
        let stat = self.stat();
        let of_stat = |number: fn(&Stat) -> u64| stat.as_ref().map(|stat| number(stat) as f64);
        levels.resident_bytes = of_stat(|stat| stat.rss.saturating_mul(procfs::page_size()));
        levels.virtual_bytes = of_stat(|stat| stat.vsize);
        levels.threads = of_stat(|stat| stat.num_threads.unsigned_abs());
        levels.open_fds = open_files(&self.own("fd")).map(|files| files as f64);
        stat.map(|stat| ticks(stat.utime.saturating_add(stat.stime)))
    }

    pub(crate) fn read_limits(&self, levels: &mut ProcessLevels) {
        let limits = Limits::from_file(self.own("limits")).ok();
        levels.max_fds = limits.as_ref().map(|all| number(all.max_open_files.soft_limit));
        levels.max_virtual_bytes =
            limits.as_ref().map(|all| number(all.max_address_space.soft_limit));
        self.cgroup.read(self.machine_bytes, levels);
    }

    fn stat(&self) -> Option<Stat> {
        Stat::from_file(self.own("stat")).ok()
    }

    fn own(&self, file: &str) -> PathBuf {
        self.proc.join("self").join(file)
    }
}

fn number(limit: LimitValue) -> f64 {
    match limit {
        LimitValue::Unlimited => f64::INFINITY,
        LimitValue::Value(value) => value as f64,
    }
}

fn ticks(ticks: u64) -> Duration {
    let (ticks, per_second) = (u128::from(ticks), u128::from(procfs::ticks_per_second()));
    let millis = (ticks * 1000).checked_div(per_second).unwrap_or_default();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// Counts the open files: since Linux 6.2 they are the folder's size, before they have to be listed.
fn open_files(folder: &Path) -> Option<u64> {
    let size = fs::metadata(folder).ok()?.len();
    if size > 0 { Some(size) } else { listed_files(folder) }
}

fn listed_files(folder: &Path) -> Option<u64> {
    let listed = fs::read_dir(folder).ok()?.count() as u64;
    // The listing itself is one of them, and closed by now.
    listed.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listing_counts_as_many_open_files_as_the_kernel() {
        let folder = Path::new("/proc/self/fd");
        let size = || fs::metadata(folder).map(|folder| folder.len()).unwrap_or_default();
        if size() == 0 {
            return; // an old kernel, which has only the listing
        }
        // Other tests open files too: between two equal sizes none did.
        let counted = (0..1000).find_map(|_| {
            let (before, listed, after) = (size(), listed_files(folder), size());
            (before == after).then_some((before, listed))
        });
        let (size, listed) = counted.unwrap();
        assert_eq!(listed, Some(size));
    }

    #[test]
    fn clock_ticks_are_hundredths_of_a_second() {
        assert_eq!(procfs::ticks_per_second(), 100);
        assert_eq!(ticks(123), Duration::from_millis(1230));
        assert!(ticks(u64::MAX) > Duration::from_secs(1 << 40));
    }
}

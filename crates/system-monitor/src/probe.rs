//! Reads the process from `/proc` and from the files of its cgroups; `silent_probe.rs` replaces
//! it on systems other than Linux.
//!
//! Each file is opened, read and closed by itself. If one cannot be read, its values are
//! unknown, and the others are not affected.

mod cgroup;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs::prelude::*;
use procfs::process::{LimitValue, Limits, Stat};
use procfs::{Meminfo, Uptime};

use crate::reading::ProcessLevels;

use cgroup::Cgroup;

/// The files of the process.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The folder `proc/self`.
    own: PathBuf,
    cgroup: Cgroup,
    machine_bytes: Option<f64>,
    /// The age of the process when its files were found, in seconds.
    pub(crate) age: Option<f64>,
}

impl Probe {
    pub(crate) fn find(root: &Path) -> Self {
        let (proc, cgroup) = (root.join("proc"), Cgroup::find(root));
        let machine = Meminfo::from_file(proc.join("meminfo")).ok();
        let machine_bytes = machine.map(|memory| memory.mem_total as f64);
        Self { age: age(&proc), own: proc.join("self"), cgroup, machine_bytes }
    }

    /// Reads the levels, and returns the CPU time of all threads since the start.
    pub(crate) fn read_levels(&self, levels: &mut ProcessLevels) -> Option<Duration> {
        let stat = Stat::from_file(self.own.join("stat")).ok();
        let of_stat = |number: fn(&Stat) -> u64| stat.as_ref().map(|stat| number(stat) as f64);
        levels.resident_bytes = of_stat(|stat| stat.rss.saturating_mul(page_bytes()));
        levels.virtual_bytes = of_stat(|stat| stat.vsize);
        levels.threads = of_stat(|stat| stat.num_threads.unsigned_abs());
        // Counted while no other file of the probe is open.
        levels.open_fds = open_files(&self.own.join("fd")).map(|files| files as f64);
        stat.map(|stat| ticks(stat.utime.saturating_add(stat.stime)))
    }

    /// Reads limits and the working set, which costs as much as all the rest.
    pub(crate) fn read_limits(&self, levels: &mut ProcessLevels) {
        let limits = Limits::from_file(self.own.join("limits")).ok();
        let soft = |limit: fn(&Limits) -> LimitValue| match limit(limits.as_ref()?) {
            LimitValue::Unlimited => Some(f64::INFINITY),
            LimitValue::Value(value) => Some(value as f64),
        };
        levels.max_fds = soft(|all| all.max_open_files.soft_limit);
        levels.max_virtual_bytes = soft(|all| all.max_address_space.soft_limit);
        self.cgroup.read(self.machine_bytes, levels);
    }
}

/// The age of the process in seconds, by the clock that also runs while the machine sleeps.
fn age(proc: &Path) -> Option<f64> {
    let machine = Uptime::from_file(proc.join("uptime")).ok()?;
    let start = ticks(Stat::from_file(proc.join("self/stat")).ok()?.starttime).as_secs_f64();
    // Some containers see an uptime of their own, which can be shorter than the process's life.
    Some(machine.uptime - start).filter(|age| *age >= 0.0)
}

fn page_bytes() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(u64::MAX)
}

fn ticks(ticks: u64) -> Duration {
    let (ticks, per_second) =
        (u128::from(ticks), u128::from(rustix::param::clock_ticks_per_second()));
    let millis = (ticks * 1000).checked_div(per_second).unwrap_or_default();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// Counts the open files: by the folder's size since Linux 6.2, before that by listing it.
fn open_files(folder: &Path) -> Option<u64> {
    let size = fs::metadata(folder).ok()?.len();
    if size > 0 { Some(size) } else { listed_files(folder) }
}

fn listed_files(folder: &Path) -> Option<u64> {
    let listed = fs::read_dir(folder).ok()?.count() as u64;
    // The opened folder is listed too, and is closed by now.
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
        // Other tests open files too. If the sizes before and after are equal, none did.
        let counted = (0..1000).find_map(|_| {
            let (before, listed, after) = (size(), listed_files(folder), size());
            (before == after).then_some((before, listed))
        });
        let (size, listed) = counted.unwrap();
        assert_eq!(listed, Some(size));
    }

    #[test]
    fn clock_ticks_are_hundredths_of_a_second() {
        assert_eq!(rustix::param::clock_ticks_per_second(), 100);
        assert_eq!(ticks(123), Duration::from_millis(1230));
        assert!(ticks(u64::MAX) > Duration::from_secs(1 << 40));
    }
}

//! Reads the process from `/proc` and from the files of its cgroups; `silent_probe.rs` replaces
//! it on systems other than Linux.
//!
//! A probe must work while the process is at its limits, above all without a free file descriptor.
//! So the files of the process are opened once and stay open, and the number of open files is
//! read without opening one. The files of cgroups are many and are opened for each reading; while
//! that fails, their last values stay. A file that does not exist makes its values unknown.

mod cgroup;
mod kept;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs::prelude::*;
use procfs::process::{LimitValue, Limits, Stat};
use procfs::{Meminfo, Uptime};

use crate::reading::ProcessLevels;

use cgroup::Cgroup;
use kept::Kept;

/// The files of the process.
#[derive(Debug)]
pub(crate) struct Probe {
    stat: Kept,
    limits: Kept,
    /// The folder with an entry for each open file.
    open: PathBuf,
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
        let own = proc.join("self");
        let [stat, limits] = ["stat", "limits"].map(|name| Kept::new(own.join(name)));
        Self { age: age(&proc), stat, limits, open: own.join("fd"), cgroup, machine_bytes }
    }

    /// Reads the levels, and returns the CPU time of all threads since the start.
    pub(crate) fn read_levels(&mut self, levels: &mut ProcessLevels) -> Option<Duration> {
        let stat = self.stat.read().and_then(|stat| Stat::from_read(stat).ok());
        let of_stat = |number: fn(&Stat) -> u64| stat.as_ref().map(|stat| number(stat) as f64);
        levels.resident_bytes = of_stat(|stat| stat.rss.saturating_mul(page_bytes()));
        levels.virtual_bytes = of_stat(|stat| stat.vsize);
        levels.threads = of_stat(|stat| stat.num_threads.unsigned_abs());
        levels.open_fds = match open_files(&self.open) {
            Ok(files) => Some(files as f64),
            // The listing needs a descriptor, and all that are allowed are taken.
            Err(error) if is_out_of_files(&error) => levels.max_fds,
            Err(_) => None,
        };
        stat.map(|stat| ticks(stat.utime.saturating_add(stat.stime)))
    }

    /// Reads limits and the working set, which costs as much as all the rest.
    pub(crate) fn read_limits(&mut self, levels: &mut ProcessLevels) {
        let limits = self.limits.read().and_then(|limits| Limits::from_read(limits).ok());
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

/// Counts the open files: by the folder's size since Linux 6.2, which needs no descriptor, before
/// that by listing it.
fn open_files(folder: &Path) -> io::Result<u64> {
    let size = fs::metadata(folder)?.len();
    if size > 0 { Ok(size) } else { listed_files(folder) }
}

fn listed_files(folder: &Path) -> io::Result<u64> {
    let listed = fs::read_dir(folder)?.count() as u64;
    // The opened folder is listed too, and is closed by now.
    Ok(listed.saturating_sub(1))
}

/// Returns `true` if the process has as many open files as it may have.
fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error())
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
        assert_eq!(listed.unwrap(), size);
    }

    #[test]
    fn clock_ticks_are_hundredths_of_a_second() {
        assert_eq!(rustix::param::clock_ticks_per_second(), 100);
        assert_eq!(ticks(123), Duration::from_millis(1230));
        assert!(ticks(u64::MAX) > Duration::from_secs(1 << 40));
    }
}

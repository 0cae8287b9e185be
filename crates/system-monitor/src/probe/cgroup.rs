//! Limits that the kernel sets on groups of processes, in both versions of cgroups.
//!
//! A limit on a parent holds for its children too, so all groups are read, from the process's
//! own up to the mounted one, and the smallest limit counts. The mount table shows if a
//! container sees its own group as the root or the whole tree; nothing is guessed from paths.
//!
//! The groups are found once. A file that is gone later counts as no limit. While one cannot be
//! read for another reason, such as a lack of file descriptors, the last values stay.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use procfs::prelude::*;
use procfs::process::MountInfo;
use procfs::{ProcessCGroup, ProcessCGroups};

use crate::reading::ProcessLevels;

/// The groups of a process.
#[derive(Debug)]
pub(crate) struct Cgroup {
    memory: Groups,
    cpu: Groups,
}

/// The groups that limit one resource.
#[derive(Debug, Default)]
struct Groups {
    /// `true` for the second version of cgroups, which has one tree for all resources.
    is_unified: bool,
    /// The folders of the groups, from the process's own up to the mounted one; empty if no group
    /// can limit this resource.
    folders: Vec<PathBuf>,
}

impl Cgroup {
    pub(crate) fn find(root: &Path) -> Self {
        let own = root.join("proc/self");
        let groups = ProcessCGroups::from_file(own.join("cgroup"));
        let table = fs::read_to_string(own.join("mountinfo")).unwrap_or_default();
        // A line that cannot be parsed is skipped; the others are used.
        let mounts: Vec<_> = table.lines().flat_map(MountInfo::from_line).collect();
        let find = |controller| Groups::find(root, controller, groups.as_ref().ok()?, &mounts);
        let [memory, cpu] = ["memory", "cpu"].map(|name| find(name).unwrap_or_default());
        Self { memory, cpu }
    }

    /// Reads the smallest limits, and the memory that is counted against its limit.
    ///
    /// A limit above the machine's memory does not count. The CPU limit is infinite where no
    /// group has a quota, and unknown where none can have one.
    pub(crate) fn read(&self, machine_bytes: Option<f64>, levels: &mut ProcessLevels) {
        if let Ok(quota) = self.cpu.smallest(Groups::quota) {
            levels.cpu_limit_cores = quota.map(|(quota, _)| quota);
        }
        let memory = &self.memory;
        let limit = |folder: &Path| {
            let limit = memory.limit(folder)?;
            Ok(limit.filter(|bytes| machine_bytes.is_none_or(|machine| *bytes <= machine)))
        };
        let both = memory.smallest(|_, folder| limit(folder)).and_then(|limit| {
            // The group that sets the limit, else the process's own.
            let (bytes, folder) = limit.unzip();
            let folder = folder.or(memory.folders.first().map(PathBuf::as_path));
            let working_set = folder.map(|folder| memory.working_set(folder)).transpose()?;
            Ok((bytes, working_set.flatten()))
        });
        if let Ok((limit, working_set)) = both {
            levels.memory_limit_bytes = limit.or(machine_bytes);
            levels.working_set_bytes = working_set;
        }
    }
}

impl Groups {
    fn find(
        root: &Path,
        controller: &str,
        groups: &ProcessCGroups,
        mounts: &[MountInfo],
    ) -> Option<Self> {
        let is_bound = |group: &&ProcessCGroup| group.controllers.iter().any(|c| c == controller);
        let bound = groups.into_iter().find(is_bound);
        // A controller that is bound to a tree of the first version is not in the unified one.
        let is_unified = bound.is_none();
        let group = bound.or_else(|| groups.into_iter().find(|group| group.hierarchy == 0))?;
        let is_its = |mount: &&MountInfo| match mount.fs_type.as_str() {
            "cgroup2" => is_unified,
            "cgroup" => !is_unified && mount.super_options.contains_key(controller),
            _ => false,
        };
        let mounts: Vec<_> = mounts.iter().filter(is_its).collect();
        let holding = mounts.iter().find_map(|mount| Some((mount, below(mount, &group.pathname)?)));
        // For a group outside the mount only the mounted group can be read.
        let (mount, below) = holding.or_else(|| Some((mounts.first()?, PathBuf::new())))?;
        let top = root.join(mount.mount_point.strip_prefix("/").unwrap_or(&mount.mount_point));
        let folders = below.ancestors().map(|path| top.join(path)).filter(|path| path.is_dir());
        Some(Self { is_unified, folders: folders.collect() })
    }

    /// Picks the file name of the present version of cgroups.
    fn named(&self, first: &'static str, second: &'static str) -> &'static str {
        if self.is_unified { second } else { first }
    }

    /// Returns the smallest of the groups' values, with the folder of its group.
    fn smallest(
        &self,
        value: impl Fn(&Self, &Path) -> io::Result<Option<f64>>,
    ) -> io::Result<Option<(f64, &Path)>> {
        let mut smallest: Option<(f64, &Path)> = None;
        for folder in &self.folders {
            if let Some(value) = value(self, folder)?
                && smallest.is_none_or(|(smallest, _)| value < smallest)
            {
                smallest = Some((value, folder));
            }
        }
        Ok(smallest)
    }

    /// The bytes above which the kernel kills, or above which it reclaims and slows down.
    fn limit(&self, folder: &Path) -> io::Result<Option<f64>> {
        let max = number(folder, self.named("memory.limit_in_bytes", "memory.max"))?;
        let high = if self.is_unified { number(folder, "memory.high")? } else { None };
        Ok([max, high].into_iter().flatten().reduce(f64::min))
    }

    /// The bytes in use without the page cache that the kernel would drop first.
    fn working_set(&self, folder: &Path) -> io::Result<Option<f64>> {
        let usage = number(folder, self.named("memory.usage_in_bytes", "memory.current"))?;
        let key = self.named("total_inactive_file", "inactive_file");
        let stat = text(folder, "memory.stat")?.unwrap_or_default();
        let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
        let inactive = lines.find(|(name, _)| *name == key);
        let inactive = inactive.and_then(|(_, bytes)| bytes.trim().parse::<u64>().ok());
        Ok(usage.zip(inactive).map(|(usage, inactive)| (usage - inactive as f64).max(0.0)))
    }

    /// The CPU quota in cores; infinite without one.
    fn quota(&self, folder: &Path) -> io::Result<Option<f64>> {
        let both = if self.is_unified {
            text(folder, "cpu.max")?
        } else {
            let quota = text(folder, "cpu.cfs_quota_us")?;
            let period = text(folder, "cpu.cfs_period_us")?;
            quota.zip(period).map(|(quota, period)| format!("{quota} {period}"))
        };
        Ok(both.and_then(|both| cores(&both)))
    }
}

/// Converts a quota and its period, as `50000 100000` or `max 100000`.
fn cores(both: &str) -> Option<f64> {
    let (quota, period) = both.split_once(' ')?;
    if quota == "max" || quota.starts_with('-') {
        return Some(f64::INFINITY);
    }
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then(|| quota / period)
}

/// The path of a group below what is mounted; `None` for one that is not below it.
fn below(mount: &MountInfo, group: &str) -> Option<PathBuf> {
    let below = Path::new(group).strip_prefix(&mount.root).ok()?;
    // From within a namespace a group outside of it begins with `/..`.
    let is_inside = below.components().all(|part| matches!(part, Component::Normal(_)));
    is_inside.then(|| below.to_owned())
}

/// Reads a file; `None` if there is none.
fn text(folder: &Path, file: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(folder.join(file)) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a whole number; `None` for `max`.
fn number(folder: &Path, file: &str) -> io::Result<Option<f64>> {
    let number = text(folder, file)?.and_then(|text| text.parse::<u64>().ok());
    Ok(number.map(|number| number as f64))
}

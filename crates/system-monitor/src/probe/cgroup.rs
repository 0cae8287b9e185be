//! Limits that the kernel sets on groups of processes, in both versions of cgroups.
//!
//! A limit on a parent holds for its children too, so all levels are asked, from
//! the process's own up to what is mounted, and the smallest counts. Where a
//! container sees its own group mounted as the root, and where it sees the whole
//! tree, is told by the mount table; nothing is guessed from paths.
//!
//! The groups are found once. A file that cannot be read later is no limit.

use std::fs;
use std::path::{Component, Path, PathBuf};

use procfs::ProcessCGroups;
use procfs::prelude::*;
use procfs::process::MountInfo;

/// The groups of a process.
#[derive(Debug, Default)]
pub(crate) struct Cgroup {
    memory: Option<Groups>,
    cpu: Option<Groups>,
}

/// Memory as the groups see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The smallest limit, or the machine's memory if that is smaller.
    pub(crate) limit: Option<u64>,
    /// Of the group that sets the limit, else of the process's own group.
    pub(crate) working_set: Option<u64>,
}

/// The levels that limit one resource.
#[derive(Debug)]
struct Groups {
    version: Version,
    /// From the process's own up to the mounted one.
    levels: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Cgroup {
    pub(crate) fn find(root: &Path) -> Self {
        let own = root.join("proc/self");
        let Ok(groups) = ProcessCGroups::from_file(own.join("cgroup")) else {
            return Self::default();
        };
        let table = fs::read_to_string(own.join("mountinfo")).unwrap_or_default();
        // A line that cannot be read hides none of the others.
        let mounts: Vec<_> =
            table.lines().filter_map(|line| MountInfo::from_line(line).ok()).collect();
        let find = |controller| Groups::find(root, controller, &groups, &mounts);
        Self { memory: find("memory"), cpu: find("cpu") }
    }

    /// Reads the limit and what is held of it.
    pub(crate) fn memory(&self, machine: Option<u64>) -> Memory {
        let Some(groups) = &self.memory else {
            return Memory { limit: machine, working_set: None };
        };
        let limits = groups.levels.iter().map(|level| (groups.memory_limit(level), level));
        let smallest = limits
            .filter_map(|(limit, level)| Some((limit?, level)))
            .filter(|(limit, _)| machine.is_none_or(|machine| *limit <= machine))
            .min_by_key(|(limit, _)| *limit);
        let holder = smallest.map(|(_, level)| level).or(groups.levels.first());
        Memory {
            limit: smallest.map(|(limit, _)| limit).or(machine),
            working_set: holder.and_then(|level| groups.working_set(level)),
        }
    }

    /// Reads the smallest CPU quota in cores, infinite without one; `None` where none could be set.
    pub(crate) fn cpu_limit(&self) -> Option<f64> {
        let groups = self.cpu.as_ref()?;
        groups.levels.iter().filter_map(|level| groups.cpu_quota(level)).reduce(f64::min)
    }
}

impl Groups {
    fn find(
        root: &Path,
        controller: &str,
        groups: &ProcessCGroups,
        mounts: &[MountInfo],
    ) -> Option<Self> {
        let mut bound = groups.into_iter().filter(|group| {
            let mut controllers = group.controllers.iter();
            controllers.any(|bound| bound == controller)
        });
        let mut unified = groups.into_iter().filter(|group| group.hierarchy == 0);
        // A controller of a first-version tree is not in the unified one.
        let (version, group) = match bound.next() {
            Some(group) => (Version::V1, group),
            None => (Version::V2, unified.next()?),
        };
        let mut mounts = mounts.iter().filter(|mount| match version {
            Version::V1 => {
                mount.fs_type == "cgroup" && mount.super_options.contains_key(controller)
            }
            Version::V2 => mount.fs_type == "cgroup2",
        });
        let first = mounts.next()?;
        let (mount, below) = [first]
            .into_iter()
            .chain(mounts)
            .find_map(|mount| Some((mount, below(mount, &group.pathname)?)))
            // Of a group outside the mount only the mounted one can be seen.
            .unwrap_or((first, PathBuf::new()));
        let top = root.join(relative(&mount.mount_point));
        let levels = below.ancestors().map(|path| top.join(path)).filter(|path| path.is_dir());
        Some(Self { version, levels: levels.collect() })
    }

    fn memory_limit(&self, level: &Path) -> Option<u64> {
        number(
            level,
            match self.version {
                Version::V1 => "memory.limit_in_bytes",
                Version::V2 => "memory.max",
            },
        )
    }

    /// What is in use without the page cache that the kernel would drop first.
    fn working_set(&self, level: &Path) -> Option<u64> {
        let (usage, inactive) = match self.version {
            Version::V1 => ("memory.usage_in_bytes", "total_inactive_file"),
            Version::V2 => ("memory.current", "inactive_file"),
        };
        let usage = number(level, usage)?;
        let stat = fs::read_to_string(level.join("memory.stat")).ok()?;
        let inactive = stat
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find_map(|(key, value)| (key == inactive).then(|| value.trim().parse::<u64>().ok()))?;
        Some(usage.saturating_sub(inactive?))
    }

    fn cpu_quota(&self, level: &Path) -> Option<f64> {
        let (quota, period) = match self.version {
            Version::V1 => (text(level, "cpu.cfs_quota_us")?, text(level, "cpu.cfs_period_us")?),
            Version::V2 => {
                let both = text(level, "cpu.max")?;
                let (quota, period) = both.split_once(' ')?;
                (quota.to_owned(), period.to_owned())
            }
        };
        if quota == "max" || quota.starts_with('-') {
            return Some(f64::INFINITY);
        }
        let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
        (period > 0.0).then(|| quota / period)
    }
}

/// Where a group is below what is mounted; `None` when it is not.
fn below(mount: &MountInfo, group: &str) -> Option<PathBuf> {
    let below = Path::new(group).strip_prefix(&mount.root).ok()?;
    // From within a namespace a group outside of it begins with `/..`.
    let is_inside = below.components().all(|part| matches!(part, Component::Normal(_)));
    is_inside.then(|| below.to_owned())
}

fn relative(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

fn text(level: &Path, file: &str) -> Option<String> {
    Some(fs::read_to_string(level.join(file)).ok()?.trim().to_owned())
}

/// A number, or `None` for `max`.
fn number(level: &Path, file: &str) -> Option<u64> {
    text(level, file)?.parse().ok()
}

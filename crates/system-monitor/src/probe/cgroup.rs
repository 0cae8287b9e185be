//! Limits that the kernel sets on groups of processes, in both versions of cgroups.
//!
//! A limit on a parent holds for its children too, so all levels are read, from the process's
//! own group up to the mounted one, and the smallest limit counts. The mount table says where
//! a container sees its own group as the root, and where it sees the whole tree; nothing is
//! guessed from paths.
//!
//! The groups are found once. A file that cannot be read later is no limit.

use std::fs;
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
    version: Version,
    /// The folders from the process's own group up to the mounted one; none without limits.
    levels: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Version {
    V1,
    #[default]
    V2,
}

impl Cgroup {
    pub(crate) fn find(root: &Path) -> Self {
        let own = root.join("proc/self");
        let groups = ProcessCGroups::from_file(own.join("cgroup"));
        let table = fs::read_to_string(own.join("mountinfo")).unwrap_or_default();
        // A line that cannot be read hides none of the others.
        let mounts: Vec<_> =
            table.lines().filter_map(|line| MountInfo::from_line(line).ok()).collect();
        let find = |controller| Groups::find(root, controller, groups.as_ref().ok()?, &mounts);
        let [memory, cpu] = ["memory", "cpu"].map(|name| find(name).unwrap_or_default());
        Self { memory, cpu }
    }

    /// Reads the smallest limits, and how much of the memory's is held.
    ///
    /// A limit above the machine's memory is none. A group without a CPU quota counts as
    /// infinite; where none could be set, the limit is unknown.
    pub(crate) fn read(&self, machine_bytes: Option<f64>, levels: &mut ProcessLevels) {
        let quotas = self.cpu.levels.iter().filter_map(|level| self.cpu.quota(level));
        levels.cpu_limit_cores = quotas.reduce(f64::min);
        let memory = &self.memory;
        let limits = memory.levels.iter().filter_map(|level| Some((memory.limit(level)?, level)));
        let (bytes, holder) = limits
            .filter(|(bytes, _)| machine_bytes.is_none_or(|machine| *bytes <= machine))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unzip();
        levels.memory_limit_bytes = bytes.or(machine_bytes);
        // Of the group that sets the limit, else of the process's own.
        let holder = holder.or(memory.levels.first());
        levels.working_set_bytes = holder.and_then(|level| memory.working_set(level));
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
        // A controller of a first-version tree is not in the unified one.
        let (version, group) = match groups.into_iter().find(is_bound) {
            Some(group) => (Version::V1, group),
            None => (Version::V2, groups.into_iter().find(|group| group.hierarchy == 0)?),
        };
        let is_its = |mount: &&MountInfo| match version {
            Version::V1 => {
                mount.fs_type == "cgroup" && mount.super_options.contains_key(controller)
            }
            Version::V2 => mount.fs_type == "cgroup2",
        };
        let mounts: Vec<_> = mounts.iter().filter(is_its).collect();
        let holding = mounts.iter().find_map(|mount| Some((mount, below(mount, &group.pathname)?)));
        // Of a group outside the mount only the mounted one can be seen.
        let (mount, below) = holding.or_else(|| Some((mounts.first()?, PathBuf::new())))?;
        let top = root.join(mount.mount_point.strip_prefix("/").unwrap_or(&mount.mount_point));
        let levels = below.ancestors().map(|path| top.join(path)).filter(|path| path.is_dir());
        Some(Self { version, levels: levels.collect() })
    }

    /// Picks the name that something has in the version at hand.
    fn named(&self, first: &'static str, second: &'static str) -> &'static str {
        match self.version {
            Version::V1 => first,
            Version::V2 => second,
        }
    }

    fn limit(&self, level: &Path) -> Option<f64> {
        number(level, self.named("memory.limit_in_bytes", "memory.max"))
    }

    /// The bytes in use without the page cache that the kernel would drop first.
    fn working_set(&self, level: &Path) -> Option<f64> {
        let usage = number(level, self.named("memory.usage_in_bytes", "memory.current"))?;
        let inactive = self.named("total_inactive_file", "inactive_file");
        let stat = text(level, "memory.stat")?;
        let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
        let (_, inactive) = lines.find(|(key, _)| *key == inactive)?;
        Some((usage - inactive.trim().parse::<u64>().ok()? as f64).max(0.0))
    }

    fn quota(&self, level: &Path) -> Option<f64> {
        let both = match self.version {
            Version::V1 => {
                [text(level, "cpu.cfs_quota_us")?, text(level, "cpu.cfs_period_us")?].join(" ")
            }
            Version::V2 => text(level, "cpu.max")?,
        };
        let (quota, period) = both.split_once(' ')?;
        if quota == "max" || quota.starts_with('-') {
            return Some(f64::INFINITY);
        }
        let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
        (period > 0.0).then(|| quota / period)
    }
}

/// The path of a group below what is mounted; `None` for one that is not below it.
fn below(mount: &MountInfo, group: &str) -> Option<PathBuf> {
    let below = Path::new(group).strip_prefix(&mount.root).ok()?;
    // From within a namespace a group outside of it begins with `/..`.
    let is_inside = below.components().all(|part| matches!(part, Component::Normal(_)));
    is_inside.then(|| below.to_owned())
}

fn text(level: &Path, file: &str) -> Option<String> {
    Some(fs::read_to_string(level.join(file)).ok()?.trim().to_owned())
}

/// Reads a whole number; `None` for `max`.
fn number(level: &Path, file: &str) -> Option<f64> {
    Some(text(level, file)?.parse::<u64>().ok()? as f64)
}

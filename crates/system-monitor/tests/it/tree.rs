//! A root folder with the files of a `/proc` and of cgroups, for a process that does not exist.

use std::fs;
use std::path::{Path, PathBuf};

/// A page of memory, in which `/proc` counts.
pub(crate) const PAGE: u64 = 4096;

/// Removed with its files when it is dropped.
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// An empty tree; the name tells it from those of other tests.
    pub(crate) fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("system-monitor-{name}"));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Self(root)
    }

    /// A tree that says of a process what one says.
    pub(crate) fn of(name: &str, stat: Stat) -> Self {
        let tree = Self::new(name);
        tree.write("proc/meminfo", "MemTotal:  8192 kB\nMemFree:  4096 kB\nBuffers: 0 kB\nCached: 0 kB\nSwapCached: 0 kB\nActive: 0 kB\nInactive: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nDirty: 0 kB\nWriteback: 0 kB\nMapped: 0 kB\nSlab: 0 kB\nCommitted_AS: 0 kB\nVmallocTotal: 0 kB\nVmallocUsed: 0 kB\nVmallocChunk: 0 kB\n");
        tree.write("proc/uptime", "1000.50 1800.00\n");
        tree.write("proc/self/limits", LIMITS);
        tree.stat(stat);
        tree
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    /// Writes a file and the folders above it.
    pub(crate) fn write(&self, file: &str, content: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn stat(&self, stat: Stat) {
        let Stat { cpu_ticks, threads, start_ticks, virtual_bytes, resident_pages } = stat;
        let zeros = " 0".repeat(27);
        self.write(
            "proc/self/stat",
            &format!("7 (a (b) c) S 1 7 7 0 -1 0 0 0 0 0 {cpu_ticks} 0 0 0 20 0 {threads} 0 {start_ticks} {virtual_bytes} {resident_pages} 0{zeros}\n"),
        );
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The fields of `/proc/self/stat` that the tests need.
#[derive(Clone, Copy)]
pub(crate) struct Stat {
    pub(crate) cpu_ticks: u64,
    pub(crate) threads: u64,
    pub(crate) start_ticks: u64,
    pub(crate) virtual_bytes: u64,
    pub(crate) resident_pages: u64,
}

impl Default for Stat {
    fn default() -> Self {
        Self {
            cpu_ticks: 1234,
            threads: 7,
            start_ticks: 40_000,
            virtual_bytes: 64 << 20,
            resident_pages: 512,
        }
    }
}

const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max file size             unlimited            unlimited            bytes
Max data size             unlimited            unlimited            bytes
Max stack size            8388608              unlimited            bytes
Max core file size        0                    unlimited            bytes
Max resident set          unlimited            unlimited            bytes
Max processes             96365                96365                processes
Max open files            1024                 20000                files
Max locked memory         8388608              8388608              bytes
Max address space         unlimited            unlimited            bytes
Max file locks            unlimited            unlimited            locks
Max pending signals       96365                96365                signals
Max msgqueue size         819200               819200               bytes
Max nice priority         0                    0
Max realtime priority     0                    0
Max realtime timeout      unlimited            unlimited            us
";

//! Pins threads to cores.

/// Pins the calling thread to core `number` modulo the cores; does nothing if it cannot.
///
/// The cores are those of the first call: a thread that is started by a pinned one has one core.
pub fn pin(number: usize) {
    #[cfg(target_os = "linux")]
    {
        use std::sync::LazyLock;

        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

        static CORES: LazyLock<Vec<usize>> = LazyLock::new(|| {
            let Ok(allowed) = sched_getaffinity(None) else { return Vec::new() };
            (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
        });
        if let Some(core) = CORES.get(number % CORES.len().max(1)) {
            let mut only = CpuSet::new();
            only.set(*core);
            // If the system refuses, the thread is not pinned and the intervals are wider.
            let _ = sched_setaffinity(None, &only);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = number;
}

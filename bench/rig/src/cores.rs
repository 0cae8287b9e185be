//! Pins threads to cores.

/// Pins the calling thread to core `number` modulo the cores; does nothing if it cannot.
pub fn pin(number: usize) {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let Ok(allowed) = sched_getaffinity(None) else { return };
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        if let Some(core) = cores.get(number % cores.len().max(1)) {
            let mut only = CpuSet::new();
            only.set(*core);
            // If the system refuses, the thread is not pinned and the intervals are wider.
            let _ = sched_setaffinity(None, &only);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = number;
}

//! The memory of this process, as the system and the allocator count it.
//!
//! Resident memory belongs to a process as a whole, so whatever is compared by it needs a process
//! of its own. The heap is what the allocator has given out: it shows bytes where the system
//! counts pages, and leaves out what the allocator keeps for later.

use serde::{Deserialize, Serialize};

/// The memory of this process at one moment, or its growth between two, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub resident: f64,
    pub heap: f64,
}

impl Memory {
    /// Returns the present memory; `None` on systems that do not tell it.
    pub fn now() -> Option<Self> {
        Some(Self { resident: resident()?, heap: heap()? })
    }

    /// Returns the growth since an earlier moment.
    pub fn since(self, earlier: Self) -> Self {
        Self { resident: self.resident - earlier.resident, heap: self.heap - earlier.heap }
    }

    /// Returns the share of one of `count` equal parts.
    pub fn of_one(self, count: usize) -> Self {
        Self { resident: self.resident / count as f64, heap: self.heap / count as f64 }
    }
}

/// Returns the resident bytes, of all threads.
fn resident() -> Option<f64> {
    // The sum over the page tables; the counter in `statm` lags behind by up to some hundred KiB.
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let kib = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    let kib: f64 = kib.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}

/// Returns the bytes that the allocator has given out.
fn heap() -> Option<f64> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "the C library's function has no safe form")]
        // SAFETY: it takes no argument, and locks each arena while it reads it.
        let info = unsafe { libc::mallinfo2() };
        Some((info.uordblks + info.hblkhd) as f64)
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    None
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn filled_memory_is_resident_and_on_the_heap() {
        let before = Memory::now().expect("Linux tells it");
        let filled = std::hint::black_box(vec![1_u8; 16 << 20]);
        let grown = Memory::now().expect("Linux tells it").since(before);
        drop(filled);
        let expected = f64::from(16 << 20);
        for bytes in [grown.resident, grown.heap] {
            assert!((bytes / expected - 1.0).abs() < 0.1, "{bytes}");
        }
    }
}

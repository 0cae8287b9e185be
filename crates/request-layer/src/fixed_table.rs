//! A small hash table that only grows, and is read without a lock.
//!
//! A request's handles are looked up by few distinct values: a few dozen routes
//! with a few statuses each. A lock around a map would cost more than the record
//! itself, and a map per thread would hold each entry once per thread. Here each
//! slot is written once, and a lookup is an acquire load and a comparison. The
//! size is fixed, so that no input can make the table grow: an entry for which
//! no slot is free is refused.

use std::sync::OnceLock;

/// The number of slots that are tried before an entry is refused.
const PROBES: usize = 16;

pub(crate) struct FixedTable<T> {
    slots: Box<[OnceLock<T>]>,
}

impl<T> FixedTable<T> {
    /// Makes a table of `slots` slots, rounded up to a power of two.
    pub(crate) fn new(slots: usize) -> Self {
        let slots = (0..slots.next_power_of_two()).map(|_| OnceLock::new()).collect();
        Self { slots }
    }

    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<T> {
        let mask = self.slots.len() - 1;
        let start = hash as usize;
        (0..PROBES.min(self.slots.len())).map(move |step| (start + step) & mask)
    }

    /// Returns the entry at a place that `find_or_insert` returned.
    #[inline]
    pub(crate) fn at(&self, place: usize) -> Option<&T> {
        self.slots.get(place)?.get()
    }

    /// Returns the entry for which `is_it` holds.
    #[inline]
    pub(crate) fn get(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        for place in self.probe(hash) {
            let entry = self.at(place)?;
            if is_it(entry) {
                return Some(entry);
            }
        }
        None
    }

    /// Adds an entry; returns it if no slot is free for it.
    pub(crate) fn insert(&mut self, hash: u64, entry: T) -> Result<(), T> {
        let free = self.probe(hash).find(|place| self.slots[*place].get().is_none());
        let Some(place) = free else { return Err(entry) };
        self.slots[place] = OnceLock::from(entry);
        Ok(())
    }

    /// Returns the place of the entry for which `is_it` holds.
    ///
    /// If there is none, `make` makes it; returns `None` if no slot is free for it.
    pub(crate) fn find_or_insert(
        &self,
        hash: u64,
        is_it: impl Fn(&T) -> bool,
        make: impl Fn() -> T,
    ) -> Option<usize> {
        // Another thread may have filled the slot with another entry meanwhile. Then the
        // next slot is tried, in the same order in which `get` looks.
        self.probe(hash).find(|place| is_it(self.slots[*place].get_or_init(&make)))
    }
}

/// Mixes bytes, eight at a time.
///
/// Input that is chosen to collide does no harm, since a lookup tries at most
/// sixteen slots.
#[inline]
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(0x9E37_79B9_7F4A_7C15_u64);
        (product as u64) ^ ((product >> 64) as u64)
    };
    let seed = (bytes.len() as u64) ^ 0xA076_1D64_78BD_642F;
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(seed, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    // Two reads that overlap take fewer steps than up to seven bytes one by one.
    let rest = match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => rest.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    };
    mix(hash, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_again_and_made_once() {
        let table = FixedTable::new(8);
        for _ in 0..2 {
            for n in 0..8_u64 {
                let place = table.find_or_insert(n, |entry| *entry == n, || n);
                assert_eq!(place.and_then(|place| table.at(place)), Some(&n));
            }
        }
        assert_eq!(table.get(3, |entry| *entry == 3), Some(&3));
    }

    #[test]
    fn an_entry_without_a_free_slot_is_refused() {
        let table = FixedTable::new(4);
        for n in 0..4_u64 {
            assert!(table.find_or_insert(0, |entry| *entry == n, || n).is_some());
        }
        assert_eq!(table.find_or_insert(0, |entry| *entry == 9, || 9), None);
        assert_eq!(table.get(0, |entry| *entry == 9), None);
    }

    #[test]
    fn threads_that_race_for_a_slot_agree() {
        let table = FixedTable::new(64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..16_u64 {
                        let place = table.find_or_insert(n % 3, |entry| *entry == n, || n);
                        assert!(place.is_none_or(|place| table.at(place) == Some(&n)));
                    }
                });
            }
        });
        let held = |n| table.slots.iter().filter(|slot| slot.get() == Some(&n)).count();
        assert!((0..16).all(|n| held(n) <= 1));
    }

    #[test]
    fn similar_paths_have_different_hashes() {
        let paths = ["", "/", "/a", "/b", "/orders", "/orders/", "/orders/1", "/orders/2"];
        let mut hashes = paths.map(|path| hash(path.as_bytes())).to_vec();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), paths.len());
    }
}

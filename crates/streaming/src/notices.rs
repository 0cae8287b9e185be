//! The latest alerts and findings, for readers that come back after a break.
//!
//! Their number and bytes are bounded. So the list knows from which place on it is complete, and says
//! so rather than answer with a part.

use std::collections::VecDeque;

use crate::event_id::Place;
use crate::notice::Notice;

/// The most notices that are kept.
const MOST: usize = 256;
/// The most bytes of JSON that they may have together.
const MOST_BYTES: usize = 256 * 1024;

/// The latest notices, bounded in number and bytes.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    kept: VecDeque<Notice>,
    bytes: usize,
    /// All notices after this place are kept; `None` from the start on.
    complete_after: Option<Place>,
}

impl Notices {
    pub(crate) fn push(&mut self, notice: Notice) {
        self.bytes += notice.text.json().len();
        self.kept.push_back(notice);
        while self.kept.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= oldest.text.json().len();
            self.complete_after = Some(oldest.id.place);
        }
    }

    /// Forgets all, since some notices up to this place were lost.
    pub(crate) fn lost_until(&mut self, place: Place) {
        *self = Self { complete_after: Some(place), ..Self::default() };
    }

    /// The notices after a place; `None` if some of them are not kept any more.
    pub(crate) fn after(&self, place: Place) -> Option<Vec<Notice>> {
        if self.complete_after.is_some_and(|complete| place < complete) {
            return None;
        }
        let later = self.kept.iter().filter(|notice| notice.id.place > place);
        Some(later.cloned().collect())
    }
}

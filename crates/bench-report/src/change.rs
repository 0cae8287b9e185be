//! The change of a figure between two programs, and the word for it.

use serde::{Deserialize, Serialize};

use crate::stats::Estimate;

/// The comparison of a run with a saved one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// The name under which the earlier run was saved.
    pub with: String,
    /// The commit of the earlier run.
    pub commit: String,
    /// The pairs of processes that were run; zero if only saved figures were compared.
    pub pairs: usize,
    /// The changes, in the order of the table.
    pub changes: Vec<Change>,
}

/// The change of one figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The race.
    pub race: String,
    /// The contender.
    pub name: String,
    /// The share by which the new figure is larger than the old one.
    pub change: Estimate,
}

/// The word for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// The figure is smaller, beyond doubt.
    Better,
    /// The figure is the same, or the difference is too small to matter.
    Same,
    /// The figure is larger, beyond doubt.
    Worse,
    /// The interval is too wide to tell.
    Unclear,
}

/// The least change that matters: two builds of one source differ by as much.
const MATTERS: f64 = 0.01;
/// The greatest change that an interval may contain where the word is `same`.
const TOLERATED: f64 = 0.03;

impl Change {
    /// Returns the word for the change.
    ///
    /// A change is worse or better only if its whole interval is beyond the least change that
    /// matters, and same only if its whole interval is within the tolerated one.
    #[must_use]
    pub fn word(&self) -> Word {
        let Estimate { low, high, .. } = self.change;
        if low > MATTERS {
            Word::Worse
        } else if high < -MATTERS {
            Word::Better
        } else if low > -TOLERATED && high < TOLERATED {
            Word::Same
        } else {
            Word::Unclear
        }
    }
}

impl Word {
    /// All words, the most important first.
    pub const ALL: [Self; 4] = [Self::Worse, Self::Unclear, Self::Better, Self::Same];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Same => "same",
            Self::Worse => "worse",
            Self::Unclear => "unclear",
        }
    }
}

impl Comparison {
    /// Returns the number of changes with a word.
    #[must_use]
    pub fn count(&self, word: Word) -> usize {
        self.changes.iter().filter(|change| change.word() == word).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_needs_the_whole_interval() {
        let word = |low, high| {
            let change = Estimate { low, median: (low + high) / 2.0, high };
            Change { race: String::new(), name: String::new(), change }.word()
        };
        assert_eq!(word(0.011, 0.05), Word::Worse);
        assert_eq!(word(-0.05, -0.011), Word::Better);
        assert_eq!(word(-0.01, 0.02), Word::Same);
        assert_eq!(word(0.005, 0.035), Word::Unclear);
        assert_eq!(word(-0.05, 0.05), Word::Unclear);
    }
}

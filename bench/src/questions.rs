//! The questions about the core's cost, in a module for each question.
//!
//! Each question is measured in a process of its own, so that it does not start with the
//! cells, the heap or the global registry of another.

mod contention;
mod many;
mod monitors;
mod names;
mod record;
mod sampling;
mod scrape;
mod timer;
mod worst_case;

use anyhow::Result;

use crate::rounds::{Effort, Race};

/// A question: its name and the function that measures it.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) ask: fn(Effort) -> Result<Vec<Race>>,
}

/// All questions, in the order of the table.
pub(crate) const QUESTIONS: &[Question] = &[
    Question { name: "record", ask: record::ask },
    Question { name: "contention", ask: contention::ask },
    Question { name: "names", ask: names::ask },
    Question { name: "many", ask: many::ask },
    Question { name: "timer", ask: timer::ask },
    Question { name: "monitors", ask: monitors::ask },
    Question { name: "scrape", ask: scrape::ask },
    Question { name: "sampling", ask: sampling::ask },
    Question { name: "worst-case", ask: worst_case::ask },
];

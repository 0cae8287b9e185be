//! The questions about node0's cost, in a module for each question.
//!
//! Each question is measured in a process of its own, so that it does not start with the
//! cells, the heap or the global registry of another.

mod contention;
mod demo;
mod history;
mod ledger;
mod many;
mod memory;
pub(crate) mod monitors;
mod names;
pub(crate) mod over_loopback;
mod record;
pub(crate) mod request;
mod sampling;
mod scrape;
mod startup;
pub(crate) mod stream;
mod timer;
mod worst_case;

use anyhow::Result;
use clap::ValueEnum;

use crate::rounds::{Effort, Race};
use crate::specimen::Specimen;

/// What a question is about; a run may be limited to one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Recording, with a held handle and by name.
    Core,
    /// The share of node0 in a request.
    Request,
    /// The monitors' own records.
    Monitors,
    /// Reading all cells and rendering the page.
    Scrape,
    /// The pass that is made every second.
    Sampling,
    /// Keeping the past, and asking for it.
    History,
    /// The readers of a stream.
    Stream,
    /// The memory of metrics, and of a whole process over time.
    Memory,
    /// Building, registering, the first request and the first scrape.
    Startup,
}

/// A question: its name and the function that measures it.
pub(crate) struct Question {
    pub(crate) group: Group,
    pub(crate) name: &'static str,
    pub(crate) ask: fn(Effort) -> Result<Vec<Race>>,
}

impl Question {
    /// Returns `true` if two programs can be compared by the answers.
    ///
    /// Memory, streams and start-up are single events in processes of their own, the worst case is the
    /// first operation of a new thread, and the demo answers over loopback: they differ from
    /// one process to the next by more than a change of the program does.
    pub(crate) fn is_compared(&self) -> bool {
        let is_single = matches!(self.group, Group::Memory | Group::Startup | Group::Stream);
        !is_single && !matches!(self.name, "worst-case" | "demo")
    }
}

/// All questions, in the order of the table.
pub(crate) const QUESTIONS: &[Question] = &[
    Question { group: Group::Core, name: "record", ask: record::ask },
    Question { group: Group::Core, name: "contention", ask: contention::ask },
    Question { group: Group::Core, name: "names", ask: names::ask },
    Question { group: Group::Core, name: "many", ask: many::ask },
    Question { group: Group::Core, name: "timer", ask: timer::ask },
    Question { group: Group::Request, name: "request", ask: request::ask },
    Question { group: Group::Request, name: "demo", ask: demo::ask },
    Question { group: Group::Monitors, name: "monitors", ask: monitors::ask },
    Question { group: Group::Scrape, name: "scrape", ask: scrape::ask },
    Question { group: Group::Sampling, name: "sampling", ask: sampling::ask },
    Question { group: Group::History, name: "history", ask: history::ask },
    Question { group: Group::Stream, name: "stream", ask: stream::ask },
    Question { group: Group::Core, name: "worst-case", ask: worst_case::ask },
    Question { group: Group::Memory, name: "memory", ask: memory::ask },
    Question { group: Group::Memory, name: "ledger", ask: ledger::ask },
    Question { group: Group::Startup, name: "startup", ask: startup::ask },
];

/// The races whose contenders are measured in a process each.
pub(crate) const SPECIMENS: [&[Specimen]; 3] =
    [memory::SPECIMENS, startup::SPECIMENS, stream::SPECIMENS];

//! The reasons for the rows in which node0 is not ahead.
//!
//! `docs/performance.md` lists every such row of a run by itself, and takes the reason from
//! this table. A row that is lost without a reason here says so in the document.

/// A race, a contender of node0 in it, and the reason for its figure.
pub(crate) struct Loss {
    /// The race, or the beginning of its name.
    pub(crate) race: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) why: &'static str,
}

pub(crate) const LOSSES: &[Loss] = &[
    Loss {
        race: "request/",
        ours: "node0",
        why: "The two readings of the clock and the records take 30 to 50 ns. The rest is the way \
              into the router and out: finding the route's template, and wrapping the future and \
              the body of the answer.",
    },
    Loss {
        race: "sampling/1000x8",
        ours: "node0, busy",
        why: "A pass adds up the buckets of all threads, which recording keeps apart so that it \
              needs no lock. The floor, which only adds, takes most of the time.",
    },
    Loss {
        race: "scrape/latencies/",
        ours: "node0",
        why: "Four fifths of the time is reading: node0 keeps 64 buckets per octave and thread, \
              the peers only the 14 buckets of the page.",
    },
    Loss {
        race: "worst-case",
        ours: "node0, counter",
        why: "node0 keeps cells per thread, so a thread's first touch takes cells for itself. \
              A peer with one shared cell has nothing to prepare, and pays at every record \
              that two threads make at once.",
    },
    Loss {
        race: "memory/counters/",
        ours: "node0",
        why: "A counter of node0 has cells per thread and windows besides its total, and a peer \
              keeps one number.",
    },
    Loss {
        race: "memory/latencies/",
        ours: "node0",
        why: "node0 keeps 64 buckets per octave and exact windows, most peers fourteen buckets and \
              no window. A peer of the same resolution takes more.",
    },
    Loss {
        race: "scrape/counters/",
        ours: "node0",
        why: "A page of few series is dominated by what it costs to read the registry once.",
    },
];

/// Returns the reason for a figure of node0.
pub(crate) fn why(race: &str, ours: &str) -> Option<&'static str> {
    let found = LOSSES.iter().find(|loss| race.starts_with(loss.race) && loss.ours == ours);
    found.map(|loss| loss.why)
}

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
        race: "request/node0/",
        ours: "node0",
        why: "In a loop, the server takes 5 to 40 ns more for a request that it records, which depends \
              on where the compiler has placed code and stack. Between requests over a socket, the \
              kernel's work fills the processor's first cache: some twenty lines of our data and as \
              many of our code come from the second, at 4 to 5 ns each.",
    },
    Loss {
        race: "request/axum/",
        ours: "node0",
        why: "`axum::serve` takes only a service whose response has axum's own body, by the bound \
              `Response = Response` of its `serve`. So a future around the router's holds the \
              measurement, and the body of each response is boxed once more. The floor shows what \
              the future, the box, two readings of the clock and two records take. `Monitoring::serve`, or \
              `serve(…).record(…)`, needs neither the future nor the box.",
    },
    Loss {
        race: "request/demo/",
        ours: "node0",
        why: "An order that is found in the cache takes 20 µs, and is watched by three timers: the \
              request, the operation and the tier. Their six readings of the clock alone take \
              60 ns, which is 0.3 %.",
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
    Loss { race: "stream/100/delivery", ours: "node0", why: DELIVERY },
    Loss { race: "stream/1000/delivery", ours: "node0", why: DELIVERY },
    Loss { race: "stream/10000/delivery", ours: "node0", why: DELIVERY },
];

const DELIVERY: &str = "The time in node0's update is that of its sampling pass. Before the first byte is \
                        sent, monitors have judged, the history and the alerts have seen the sample, and \
                        the topic was written. The peers note the time when their text is ready.";

/// Returns the reason for a figure of node0.
pub(crate) fn why(race: &str, ours: &str) -> Option<&'static str> {
    let found = LOSSES.iter().find(|loss| race.starts_with(loss.race) && loss.ours == ours);
    found.map(|loss| loss.why)
}

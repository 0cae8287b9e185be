//! A small run: a race that node0 wins, one that it loses, and a request over loopback.

use bench_report::stats::Estimate;
use bench_report::{
    About, Against, Beside, Budget, Entry, Kind, Machine, Peer, Race, Run, Scope, Unit, Unrest,
};

pub(crate) fn around(median: f64) -> Estimate {
    Estimate { low: median * 0.9, median, high: median * 1.1 }
}

pub(crate) fn entry(name: &str, kind: Kind, median: f64, beside: Option<Beside>) -> Entry {
    Entry {
        name: name.to_owned(),
        kind,
        measured: around(median),
        beside,
        tail: None,
        lost: 0,
        course: Vec::new(),
        rounds: vec![median; 31],
    }
}

fn budget(cost: f64, against: (&str, f64), limit: f64) -> Budget {
    Budget {
        ours: "node0".to_owned(),
        cost: around(cost),
        against: Some(Against { name: against.0.to_owned(), cost: around(against.1) }),
        limit,
        is_share: false,
        measured: around(cost / against.1),
        floor: None,
    }
}

fn race(id: &str, title: &str, entries: Vec<Entry>, budgets: Vec<Budget>) -> Race {
    let group = id.split('/').next().unwrap_or_default();
    let group = if matches!(group, "counter" | "latency") { "core" } else { group };
    let (id, group, title) = (id.to_owned(), group.to_owned(), title.to_owned());
    Race { id, group, title, unit: Unit::Nanoseconds, entries, budgets }
}

pub(crate) fn run() -> Run {
    let factor = |ratio| Some(Beside::Factor(around(ratio)));
    let count = vec![
        entry("node0", Kind::Node0, 0.4, None),
        entry("prometheus-client", Kind::Peer, 2.0, factor(0.2)),
    ];
    let scrape = vec![
        entry("node0", Kind::Node0, 3000.0, None),
        entry("<swift>", Kind::Peer, 2000.0, factor(1.5)),
    ];
    let request = vec![
        entry("apart, router alone", Kind::Apart, 8000.0, None),
        entry("node0", Kind::Node0, 8040.0, Some(Beside::Share(around(0.005)))),
    ];
    let beside = Against { name: "apart, router alone".to_owned(), cost: around(8000.0) };
    let share = Budget {
        cost: around(8040.0),
        against: Some(beside),
        limit: 0.01,
        is_share: true,
        measured: around(0.005),
        ..budget(1.0, ("", 1.0), 1.0)
    };
    Run {
        about: About {
            version: "0.1.0".to_owned(),
            commit: "abc".to_owned(),
            compiler: "rustc 1.95.0".to_owned(),
            date: "2026-11-30".to_owned(),
            scope: Scope::Full,
            seconds: 400.4,
        },
        machine: Machine { processor: "A & B".to_owned(), cores: 2, system: "Linux 6".to_owned() },
        peers: vec![Peer { name: "prometheus-client".to_owned(), version: "0.26.0".to_owned() }],
        unrest: Unrest { spread: 0.05, stolen: 0.0, others: 0.1, reasons: Vec::new() },
        races: vec![
            race(
                "counter/held/1t",
                "Count",
                count,
                vec![budget(0.4, ("prometheus-client", 2.0), 0.5)],
            ),
            race(
                "scrape/counters/100",
                "Scrape",
                scrape,
                vec![budget(3000.0, ("<swift>", 2000.0), 1.0)],
            ),
            race("request/axum/static", "Request", request, vec![share]),
        ],
        comparison: None,
    }
}

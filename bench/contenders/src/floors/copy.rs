//! The floor of a scrape: copies prepared text and writes the numbers with `itoa`.
//!
//! Every library has to write these bytes. The floor reads one atomic per line and does not
//! read cells per thread, compute buckets or look for new series.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::page;
use crate::rounds::Contender;
use crate::workload::{self, BOUNDS};

pub(super) const NAME: &str = "floor, copy";

/// Copies the lines of `series` counters.
pub fn scrape_counters(series: usize) -> Contender {
    let lines = (0..series).map(|i| line("http_requests_total", i, None));
    copying(lines.collect(), "http_requests_total")
}

/// Copies the lines of `series` latencies: their buckets, sums and counts.
pub fn scrape_latencies(series: usize) -> Contender {
    let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
    let bounds: Vec<_> = bounds.collect();
    let of_one = |i| {
        let buckets = bounds.iter().map(move |le| line("http_request_seconds_bucket", i, Some(le)));
        let rest = ["http_request_seconds_sum", "http_request_seconds_count"];
        buckets.chain(rest.map(|name| line(name, i, None)))
    };
    copying((0..series).flat_map(of_one).collect(), "http_request_seconds_count")
}

/// Writes prepared lines, each with the value of a shared atomic, into a reused buffer.
fn copying(lines: Vec<String>, read_back: &'static str) -> Contender {
    let cells: Rc<[AtomicU64]> = lines.iter().map(|_| AtomicU64::new(0)).collect();
    let series = lines.iter().filter(|line| line.starts_with(read_back)).count() as u64;
    let page = Rc::new(RefCell::new(Vec::new()));
    let (prepared, filled, read) = (cells.clone(), page.clone(), page);
    Contender::acting(
        NAME,
        move || {
            for cell in &*prepared {
                cell.fetch_add(1, Ordering::Relaxed);
            }
            series
        },
        move || {
            let mut page = filled.borrow_mut();
            page.clear();
            let mut number = itoa::Buffer::new();
            for (line, cell) in lines.iter().zip(&*cells) {
                page.extend_from_slice(line.as_bytes());
                page.extend_from_slice(number.format(cell.load(Ordering::Relaxed)).as_bytes());
                page.push(b'\n');
            }
        },
        move || page::sum_of_bytes(&read.borrow(), read_back),
    )
}

/// Returns a line up to its number.
fn line(name: &str, i: usize, le: Option<&String>) -> String {
    let mut line = format!("{name}{{");
    for (at, (key, value)) in workload::labels(i).into_iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(line, "{comma}{key}=\"{value}\"").expect("a string takes everything");
    }
    if let Some(le) = le {
        write!(line, ",le=\"{le}\"").expect("a string takes everything");
    }
    line.push_str("} ");
    line
}

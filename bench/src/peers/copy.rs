//! The floor of a scrape: the same bytes, copied, with the numbers written by itoa.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::page;
use crate::rounds::Contender;
use crate::workload;

/// Writes prepared lines and the values of as many shared cells into a reused buffer.
pub(crate) fn scrape_counters(series: usize) -> Contender {
    let cells: Rc<[AtomicU64]> = (0..series).map(|_| AtomicU64::new(0)).collect();
    let lines: Vec<String> = (0..series).map(line).collect();
    let page = Rc::new(RefCell::new(Vec::new()));
    let (prepared, filled, read) = (cells.clone(), page.clone(), page);
    Contender::acting(
        "copy",
        move || {
            for cell in &*prepared {
                cell.fetch_add(1, Ordering::Relaxed);
            }
            prepared.len() as u64
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
        move || page::sum_of_bytes(&read.borrow(), "http_requests_total"),
    )
}

/// A line up to its number.
fn line(i: usize) -> String {
    let mut line = String::from("http_requests_total{");
    for (at, (key, value)) in workload::labels(i).into_iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(line, "{comma}{key}=\"{value}\"").expect("a string takes everything");
    }
    line.push_str("} ");
    line
}

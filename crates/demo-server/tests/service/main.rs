//! Tests of the demo as a process: its output, its answers and its cleanup.

mod access;
mod alerts;
mod cache;
mod chaos;
mod demo;
mod exemplars;
mod flags;
mod flood;
mod full_disk;
mod history;
mod index;
mod inputs;
mod judges;
mod log;
mod openapi;
mod oracle;
mod page;
mod pager;
mod payments;
mod probes;
mod rules;
mod scrape;
mod signals;
mod soak;
mod start;
mod stream;

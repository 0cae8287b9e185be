//! The demo as a process, from outside: what it prints, answers, and leaves behind.

mod cache;
mod chaos;
mod demo;
mod flags;
mod flood;
mod index;
mod inputs;
mod judges;
mod payments;
mod probes;
mod scrape;
mod start;

//! Rules: what promtool and real servers say about them.

mod case;
mod file;
mod mutants;
mod nine;
mod promtool;
mod series;

pub(crate) use self::file::root;

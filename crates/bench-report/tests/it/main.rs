//! What the pages say about a run, as readers see it.

mod pages;
mod run;

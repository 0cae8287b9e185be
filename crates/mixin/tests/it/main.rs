//! Tests of the generated files, on the programs that read them.

mod boards;
mod kubernetes;
mod rules;

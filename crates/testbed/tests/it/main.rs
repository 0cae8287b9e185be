//! Tests of the testbed with the real programs that it finds or unpacks.

mod http;
mod judges;
mod postgres;
mod process;
mod prometheus;
mod redis;
mod require;
mod tools;
mod valgrind;

//! Tests of the testbed with the real programs that it finds or unpacks.

mod autobahn;
mod chromium;
mod http;
mod json_schema;
mod judges;
mod k6;
mod nginx;
mod page;
mod postgres;
mod process;
mod prometheus;
mod redis;
mod require;
mod tools;
mod valgrind;

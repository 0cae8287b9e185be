//! Tests through the public API: what is recorded of a request, and under which route.

mod recorded_once;
mod requests;
mod servers;
mod templates;
mod traces;

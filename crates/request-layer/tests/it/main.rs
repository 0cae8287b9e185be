//! Tests through the public API: what is recorded of a request, and under which route.

mod requests;
mod servers;
mod templates;
mod traces;

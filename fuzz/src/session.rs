//! A client of the stream that says anything.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::session(data));

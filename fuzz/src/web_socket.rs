//! A client of a WebSocket that sends any bytes in place of frames.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz_targets::web_socket(data));

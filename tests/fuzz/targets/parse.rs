//! Any bytes as one file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metricc_fuzz::parse(bytes));

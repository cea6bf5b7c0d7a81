//! Any bytes as the files of a project: checked, and built if nothing is wrong.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metricc_fuzz::check(bytes));

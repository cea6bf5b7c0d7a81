//! Any bytes as `metricc.yaml` and targets.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metricc_fuzz::config(bytes));

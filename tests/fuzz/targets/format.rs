//! Any bytes as a file that may be formatted.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    metricc_fuzz::format(bytes);
});

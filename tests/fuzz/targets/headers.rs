//! Runs [`lambdaview_fuzz::headers`] on what libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lambdaview_fuzz::headers::check(data));

//! Runs [`lambdaview_fuzz::log_lines`] on what libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lambdaview_fuzz::log_lines::check(data));

//! Runs [`lambdaview_fuzz::env_files`] on what libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lambdaview_fuzz::env_files::check(data));

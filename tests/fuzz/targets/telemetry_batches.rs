//! Runs [`lambdaview_fuzz::telemetry_batches`] on what libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lambdaview_fuzz::telemetry_batches::check(data));

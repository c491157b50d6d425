//! Runs [`lambdaview_fuzz::otlp_bodies`] on what libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lambdaview_fuzz::otlp_bodies::check(data));

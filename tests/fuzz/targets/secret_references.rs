//! Runs [`lambdaview_fuzz::secret_references`] on what libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lambdaview_fuzz::secret_references::check(data));

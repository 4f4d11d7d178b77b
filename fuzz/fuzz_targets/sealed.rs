//! See `infiniservice::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| infiniservice::fuzzing::run("sealed", bytes));

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    memo_fuzz::targets::values::run(input);
});

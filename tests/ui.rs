//! Each misuse and its message, side by side in `ui`.

#[test]
#[cfg_attr(miri, ignore)]
fn misuse_is_explained() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

//! Names and numbers that stores make up.

/// Bytes as names have them.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// What the program is called, without what cargo adds to the name of a test.
// Input: `target/debug/deps/app-0123456789abcdef`
// Output: `app`
pub(super) fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let is_hash = |end: &str| end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match name.rsplit_once('-') {
        Some((start, end)) if is_hash(end) && !start.is_empty() => start.to_owned(),
        _ if name.is_empty() => "unnamed".to_owned(),
        _ => name,
    }
}

/// A number that no other process comes by.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local!(static STATE: RandomState = RandomState::new());
    // Relaxed: only the number matters.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let random = |state: &RandomState| state.hash_one((process_id(), number));
    STATE.try_with(random).unwrap_or_else(|_| random(&RandomState::new()))
}

/// The process, which a child of `fork` has nothing else to be told by from its parent. WebAssembly
/// has no `fork`, and asking for the number would end the program.
fn process_id() -> u32 {
    if cfg!(target_family = "wasm") {
        0
    } else {
        std::process::id()
    }
}

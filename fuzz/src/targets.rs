//! The targets, and what is known of each.

pub mod files;
pub mod header;
pub mod keys;
pub mod replies;
pub mod values;

/// What is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    /// Does something with the input, and says what became of it.
    pub run: fn(&[u8]) -> u64,
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many of a thousand executions it gets.
    pub share: u64,
    /// The longest input that is made, in bytes.
    pub longest: usize,
}

macro_rules! targets {
    ($($name:ident: $share:expr, $longest:expr;)*) => {
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            run: $name::run,
            seeds: $name::seeds,
            share: $share,
            longest: $longest,
        }),*];
    };
}

// What touches files takes ten times as long as what does not.
targets! {
    values: 500, 1024;
    keys: 200, 512;
    header: 150, 512;
    replies: 110, 2048;
    files: 40, 512;
}

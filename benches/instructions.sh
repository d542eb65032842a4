#!/usr/bin/env bash
# How many instructions calls of memoized functions take: those of 20,000 calls less those of 10,000,
# by valgrind, which counts the same at every run, however busy the machine is.
#
#     benches/instructions.sh [CHECKOUT]
#
# Another checkout is measured by the same program, to compare two.
set -euo pipefail
export LC_ALL=C
memo=$(cd "${1:-$(dirname "$0")/..}" && pwd)
command -v valgrind >/dev/null || { echo "there is no valgrind" >&2 && exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET RUSTFLAGS

cargo new --quiet --vcs none "$work/calls"
cat >>"$work/calls/Cargo.toml" <<EOF
memo = { path = "$memo" }

[profile.release]
debug = "line-tables-only"
EOF
cat >"$work/calls/src/main.rs" <<'EOF'
use std::hint::black_box;

use memo::{memo, singleton};

#[memo]
fn number(x: u64) -> u64 {
    x + 1
}

#[memo]
fn text(x: &str) -> String {
    x.to_uppercase()
}

#[memo]
fn list(x: u64) -> Vec<u64> {
    vec![x; 16]
}

#[memo(ttl = "1h")]
fn expiring(x: u64) -> u64 {
    x + 1
}

#[memo]
fn cold(x: u64) -> u64 {
    x + 1
}

#[singleton]
fn shared() -> u64 {
    1
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (case, calls) = (arguments.next().unwrap(), arguments.next().unwrap());
    for call in 0..calls.parse().unwrap() {
        match case.as_str() {
            "number" => drop(black_box(number(black_box(7)))),
            "text" => drop(black_box(text(black_box("twenty bytes of text")))),
            "list" => drop(black_box(list(black_box(7)))),
            "expiring" => drop(black_box(expiring(black_box(7)))),
            "shared" => drop(black_box(shared())),
            "cold" => drop(black_box(cold(black_box(call)))),
            _ => panic!("there is no case `{case}`"),
        }
    }
}
EOF
cargo build --quiet --release --manifest-path "$work/calls/Cargo.toml"

instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/calls/target/release/calls" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
}

printf '%-10s %12s\n' call instructions
for case in number text list expiring shared cold; do
    printf '%-10s %12d\n' "$case" $((($(instructions "$case" 20000) - $(instructions "$case" 10000)) / 10000))
done

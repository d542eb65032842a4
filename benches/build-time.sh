#!/usr/bin/env bash
# What one memoized function costs a clean build, with memo and with cached: crates and seconds.
set -euo pipefail
export LC_ALL=C
memo=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET RUSTFLAGS

# crate NAME DEPENDENCY ATTRIBUTE
crate() {
    cargo new --quiet --vcs none "$work/$1-user"
    echo "$2" >>"$work/$1-user/Cargo.toml"
    cat >"$work/$1-user/src/main.rs" <<EOF
#[$3]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    println!("{}", square(4));
}
EOF
    cargo fetch --quiet --manifest-path "$work/$1-user/Cargo.toml"
}

# Those that are compiled for it, procedural macros and build scripts included.
crates() {
    cargo tree --quiet --offline --manifest-path "$work/$1-user/Cargo.toml" \
        --edges normal,build --prefix none --format '{p}' --no-dedupe | sort -u | grep -vc -- -user
}

build() {
    rm -rf "$work/$1-user/target"
    cargo build --quiet --offline --manifest-path "$work/$1-user/Cargo.toml"
}

seconds() {
    local start=$EPOCHREALTIME
    build "$1"
    awk "BEGIN { printf \"%.2f\n\", $EPOCHREALTIME - $start }"
}

crate memo "memo = { path = \"$memo\" }" memo::memo
crate cached 'cached = "4.1"' cached::macros::cached

# In turns, so that whatever else the machine does is shared.
for round in 1 2 3; do
    for name in memo cached; do
        seconds $name >>"$work/$name"
    done
done
printf '%-8s %8s %22s\n' '' crates 'clean build, median of 3'
for name in memo cached; do
    printf '%-8s %8d %20s s\n' $name "$(crates $name)" "$(sort -n "$work/$name" | sed -n 2p)"
done

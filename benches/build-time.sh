#!/usr/bin/env bash
# What memoized functions cost a build, with memo and with cached: a clean build with one of them, and
# a program of 1, 20 and 100 functions of mixed shapes over serde structs, net of the same program
# without attributes.
#
#     benches/build-time.sh [COUNT…]
#
# CPU time is the median of three builds of the program alone, its dependencies being there; lines are
# those of its LLVM IR before LLVM optimizes, the same at every run; the binary is stripped.
set -euo pipefail
export LC_ALL=C CARGO_INCREMENTAL=0
memo=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET RUSTFLAGS
systems='plain memo cached'

# types GROUP: the structs of eight functions.
types() {
    cat <<EOF
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind$1 { Any, Only(u32), Between { low: u64, high: u64 } }

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Query$1 { name: String, kind: Kind$1, tags: Vec<String>, limit: Option<u32> }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record$1 { id: u64, name: String, score: f64, tags: Vec<String>, parent: Option<u64> }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page$1 { records: Vec<Record$1>, kind: Kind$1, by_name: HashMap<String, u64> }

fn record$1(id: u64, name: &str) -> Record$1 {
    Record$1 { id, name: name.into(), score: 0.5, tags: vec![name.into()], parent: None }
}

fn query$1() -> Query$1 {
    Query$1 { name: "a".into(), kind: Kind$1::Only(1), tags: vec![], limit: None }
}

EOF
}

# function_of NUMBER GROUP: one of eight shapes.
function_of() {
    case $(($1 % 8)) in
    0) echo "fn call$1(x: u64) -> u64 { x + $1 }" ;;
    1) echo "fn call$1(x: String) -> String { x.repeat($1) }" ;;
    2) echo "fn call$1(query: Query$2) -> Record$2 { record$2($1, &query.name) }" ;;
    3) echo "fn call$1(id: u64, name: String) -> Result<Vec<u64>, String> { if id > 9 { Err(name) } else { Ok(vec![id; $1]) } }" ;;
    4) echo "fn call$1(query: Query$2, page: usize) -> Page$2 { Page$2 { records: vec![record$2(page as u64, &query.name)], kind: query.kind, by_name: HashMap::new() } }" ;;
    5) echo "fn call$1(ids: Vec<u64>) -> Vec<Record$2> { ids.iter().map(|&id| record$2(id, \"$1\")).collect() }" ;;
    6) echo "fn call$1(kind: Kind$2, at: (u32, bool)) -> Option<Record$2> { at.1.then(|| record$2(at.0.into(), &format!(\"{kind:?}\"))) }" ;;
    7) echo "fn call$1(name: String, flags: [bool; 3]) -> HashMap<String, f64> { HashMap::from([(name, flags.len() as f64 + $1.0)]) }" ;;
    esac
}

# call_of NUMBER GROUP: what `main` does with it.
call_of() {
    case $(($1 % 8)) in
    0) echo "    println!(\"{}\", call$1(1));" ;;
    1) echo "    println!(\"{}\", call$1(\"a\".into()));" ;;
    2) echo "    println!(\"{}\", call$1(query$2()).id);" ;;
    3) echo "    println!(\"{}\", call$1(1, \"a\".into()).is_ok());" ;;
    4) echo "    println!(\"{}\", call$1(query$2(), 1).records.len());" ;;
    5) echo "    println!(\"{}\", call$1(vec![1, 2]).len());" ;;
    6) echo "    println!(\"{}\", call$1(Kind$2::Any, (1, true)).is_some());" ;;
    7) echo "    println!(\"{}\", call$1(\"a\".into(), [true; 3]).len());" ;;
    esac
}

# program COUNT ATTRIBUTE
program() {
    local number
    printf '#![allow(dead_code, unused_imports)]\nuse serde::{Deserialize, Serialize};\nuse std::collections::HashMap;\n\n'
    for ((number = 0; number < $1; number += 8)); do types $((number / 8)); done
    for ((number = 0; number < $1; number++)); do
        [ -z "$2" ] || echo "#[$2]"
        function_of $number $((number / 8))
    done
    echo 'fn main() {'
    for ((number = 0; number < $1; number++)); do call_of $number $((number / 8)); done
    echo '}'
}

# use_of SYSTEM COUNT: the program, in a package whose dependencies are built once for all counts.
use_of() {
    mkdir -p "$work/$1/src"
    local dependency= attribute=
    case $1 in
    memo) dependency="memo = { path = \"$memo\" }" attribute=memo::memo ;;
    cached) dependency='cached = "4.1"' attribute=cached::macros::cached ;;
    esac
    cat >"$work/$1/Cargo.toml" <<EOF
[package]
name = "user"
version = "0.0.0"
edition = "2021"

[dependencies]
serde = { version = "1", features = ["derive"] }
$dependency
EOF
    program "$2" "$attribute" >"$work/$1/src/main.rs"
}

build() {
    cargo rustc --quiet --offline --manifest-path "$work/$1/Cargo.toml" "${@:2}"
}

# Those that are compiled for it, procedural macros and build scripts included.
crates() {
    cargo tree --quiet --offline --manifest-path "$work/$1/Cargo.toml" \
        --edges normal,build --prefix none --format '{p}' --no-dedupe | sort -u | grep -vc '^user '
}

clean_build() {
    rm -rf "$work/$1/target"
    local start=$EPOCHREALTIME
    build "$1"
    awk "BEGIN { printf \"%.1f\n\", $EPOCHREALTIME - $start }"
}

# measure SYSTEM PROFILE: CPU seconds, lines of IR, bytes of the binary.
measure() {
    local TIMEFORMAT='%U %S' options=() folder=debug level=0 round
    [ "$2" = debug ] || options=(--release) folder=release level=3
    build "$1" "${options[@]}"
    for round in 1 2 3; do
        touch "$work/$1/src/main.rs"
        { time build "$1" "${options[@]}"; } 2>&1 | awk '{ printf "%.2f\n", $1 + $2 }'
    done | sort -n | sed -n 2p
    strip -o "$work/stripped" "$work/$1/target/$folder/user"
    touch "$work/$1/src/main.rs"
    build "$1" "${options[@]}" -- --emit=llvm-ir -C no-prepopulate-passes -C codegen-units=1 \
        -C debuginfo=0 -C opt-level=$level
    cat "$work/$1/target/$folder/deps"/user-*.ll | wc -l
    rm "$work/$1/target/$folder/deps"/user-*.ll
    stat -c %s "$work/stripped"
}

printf '%-8s %8s %14s\n' '' crates 'clean build'
for system in $systems; do
    use_of $system 1
    cargo fetch --quiet --manifest-path "$work/$system/Cargo.toml"
    printf '%-8s %8d %12s s\n' $system "$(crates $system)" "$(clean_build $system)"
done
printf '\n%-9s %-8s %-8s %8s %10s %10s\n' functions profile system CPU 'IR lines' binary
[ $# -gt 0 ] || set -- 1 20 100
for count; do
    for profile in debug release; do
        for system in $systems; do
            use_of $system "$count"
            printf '%-9d %-8s %-8s %6s s %10d %7d kB\n' "$count" $profile $system \
                $(measure $system $profile | awk 'NR == 3 { $1 = int($1 / 1000) } { print $1 }')
        done
    done
done

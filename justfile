# Needs nothing but `just`; CONTRIBUTING.md says what to do without it.

# Lists what there is.
default:
    @just --list

# Checks what a change breaks most often: before each commit.
quick:
    .ci/quick

# Checks everything, as the gate does.
all:
    .ci/run

# Builds, tests and documents the packages that would be published, outside the repository.
package:
    .ci/package

# Tries the promises for some hours: docs/proof.md.
proofs:
    .ci/proofs

# Runs the tests of one kind by a part of their names: `just test it clear`.
test kind filter='':
    cargo test -p memo-tests --test {{ kind }} {{ filter }}

# Runs unit tests of the runtime by a part of their names: `just unit flight::`.
unit filter='':
    cargo test -p memo-core --all-features --lib {{ filter }}

# Writes what the compiler says of the misuses in `tests/ui`, to be read and committed.
bless filter='':
    TRYBUILD=overwrite cargo test -p memo-tests --test ui -- misuse trybuild={{ filter }}

# Runs targets with bad bytes, all or some: `just fuzz values`.
fuzz *targets:
    .ci/fuzz {{ targets }}

# Measures cases by a pattern: `just bench '^u64/'`.
bench pattern='':
    cargo bench --manifest-path benches/Cargo.toml -- '{{ pattern }}'

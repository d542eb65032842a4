//! Two functions with a cache each, and two ways to clear it: `cargo run --example quickstart`.

use memo::memo;

#[memo]
fn factorial(n: u64) -> u64 {
    println!("    computing {n}!");
    if n < 1 {
        1
    } else {
        n * factorial(n - 1)
    }
}

#[memo]
fn square(x: i64) -> i64 {
    println!("    computing {x} squared");
    x * x
}

fn main() {
    println!("5! = {}", factorial(5));
    println!("6! = {}", factorial(6)); // one multiplication: 5! is known
    println!("12² = {}", square(12));
    println!("12² = {}", square(12));

    factorial::clear();
    println!("\nfactorial::clear() forgets the factorials alone");
    println!("3! = {}", factorial(3));
    println!("12² = {}", square(12));

    memo::clear_all();
    println!("\nmemo::clear_all() forgets everything");
    println!("3! = {}", factorial(3));
    println!("12² = {}", square(12));
}

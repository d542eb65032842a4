//! A simulation over a CSV file that takes seconds the first time, and no time the second:
//! `cargo run --features disk,spinner --example simulation`, twice. `-- clear` forgets it.
//!
//! How heavy is a penguin, and how sure are we? The bootstrap's answer: draw as many birds as were
//! weighed, with replacement, take their mean, and do that often. The middle 95% of the means are the
//! interval.

use std::error::Error;
use std::fs;
use std::time::Instant;

use memo::memo;

const PENGUINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/penguins.csv");
const RESAMPLES: usize = 300_000;

/// The weights themselves are the key: correct one in the file, and it is another call. An edit of
/// this function begins anew by itself; after one of `Random`, which it calls, raise the version.
#[memo(store = "disk", version = 1, spinner = "Drawing birds…")]
fn interval(weights: &[f64], resamples: usize) -> (f64, f64) {
    let mut random = Random(1);
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| {
            let drawn = weights.iter().map(|_| weights[random.below(weights.len())]);
            drawn.sum::<f64>() / weights.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    (means[resamples / 40], means[resamples - 1 - resamples / 40])
}

/// SplitMix64, always from the same seed: a result that is kept must not depend on chance.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The upper half of the product: a number below the bound, without a division.
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

/// The weights of a species in grams; those that were not taken say `NA`.
fn weights(csv: &str, species: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut rows = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().ok_or("the file is empty")?;
    let column = |name| header.iter().position(|column| *column == name).ok_or(name);
    let (kind, weight) = (column("species")?, column("body_mass_g")?);
    let of_species = rows.filter(|row| row.get(kind) == Some(&species));
    Ok(of_species.filter_map(|row| row.get(weight)?.parse().ok()).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("clear") {
        interval::clear();
        return Ok(());
    }
    let csv = fs::read_to_string(PENGUINS)?;
    for species in ["Adelie", "Chinstrap", "Gentoo"] {
        let weights = weights(&csv, species)?;
        let start = Instant::now();
        let (low, high) = interval(&weights, RESAMPLES);
        let took = start.elapsed();
        println!("{species:<10} {low:.0} g to {high:.0} g, in {took:.1?}");
    }
    println!("{} computed, {} found on the disk", interval::stats().misses, interval::stats().hits);
    Ok(())
}

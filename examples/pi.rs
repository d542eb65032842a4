//! Digits of pi, with the expensive parts remembered: `cargo run --release --features spinner --example pi -- 50000`.

use std::error::Error;
use std::time::Instant;

use memo::memo;

/// A limb holds nine decimal digits, so that printing needs no conversion of base.
const BASE: i64 = 1_000_000_000;
const DIGITS_PER_LIMB: usize = 9;
/// Limbs beyond the digits asked for; they absorb what the divisions round off.
const GUARD_LIMBS: usize = 2;

/// Pi as a sum of `factor * arctan(1 / x)`.
type Formula = [(i64, u32)];
const MACHIN: &Formula = &[(16, 5), (-4, 239)];
const GAUSS: &Formula = &[(48, 18), (32, 57), (-20, 239)];

#[memo]
fn pi(formula: &Formula, digits: usize) -> String {
    let limbs = 1 + digits.div_ceil(DIGITS_PER_LIMB) + GUARD_LIMBS;
    let mut sum = vec![0; limbs];
    for &(factor, x) in formula {
        for (total, limb) in sum.iter_mut().zip(arctan_inverse(x, limbs)) {
            *total += factor * i64::from(limb);
        }
    }
    let pi = carried(&sum);
    let fraction: String = pi[1..].iter().map(|limb| format!("{limb:09}")).collect();
    format!("{}.{}", pi[0], &fraction[..digits])
}

/// `arctan(1 / x)` in fixed point, the most significant limb first. Formulas share arctangents,
/// so these have a cache of their own.
#[memo(spinner = "Summing the series of an arctangent…")]
fn arctan_inverse(x: u32, limbs: usize) -> Vec<u32> {
    let mut power = vec![0; limbs];
    power[0] = 1;
    divide(&mut power, x);

    let mut sum = vec![0; limbs];
    let mut start = 0;
    for (odd, sign) in (1..).step_by(2).zip([1, -1].into_iter().cycle()) {
        // The powers shrink: their leading zeros need no more work.
        start += power[start..].iter().take_while(|&&limb| limb == 0).count();
        if start == limbs {
            break;
        }
        let mut remainder = 0;
        for (total, &limb) in sum[start..].iter_mut().zip(&power[start..]) {
            *total += sign * i64::from(divide_limb(limb, odd, &mut remainder));
        }
        divide(&mut power[start..], x * x);
    }
    carried(&sum)
}

fn divide(number: &mut [u32], divisor: u32) {
    let mut remainder = 0;
    for limb in number {
        *limb = divide_limb(*limb, divisor, &mut remainder);
    }
}

fn divide_limb(limb: u32, divisor: u32, remainder: &mut u64) -> u32 {
    let dividend = *remainder * BASE as u64 + u64::from(limb);
    *remainder = dividend % u64::from(divisor);
    (dividend / u64::from(divisor)) as u32
}

/// Brings every limb back below `BASE`.
fn carried(number: &[i64]) -> Vec<u32> {
    let mut carry = 0;
    let mut limbs: Vec<u32> = number
        .iter()
        .rev()
        .map(|limb| {
            let value = limb + carry;
            carry = value.div_euclid(BASE);
            value.rem_euclid(BASE) as u32
        })
        .collect();
    limbs.reverse();
    limbs
}

fn timed(label: &str, formula: &Formula, digits: usize) -> String {
    let start = Instant::now();
    let result = pi(formula, digits);
    println!("{label}: {:?}", start.elapsed());
    result
}

fn main() -> Result<(), Box<dyn Error>> {
    let digits: usize = std::env::args().nth(1).map_or(Ok(1000), |n| n.parse())?;

    let computed = timed("Machin's formula, computed", MACHIN, digits);
    let recalled = timed("Machin's formula, from the cache", MACHIN, digits);
    let checked = timed("Gauss's formula, arctan(1/239) from the cache", GAUSS, digits);
    println!("all three agree: {}", computed == recalled && computed == checked);

    let stats = arctan_inverse::stats();
    println!("arctan_inverse: {} computed, {} from the cache\n", stats.misses, stats.hits);
    println!("{computed}");
    Ok(())
}

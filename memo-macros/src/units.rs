//! Durations like `"10m"` and sizes like `"64 MiB"`.

use std::time::Duration;

const NANOS: [(&str, u128); 10] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("min", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
    ("d", 86_400 * 1_000_000_000),
    ("w", 604_800 * 1_000_000_000),
];

const BYTES: [(&str, u128); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Reads `"10m"` or `"1h 30m"`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let nanos = amount(text, &NANOS, "a duration like `10m` or `1h 30m`")?;
    let seconds = u64::try_from(nanos / 1_000_000_000).map_err(|_| too_large(text))?;
    let rest = u32::try_from(nanos % 1_000_000_000).expect("a remainder below 10^9");
    Ok(Duration::new(seconds, rest))
}

/// Reads `"64 MiB"`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let bytes = amount(text, &BYTES, "a size like `64 MiB` or `500 MB`")?;
    u64::try_from(bytes).map_err(|_| too_large(text))
}

/// Adds up pairs of a number and a unit.
fn amount(text: &str, units: &[(&str, u128)], expected: &str) -> Result<u128, String> {
    let mut rest = text.trim();
    let mut sum = 0_u128;
    loop {
        let number =
            rest.split(|c: char| !c.is_ascii_digit() && c != '_').next().unwrap_or_default();
        let count: u128 = match number.replace('_', "") {
            digits if digits.is_empty() => return Err(format!("expected {expected}")),
            digits => digits.parse().map_err(|_| too_large(text))?,
        };
        rest = rest[number.len()..].trim_start();
        let unit = rest.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        let Some((_, scale)) = units.iter().find(|(name, _)| *name == unit) else {
            return Err(unknown_unit(unit, units));
        };
        sum = count
            .checked_mul(*scale)
            .and_then(|part| sum.checked_add(part))
            .ok_or_else(|| too_large(text))?;
        rest = rest[unit.len()..].trim_start();
        if rest.is_empty() {
            return Ok(sum);
        }
    }
}

fn unknown_unit(unit: &str, units: &[(&str, u128)]) -> String {
    let known: Vec<_> = units.iter().map(|(name, _)| format!("`{name}`")).collect();
    let known = known.join(", ");
    if unit.is_empty() {
        format!("the unit is missing: one of {known}")
    } else {
        format!("unknown unit `{unit}`: one of {known}")
    }
}

fn too_large(text: &str) -> String {
    format!("`{text}` is too large")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("1_500ms"), Ok(Duration::from_millis(1_500)));
    }

    #[test]
    fn sizes_tell_powers_of_two_from_powers_of_ten() {
        assert_eq!(bytes("64 MiB"), Ok(64 << 20));
        assert_eq!(bytes("500MB"), Ok(500_000_000));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(duration("10 parsecs").unwrap_err().starts_with("unknown unit `parsecs`"));
        assert!(duration("10").unwrap_err().starts_with("the unit is missing"));
        assert!(duration("soon").unwrap_err().starts_with("expected a duration"));
        assert!(bytes("99999999999 TiB").unwrap_err().ends_with("is too large"));
    }
}

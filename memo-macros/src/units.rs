//! Durations like `"10m"` and sizes like `"64 MiB"`.

use std::time::Duration;

/// A unit's names, the one for messages first, and what it is in the smallest.
type Unit = (&'static [&'static str], u128);

const NANOS: [Unit; 8] = [
    (&["ns", "nanos", "nanosecond", "nanoseconds"], 1),
    (&["us", "µs", "μs", "micros", "microsecond", "microseconds"], 1_000),
    (&["ms", "millis", "millisecond", "milliseconds"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], SECOND),
    (&["m", "min", "mins", "minute", "minutes"], 60 * SECOND),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600 * SECOND),
    (&["d", "day", "days"], 86_400 * SECOND),
    (&["w", "week", "weeks"], 604_800 * SECOND),
];
const SECOND: u128 = 1_000_000_000;

const BYTES: [Unit; 9] = [
    (&["B", "byte", "bytes"], 1),
    (&["KB", "kB", "kb"], 1_000),
    (&["MB", "mb"], 1_000_000),
    (&["GB", "gb"], 1_000_000_000),
    (&["TB", "tb"], 1_000_000_000_000),
    (&["KiB", "kiB", "kib"], 1 << 10),
    (&["MiB", "mib"], 1 << 20),
    (&["GiB", "gib"], 1 << 30),
    (&["TiB", "tib"], 1 << 40),
];

/// Reads `"10m"`, `"1.5h"`, `"1h 30m"` or `"1 day 10 minutes"`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let nanos = amount(text, &NANOS, "a duration like `10m`, `1.5h` or `1 day 10 minutes`")?;
    let seconds = u64::try_from(nanos / SECOND).map_err(|_| too_large(text))?;
    let rest = u32::try_from(nanos % SECOND).expect("a remainder below 10^9");
    Ok(Duration::new(seconds, rest))
}

/// Reads `"64 MiB"` or `"1.5 GB"`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let bytes = amount(text, &BYTES, "a size like `64 MiB`, `1.5 GiB` or `500 MB`")?;
    u64::try_from(bytes).map_err(|_| too_large(text))
}

/// Adds up pairs of a number and a unit.
fn amount(text: &str, units: &[Unit], expected: &str) -> Result<u128, String> {
    let mut rest = text.trim();
    let mut sum = 0_u128;
    if rest.starts_with('-') {
        return Err(format!("`{text}` is negative: expected {expected}"));
    }
    loop {
        let is_number = |c: char| c.is_ascii_digit() || c == '_' || c == '.';
        let number = rest.split(|c| !is_number(c)).next().unwrap_or_default();
        rest = rest[number.len()..].trim_start();
        let unit = rest.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        if number.is_empty() {
            return Err(format!("expected {expected}"));
        }
        let Some((_, scale)) = units.iter().find(|(names, _)| names.contains(&unit)) else {
            return Err(unknown_unit(unit, units));
        };
        sum = scaled(number, *scale)
            .ok_or_else(|| format!("`{number}` is no number: expected {expected}"))?
            .and_then(|part| sum.checked_add(part))
            .ok_or_else(|| too_large(text))?;
        rest = rest[unit.len()..].trim_start();
        if rest.is_empty() {
            return Ok(sum);
        }
    }
}

// Input:
//     "1.5" and 1_000
//
// Output:
//     1_500
/// Nothing, if it is no number; `Some(None)`, if it is too large.
fn scaled(number: &str, scale: u128) -> Option<Option<u128>> {
    let number = number.replace('_', "");
    let (whole, part) = number.split_once('.').unwrap_or((&number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let whole = whole.parse::<u128>().ok().and_then(|whole| whole.checked_mul(scale));
    // Beyond these digits there is nothing of the smallest unit left.
    let part = &part[..part.len().min(18)];
    let digits = u32::try_from(part.len()).expect("at most 18");
    let part = part.parse::<u128>().expect("at most 18 digits") * scale / 10_u128.pow(digits);
    Some(whole.and_then(|whole| whole.checked_add(part)))
}

fn unknown_unit(unit: &str, units: &[Unit]) -> String {
    let known: Vec<_> = units.iter().map(|(names, _)| format!("`{}`", names[0])).collect();
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
    fn durations_are_written_as_people_write_them() {
        for (text, seconds) in [
            ("1.5h", 5_400.0),
            ("0.5s", 0.5),
            ("1 day", 86_400.0),
            ("90 minutes", 5_400.0),
            ("1 day 10 minutes", 87_000.0),
            ("2 hrs 1 min", 7_260.0),
            ("1h30m", 5_400.0),
            ("2 weeks", 1_209_600.0),
            (" 250 millis ", 0.25),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        assert_eq!(duration("1.000000000000000000000000001s"), Ok(Duration::from_secs(1)));
    }

    #[test]
    fn sizes_tell_powers_of_two_from_powers_of_ten() {
        assert_eq!(bytes("64 MiB"), Ok(64 << 20));
        assert_eq!(bytes("500MB"), Ok(500_000_000));
        assert_eq!(bytes("500 mb"), Ok(500_000_000));
        assert_eq!(bytes("1.5 GiB"), Ok(3 << 29));
        assert_eq!(bytes("100 bytes"), Ok(100));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(duration("10 parsecs").unwrap_err().starts_with("unknown unit `parsecs`"));
        assert!(duration("10").unwrap_err().starts_with("the unit is missing"));
        assert!(duration("soon").unwrap_err().starts_with("expected a duration"));
        assert!(duration("").unwrap_err().starts_with("expected a duration"));
        assert!(duration("-1s").unwrap_err().starts_with("`-1s` is negative"));
        for text in ["1.2.3s", "1.s", ".5s", "_s"] {
            assert!(duration(text).unwrap_err().contains("is no number"), "{text}");
        }
        assert!(bytes("99999999999 TiB").unwrap_err().ends_with("is too large"));
        assert!(bytes(&format!("{} TiB", u128::MAX)).unwrap_err().ends_with("is too large"));
    }
}

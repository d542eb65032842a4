//! What a row comes to, in words.

use crate::page::Row;

/// Up to this ratio two systems are level: runs differ by as much.
pub const LEVEL: f64 = 1.05;

pub enum Verdict {
    Win,
    Level,
    Loss,
}

impl Verdict {
    pub fn of(ratio: f64) -> Self {
        match ratio {
            _ if ratio > LEVEL => Self::Loss,
            _ if ratio < 1.0 / LEVEL => Self::Win,
            _ => Self::Level,
        }
    }

    pub fn class(&self) -> &'static str {
        match self {
            Self::Win => "memo-win",
            Self::Level => "memo-level",
            Self::Loss => "memo-loss",
        }
    }

    /// What is said loudly, and the rest.
    pub fn words(&self, row: &Row) -> (String, String) {
        let (ratio, peer) = (row.ratio(), &row.peer);
        let percent = ((ratio - 1.0) * 100.0).round();
        match self {
            Self::Level if percent > 0.0 => {
                ("level".into(), format!("with {peer} ({percent} % slower)"))
            }
            Self::Level => ("level".into(), format!("with {peer}")),
            _ => (multiple(ratio), format!("than {peer}")),
        }
    }
}

/// `4.6× faster` or `12× slower`
pub fn multiple(ratio: f64) -> String {
    let (times, word) = if ratio > 1.0 { (ratio, "slower") } else { (1.0 / ratio, "faster") };
    let digits = if times < 9.95 { 1 } else { 0 };
    format!("{times:.digits$}× {word}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use memo_benches::case;

    fn words(memo: f64, peers_time: f64) -> String {
        let row = Row { case: case("u64"), memo, peer: "moka".into(), peers_time };
        let (strong, rest) = Verdict::of(row.ratio()).words(&row);
        format!("{strong} {rest}")
    }

    #[test]
    fn a_row_is_won_level_or_lost() {
        assert_eq!(words(2.0, 38.0), "19× faster than moka");
        assert_eq!(words(5.0, 8.6), "1.7× faster than moka");
        assert_eq!(words(9.9, 10.0), "level with moka");
        assert_eq!(words(10.3, 10.0), "level with moka (3 % slower)");
        assert_eq!(words(11.0, 10.0), "1.1× slower than moka");
        assert_eq!(words(120.0, 10.0), "12× slower than moka");
    }
}

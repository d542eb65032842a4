//! What a user is told of why a call would be a hit or a miss.

use std::fmt;
use std::time::Duration;

use crate::function::report::time;
use crate::function::why::Why;

/// Why the next call of a function with some arguments would be a hit or a miss.
///
/// Returned by the companion `func::explain(…)`. `Display` prints a sentence that names the function.
///
/// # Examples
///
/// ```
/// #[memo::memo(max_entries = 1)]
/// fn square(x: u64) -> u64 { x * x }
///
/// square(4);
/// square(5);
/// assert_eq!(square::explain(4).why(), &memo::Why::Evicted);
/// println!("{}", square::explain(5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    function: &'static str,
    why: Why,
}

impl Explanation {
    pub(crate) fn new(function: &'static str, why: Why) -> Self {
        Self { function, why }
    }

    /// Returns the name of the function, as [`Stats::name`](crate::Stats::name) spells it.
    #[must_use]
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// Returns why the next call would be a hit, [`Why::Hit`], or a miss.
    #[must_use]
    pub fn why(&self) -> &Why {
        &self.why
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, why } = self;
        let ago = |ago: &Duration| format!("{} ago", time(*ago));
        let what = match why {
            Why::Hit { age, left: Some(left) } => {
                let (age, left) = (ago(age), time(*left));
                return write!(
                    f,
                    "`{function}` answers with what it computed {age}, for {left} yet"
                );
            }
            Why::Hit { age, left: None } => {
                return write!(f, "`{function}` answers with what it computed {}", ago(age));
            }
            Why::InFlight { since } => {
                let since = time(*since);
                return write!(f, "`{function}` waits for a computation that began {since} ago");
            }
            Why::Never => {
                "it was not computed yet, or so long ago that nobody remembers".to_owned()
            }
            Why::Expired { ago: since } => format!("its result expired {}", ago(since)),
            Why::Evicted => "its result was evicted to make room".to_owned(),
            Why::Cleared { ago: since } => format!("its result was cleared {}", ago(since)),
            Why::Removed => "its result was removed".to_owned(),
            Why::NotStored => "its last result was not to be stored".to_owned(),
            Why::OtherVersion => {
                "its store has only results of another version of the function".to_owned()
            }
            Why::Uncacheable => "it runs uncached".to_owned(),
            Why::StoreUnreachable => "its store cannot be asked".to_owned(),
        };
        write!(f, "`{function}` computes this call: {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_a_sentence_that_names_the_function() {
        let minute = Duration::from_secs(60);
        let all = [
            Why::Hit { age: minute, left: None },
            Why::Hit { age: minute, left: Some(minute) },
            Why::Never,
            Why::Expired { ago: minute },
            Why::Evicted,
            Why::Cleared { ago: minute },
            Why::Removed,
            Why::NotStored,
            Why::OtherVersion,
            Why::Uncacheable,
            Why::InFlight { since: minute },
            Why::StoreUnreachable,
        ];
        let sentences = all.map(|why| Explanation::new("shop::price", why).to_string());
        assert!(sentences.iter().all(|it| it.starts_with("`shop::price` ") && !it.contains('\n')));
        assert_eq!(
            sentences[1],
            "`shop::price` answers with what it computed 60.0 s ago, for 60.0 s yet"
        );
        assert_eq!(sentences[3], "`shop::price` computes this call: its result expired 60.0 s ago");
    }
}

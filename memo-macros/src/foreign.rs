//! What other crates call what memo does: their options, with its words for them.

/// Options that mean the same elsewhere.
struct Foreign {
    names: &'static [&'static str],
    /// In place of `{n}` the number that was given, or this one.
    number: &'static str,
    /// What to write, by the option that this takes; the first that there is.
    with: &'static [(&'static str, &'static str)],
    /// What to know, where no option is needed.
    otherwise: &'static str,
}

const NOTHING: Foreign = Foreign { names: &[], number: "", with: &[], otherwise: "" };

const FOREIGN: &[Foreign] = &[
    Foreign {
        names: &["size", "max_size", "maxsize", "capacity", "Capacity", "max_capacity", "limit"],
        number: "1_000",
        with: &[("max_entries", "`max_entries = {n}` bounds how many there are")],
        ..NOTHING
    },
    Foreign {
        names: &["max_memory", "weight", "weigher"],
        with: &[("max_bytes", "`max_bytes = \"64 MiB\"` bounds what they take")],
        ..NOTHING
    },
    Foreign {
        names: &["time", "ttl_secs", "ttl_seconds", "time_to_live", "TimeToLive", "max_age"],
        number: "60",
        with: &[("ttl", "`ttl = \"{n}s\"` bounds how old they get")],
        ..NOTHING
    },
    Foreign {
        names: &["ttl_millis", "ttl_ms"],
        number: "500",
        with: &[("ttl", "`ttl = \"{n}ms\"` bounds how old they get")],
        ..NOTHING
    },
    Foreign {
        names: &["expires", "expire"],
        with: &[(
            "ttl",
            "`ttl = \"10m\"` bounds how old they get, and `ttl = |value| …` asks each how old it may",
        )],
        ..NOTHING
    },
    Foreign {
        names: &["tti", "time_to_idle", "time_refresh"],
        number: "60",
        with: &[("idle", "`idle = \"{n}s\"` gives up what is not asked for so long")],
        ..NOTHING
    },
    Foreign {
        names: &["session", "per_session", "per_user"],
        with: &[("scope", "`scope = \"session\"` has results of its own for each `memo::Session`")],
        ..NOTHING
    },
    Foreign {
        names: &["result"],
        otherwise: "it is always so: of a `Result` only an `Ok` is kept",
        ..NOTHING
    },
    Foreign {
        names: &["option", "cache_none"],
        with: &[(
            "cache_if",
            "`None` is a value like any; `cache_if = Option::is_some` leaves it out",
        )],
        otherwise: "`None` is a value like any",
        ..NOTHING
    },
    Foreign {
        names: &["result_fallback"],
        with: &[
            ("stale_if_error", "`stale_if_error = \"1d\"` answers with the old `Ok` for so long"),
            (
                "refresh",
                "with `refresh = \"background\"` an old value answers while its refresh fails",
            ),
        ],
        ..NOTHING
    },
    Foreign {
        names: &["with_cached_flag"],
        otherwise: "`contains(…)` tells whether a call would hit, and `stats()` how many did",
        ..NOTHING
    },
    Foreign {
        names: &["convert"],
        with: &[("key", "`key = EXPR` alone is the key, of whatever type it is")],
        ..NOTHING
    },
    Foreign {
        names: &["hash_funcs", "hasher", "CustomHasher", "HasherInit"],
        with: &[(
            "key",
            "arguments are read through serde; `key = EXPR` takes something else of them",
        )],
        ..NOTHING
    },
    Foreign {
        names: &["ignore", "Ignore", "exclude"],
        with: &[(
            "skip",
            "`skip(a, b)` leaves parameters out of the key, as an underscore before a name does",
        )],
        ..NOTHING
    },
    Foreign {
        names: &[
            "ty",
            "create",
            "unbound",
            "policy",
            "eviction_policy",
            "store_type",
            "store_init",
            "shards",
            "sync_lock",
            "unsync_reads",
        ],
        otherwise: "there is one kind of cache, and `max_entries` and `ttl` say what it keeps",
        ..NOTHING
    },
    Foreign {
        names: &["sync_writes", "sync_writes_buckets", "single_flight"],
        otherwise: "it is always so: one computation at a time for each key, and the others wait for it",
        ..NOTHING
    },
    Foreign {
        names: &["SharedCache", "shared"],
        otherwise: "it is always so: all threads share one cache",
        ..NOTHING
    },
    Foreign {
        names: &["persist", "disk"],
        with: &[("store", "`store = \"disk\"` keeps results on the disk")],
        otherwise: "what it shares ends with the process; `store = \"disk\"` is for data, an option of `#[memo]`",
        ..NOTHING
    },
    Foreign {
        names: &["disk_dir"],
        with: &[("store", "`store = DiskStore::open(\"directory\")` keeps results there")],
        otherwise: "what it shares ends with the process; `store` is for data, an option of `#[memo]`",
        ..NOTHING
    },
    Foreign {
        names: &["redis", "cache_prefix_block"],
        with: &[("store", "`store = \"redis\"` keeps results on a server")],
        otherwise: "what it shares ends with the process; `store = \"redis\"` is for data, an option of `#[memo]`",
        ..NOTHING
    },
    Foreign { names: &["map_error"], otherwise: "what a cache cannot do fails no call", ..NOTHING },
    Foreign {
        names: &["force_refresh"],
        otherwise: "the companion `refresh(…)` runs a call and replaces what is kept",
        ..NOTHING
    },
    Foreign {
        names: &["refresh_mode"],
        with: &[("refresh", "it is `refresh = \"background\"`")],
        ..NOTHING
    },
    Foreign {
        names: &["show_spinner", "show_time"],
        otherwise: "`spinner = \"Loading rows…\"` shows a computation that lasts, and for how long it has",
        ..NOTHING
    },
    Foreign {
        names: &["companions", "companions_vis"],
        otherwise: "the companions are always there, as visible as the function",
        ..NOTHING
    },
];

/// What an attribute with these options says of an option that another crate has.
pub(crate) fn advice(name: &str, given: Option<&str>, options: &[&str]) -> Option<String> {
    let foreign = FOREIGN.iter().find(|foreign| foreign.names.contains(&name))?;
    let advice = foreign.with.iter().find(|(option, _)| options.contains(option));
    let advice = advice.map_or(foreign.otherwise, |(_, advice)| advice);
    let number = given.unwrap_or(foreign.number);
    (!advice.is_empty()).then(|| advice.replace("{n}", number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_takes_the_number_that_was_given_and_the_options_that_there_are() {
        let memo = ["ttl", "max_entries", "max_bytes"];
        assert_eq!(
            advice("time", Some("30"), &memo).unwrap(),
            "`ttl = \"30s\"` bounds how old they get"
        );
        assert!(advice("size", None, &memo).unwrap().starts_with("`max_entries = 1_000`"));
        assert!(advice("tti", None, &["idle"]).unwrap().starts_with("`idle = \"60s\"`"));
        assert_eq!(advice("max_memory", None, &["ttl"]), None);
        assert_eq!(advice("lifetime", None, &memo), None);
    }
}

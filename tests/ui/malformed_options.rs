use memo::{memo, singleton};

macro_rules! each {
    ($($(#[$attribute:meta])*;)*) => {
        $(const _: () = {
            $(#[$attribute])*
            fn f(x: u32, y: u32) -> u32 {
                x + y
            }
        };)*
    };
}

each! {
    #[memo("10m")];
    #[singleton(10)];
    #[memo(ttl = "10m",,)];
    #[memo(ttl: "10m")];
    #[memo(ttl("10m"))];
    #[memo(ttl = "10m" max_entries = 3)];
    #[memo(ttl = 10s)];
    #[memo(ttl = 1.5h)];
    #[memo(max_bytes = 64MiB)];
    #[memo(key = x, y)];
    #[memo(handle = "cache")];
    #[memo(crate = "memo")];
    #[memo(skip("x"))];
    #[memo(skip(&x))];
    #[memo(skip())];
    #[memo(skip = x)];
    #[memo(store = "/var/cache")];
}

fn main() {}

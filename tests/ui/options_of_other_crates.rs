use memo::{memo, singleton};

macro_rules! each {
    ($($(#[$attribute:meta])*;)*) => {
        $(const _: () = {
            $(#[$attribute])*
            fn f(x: u32) -> u32 {
                x
            }
        };)*
    };
}

each! {
    #[memo(size = 50)];
    #[memo(max_size = 50)];
    #[memo(maxsize = 50)];
    #[memo(capacity = 50)];
    #[memo(Capacity: 50)];
    #[memo(time = 60)];
    #[memo(ttl_secs = 60)];
    #[memo(ttl_millis = 60)];
    #[memo(time_to_live = Duration::from_secs(1))];
    #[memo(expires = true)];
    #[memo(tti = 60)];
    #[memo(time_to_idle = 60)];
    #[memo(result = true)];
    #[memo(option = true)];
    #[memo(with_cached_flag = true)];
    #[memo(convert = "{ x }")];
    #[memo(ty = "Cache", create = "{ Cache::new() }")];
    #[memo(create = "{ Cache::new() }")];
    #[memo(sync_writes = true)];
    #[memo(persist = "disk")];
    #[memo(disk = true)];
    #[memo(redis = true)];
    #[memo(ignore = x)];
    #[memo(SharedCache)];
    #[memo(hash_funcs = {})];
    #[memo(show_spinner = false)];
    #[memo(refresh = true)];
    #[memo(max_memory = 1_000_000)];
    #[memo(result_fallback = true)];
    #[memo(disk_dir = "results")];
    #[memo(map_error = "|_| ()")];
    #[memo(force_refresh = "{ true }")];
    #[memo(refresh_mode = "background")];
    #[memo(companions = false)];
    #[singleton(size = 50)];
    #[singleton(time = 60)];
    #[singleton(persist = "disk")];
    #[singleton(redis = true)];
    #[singleton(disk_dir = "results")];
    #[singleton(show_spinner = false)];
}

fn main() {}

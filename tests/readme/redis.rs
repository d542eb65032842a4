use memo::{memo, store::RedisStore};

fn fleet() -> RedisStore {
    RedisStore::builder("redis://cache.example/2").prefix("shop-staging").connect()
}

#[memo(store = fleet(), ttl = "10m", flight = "fleet")]
fn render(page: &str) -> String {
    format!("<h1>{page}</h1>")
}

#[memo(store = "redis", ttl = "10m")] // the server at $MEMO_REDIS_URL, with the default prefix
fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

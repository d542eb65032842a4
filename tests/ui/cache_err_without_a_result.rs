use memo::memo;

#[memo(cache_err)]
fn find(name: &str) -> Option<usize> {
    name.find('a')
}

#[memo(cache_err)]
fn same<T: serde::Serialize + serde::de::DeserializeOwned>(value: T) -> T {
    value
}

fn main() {}

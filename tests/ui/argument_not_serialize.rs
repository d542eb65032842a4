use memo::{memo, singleton};
use std::sync::Arc;

struct Pool;

#[memo]
fn count(table: &str, pool: &Pool, limit: usize) -> usize {
    let _ = (table, pool);
    limit
}

#[singleton]
async fn buffer(_name: &str, (size, pool): (usize, Option<Pool>)) -> usize {
    let _ = pool;
    size
}

#[memo]
fn hash(digest: [u8; 64]) -> usize {
    digest.len()
}

#[singleton]
fn of_several(first: u32, second: std::rc::Rc<Pool>, third: f64) -> f64 {
    let _ = (first, second);
    third
}

trait Shared {
    fn len(&self, name: Arc<Pool>) -> usize;
}

impl Shared for u8 {
    #[memo(in_trait)]
    fn len(&self, name: Arc<Pool>) -> usize {
        let _ = name;
        1
    }
}

#[memo(key = pool)]
fn given(pool: &Pool) -> usize {
    let _ = pool;
    1
}

fn main() {}

use std::cell::Cell;
use std::rc::Rc;

use memo::memo;

struct Unclonable;

#[memo(clone)]
fn rows(table: u32) -> Vec<Unclonable> {
    let _ = table;
    vec![]
}

#[memo(clone)]
async fn shared(table: u32) -> Result<Rc<u32>, Unclonable> {
    Ok(Rc::new(table))
}

#[memo(clone, cache_err)]
fn failing(table: u32) -> Result<u32, Rc<u32>> {
    Ok(table)
}

#[memo(clone, cache_err)]
fn plain(table: u32) -> u32 {
    table
}

#[memo(clone)]
fn some<T: Clone + Send + 'static>(_value: T) -> Option<T> {
    Some(_value)
}

#[memo(clone)]
fn brief<T: Clone + Send + Sync>(_value: T) -> T {
    _value
}

struct Table(u32);

trait Cells {
    fn cells(&self) -> Cell<u32>;
}

impl Cells for Table {
    #[memo(clone, in_trait, key = self.0)]
    fn cells(&self) -> Cell<u32> {
        Cell::new(self.0)
    }
}

fn main() {}

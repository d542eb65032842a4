use std::rc::Rc;

use memo::memo;

async fn pause() {}

#[memo(detached)]
async fn held(x: u32) -> u32 {
    let x = Rc::new(x);
    pause().await;
    *x
}

struct Connection;

#[memo(detached)]
async fn not_cloned(_connection: Connection, x: u32) -> u32 {
    x
}

#[memo(detached)]
async fn not_send(x: u32) -> Rc<u32> {
    Rc::new(x)
}

fn main() {}

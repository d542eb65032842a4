use std::time::Duration;

use memo::memo;

pub struct Session {
    life: Duration,
}

fn life(session: &Session) -> Duration {
    session.life
}

#[memo(ttl = |session| session.life)]
fn by_closure(seconds: u64) -> Session {
    Session { life: Duration::from_secs(seconds) }
}

#[memo(ttl = life)]
fn by_path(seconds: u64) -> Result<Session, String> {
    Ok(Session { life: Duration::from_secs(seconds) })
}

fn main() {}

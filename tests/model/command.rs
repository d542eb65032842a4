//! What can be done, as data: so that a sequence can be made again, told to another process, and
//! made shorter.

use serde::{Deserialize, Serialize};

use crate::random::Random;

pub(crate) const KEYS: usize = 4;
pub(crate) const TAGS: [&str; 3] = ["even", "odd", "three"];
pub(crate) const SESSIONS: usize = 2;

/// The functions of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Function {
    /// Blocks.
    Now,
    /// Is `async`, so that its computations can be under way.
    Held,
    /// Has results for each session, and for who is in none.
    Mine,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Body {
    Returns(u32),
    Fails,
    Panics,
}

/// Which bytes of a store are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bytes {
    EveryResult,
    /// One of the results, as the number says.
    OneResult(usize),
    /// What the store knows of functions and tags; one of that.
    OneRecord(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Harm {
    /// Some bytes are others.
    Flipped,
    Truncated,
    Deleted,
    /// It is something else altogether.
    Replaced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    Call(Function, u8, Body),
    Refresh(Function, u8, Body),
    Insert(Function, u8, u32),
    Get(Function, u8),
    Contains(Function, u8),
    Remove(Function, u8),
    /// Keeps what is even.
    Retain(Function),
    Clear(Function),
    ClearAll,
    ClearTag(usize),
    /// What follows is in a session, in the one that is in already.
    Enter(usize),
    Leave,
    ClearSession(usize),
    /// The last of a session goes, and there is a new one.
    EndSession(usize),
    Enable(bool),
    /// A call of `Held`, or a refresh, whose body goes on until it is told to end.
    Begin(u8, bool),
    End(usize, Body),
    Drop(usize),
    /// Time passes, so many units of it.
    Pass(u32),
    /// What follows is done by the other process.
    Switch,
    /// The process is killed, and another one takes its place.
    Restart,
    /// The number says where in the bytes.
    Damage(Bytes, Harm, usize),
    /// Nobody reaches the server.
    Unplug,
    Plug,
    /// The server is killed, and has lost everything when it is there again.
    KillServer,
    StartServer,
    Flush,
}

/// What there is to be done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Memory alone, on a clock of the test's own.
    Memory,
    /// Memory alone, in processes of its own.
    Process,
    Disk,
    Server,
}

/// A sequence, from its seed alone.
pub(crate) fn sequence(kind: Kind, seed: u64, steps: usize) -> Vec<Command> {
    let mut random = Random::new(seed);
    // In some sequences the rare is frequent, and in most there is one process, of which more can be
    // said.
    let rare_in_100 = [0, 4, 10, 16][random.below(4)];
    let switches_in_100 = if kind != Kind::Memory && random.below(3) == 0 { 4 } else { 0 };
    // Where time is real, it is waited for.
    let passes_in_100 = if kind == Kind::Memory { 6 } else { 2 };
    let mood = Mood::new(&mut random);
    let (mut value, mut cure) = (0, None);
    let one = |_| {
        let chosen = random.below(100);
        let command = if chosen < rare_in_100 {
            rare(kind, mood, cure, &mut random)
        } else if chosen < rare_in_100 + switches_in_100 {
            Command::Switch
        } else if chosen < rare_in_100 + switches_in_100 + passes_in_100 {
            Command::Pass(5 * (1 + random.below(4)) as u32)
        } else {
            usual(mood, &mut random, &mut value)
        };
        match command {
            Command::Unplug => cure = Some(Command::Plug),
            Command::KillServer => cure = Some(Command::StartServer),
            Command::Plug | Command::StartServer => cure = None,
            _ => {}
        }
        command
    };
    (0..steps).map(one).collect()
}

/// What a sequence is about: what needs many steps of one kind hardly comes about among all kinds.
#[derive(Clone, Copy)]
struct Mood {
    /// Hardly anything is done to others.
    favourite: Option<Function>,
    /// Little is cleared.
    is_calm: bool,
    /// Nothing happens to a server but that nobody reaches it.
    is_remote: bool,
}

impl Mood {
    fn new(random: &mut Random) -> Self {
        let favourite = [None, None, Some(Function::Now), Some(Function::Held)][random.below(4)];
        Self { favourite, is_calm: random.below(2) == 0, is_remote: random.below(2) == 0 }
    }
}

fn usual(mood: Mood, random: &mut Random, value: &mut u32) -> Command {
    let functions = [Function::Now, Function::Held, Function::Mine];
    let any = functions[[0, 0, 0, 1, 1, 1, 2][random.below(7)]];
    let function = mood.favourite.filter(|_| random.below(8) > 0).unwrap_or(any);
    let key = random.below(KEYS) as u8;
    *value += 1;
    let body = match random.below(8) {
        0 => Body::Fails,
        1 => Body::Panics,
        _ => Body::Returns(*value),
    };
    match random.below(48) {
        30..=33 if mood.is_calm && random.below(4) > 0 => Command::Get(function, key),
        0..=11 => Command::Call(function, key, body),
        12..=14 => Command::Refresh(function, key, body),
        15..=17 => Command::Insert(function, key, *value),
        18..=22 => Command::Get(function, key),
        23..=25 => Command::Contains(function, key),
        26..=28 => Command::Remove(function, key),
        29 => Command::Retain(function),
        30 => Command::Clear(function),
        31 if random.below(2) == 0 => Command::ClearAll,
        31..=33 => Command::ClearTag(random.below(TAGS.len())),
        34..=35 => Command::Enter(random.below(SESSIONS)),
        36 => Command::Leave,
        37 if random.below(2) == 0 => Command::ClearSession(random.below(SESSIONS)),
        37 => Command::EndSession(random.below(SESSIONS)),
        38..=41 => Command::Begin(key, random.below(3) == 0),
        42..=46 => Command::End(random.below(3), body),
        _ => Command::Drop(random.below(3)),
    }
}

fn rare(kind: Kind, mood: Mood, cure: Option<Command>, random: &mut Random) -> Command {
    if let Some(cure) = cure.filter(|_| random.below(2) == 0) {
        return cure;
    }
    if kind == Kind::Memory || random.below(6) == 0 {
        return Command::Enable(random.below(3) > 0);
    }
    if kind == Kind::Server && mood.is_remote && cure.is_none() {
        return Command::Unplug;
    }
    if kind == Kind::Process || random.below(4) == 0 {
        return Command::Restart;
    }
    let harms = [Harm::Flipped, Harm::Truncated, Harm::Deleted, Harm::Replaced];
    let harm = harms[random.below(harms.len())];
    let bytes = match random.below(8) {
        0..=2 => Bytes::EveryResult,
        3..=6 => Bytes::OneResult(random.below(100)),
        _ => Bytes::OneRecord(random.below(100)),
    };
    if kind == Kind::Disk || random.below(3) == 0 {
        return Command::Damage(bytes, harm, random.below(1 << 16));
    }
    match random.below(4) {
        _ if cure.is_some() => Command::Restart,
        0 => Command::Flush,
        1 => Command::KillServer,
        _ => Command::Unplug,
    }
}

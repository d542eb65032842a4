//! The processes of a sequence, and the store behind them.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::Duration;
use std::{env, process, thread};

use memo::store::DiskStore;

use crate::actor::{Actor, Answer};
use crate::command::{Bytes, Command, Harm};
use crate::common::random;
use crate::functions::{suites, Suite, UNIT};
use crate::processes::Child;
use crate::removing::remove;
#[cfg(all(unix, feature = "redis"))]
use crate::served::Served;

/// Who does what is done.
pub(crate) enum Player {
    Here(Box<Actor>),
    There(Child),
}

impl Player {
    fn act(&mut self, command: Command) -> Answer {
        match self {
            Self::Here(actor) => actor.act(command),
            Self::There(child) => {
                let answer = child.ask(&serde_json::to_string(&command).unwrap());
                serde_json::from_str(&answer).unwrap_or_else(|why| panic!("{answer}: {why}"))
            }
        }
    }
}

/// How long a unit of time is for a process.
pub(crate) const UNIT_OF_PROCESSES: Duration = Duration::from_millis(4);

/// What a process does that is told commands; the first line says with which functions.
pub(crate) fn role(line: &str) -> String {
    thread_local!(static ACTOR: RefCell<Option<Actor>> = const { RefCell::new(None) });
    ACTOR.with_borrow_mut(|actor| match actor {
        Some(actor) => {
            let answer = actor.act(serde_json::from_str(line).unwrap());
            serde_json::to_string(&answer).unwrap()
        }
        None => {
            UNIT.get_or_init(|| UNIT_OF_PROCESSES);
            let suite = suites().into_iter().find(|suite| suite.name == line).expect("a suite");
            *actor = Some(Actor::new(suite, |units| thread::sleep(UNIT_OF_PROCESSES * units)));
            "ready".into()
        }
    })
}

/// A directory of a test's own, gone with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let name = format!("memo-model-{}-{:016x}", process::id(), random());
        Self(env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Where results are beyond a process.
pub(crate) enum Place {
    Memory(fn() -> Suite),
    Processes(&'static str),
    #[cfg(all(unix, feature = "redis"))]
    Server(&'static str, Served),
}

/// What one sequence is played on.
pub(crate) struct Stage<'p> {
    place: &'p Place,
    scratch: Scratch,
    players: [Option<Player>; 2],
}

impl<'p> Stage<'p> {
    pub(crate) fn new(place: &'p Place) -> Self {
        #[cfg(all(unix, feature = "redis"))]
        if let Place::Server(_, served) = place {
            served.begin();
        }
        Self { place, scratch: Scratch::new(), players: [None, None] }
    }

    fn player(&mut self, at: usize) -> &mut Player {
        let (place, scratch) = (self.place, &self.scratch);
        self.players[at].get_or_insert_with(|| match place {
            Place::Memory(suite) => {
                let advance = |units| memo::advance(crate::MINUTE * units);
                Player::Here(Box::new(Actor::new(suite(), advance)))
            }
            Place::Processes(suite) => Player::There(start(suite, scratch, &[])),
            #[cfg(all(unix, feature = "redis"))]
            Place::Server(suite, served) => {
                Player::There(start(suite, scratch, &[("MEMO_REDIS_URL", &served.url())]))
            }
        })
    }

    /// Does it; what a process answers, if it is for one.
    pub(crate) fn perform(&mut self, command: Command, at: usize) -> Option<Answer> {
        match command {
            // It is there from now on.
            Command::Switch => drop(self.player(1 - at)),
            // Killed, whatever it does.
            Command::Restart => self.players[at] = None,
            Command::Damage(bytes, harm, at) => self.damage(bytes, harm, at),
            Command::Unplug | Command::KillServer | Command::Flush => self.disturb(command),
            Command::Plug | Command::StartServer => {
                self.disturb(command);
                for player in self.players.iter_mut().flatten() {
                    player.act(command);
                }
            }
            _ => return Some(self.player(at).act(command)),
        }
        None
    }

    fn disturb(&self, command: Command) {
        match self.place {
            #[cfg(all(unix, feature = "redis"))]
            Place::Server(_, served) => served.disturb(command),
            _ => unreachable!("{command:?} without a server"),
        }
    }

    fn damage(&self, bytes: Bytes, harm: Harm, at: usize) {
        match self.place {
            #[cfg(all(unix, feature = "redis"))]
            Place::Server(_, served) => served.damage(bytes, harm, at),
            _ => damage_files(self.scratch.path(), bytes, harm, at),
        }
    }
}

fn start(suite: &str, scratch: &Scratch, variables: &[(&str, &str)]) -> Child {
    let mut program = Program::new(env::current_exe().unwrap());
    // `clear_all` clears what is on the disk, whatever store there is.
    program.env("MEMO_CACHE_DIR", scratch.path()).envs(variables.iter().copied());
    let mut child = Child::start(program, "model");
    assert_eq!(child.ask(suite), "ready");
    child
}

/// Which of all is meant; nothing, if there is none.
pub(crate) fn chosen<T>(mut results: Vec<T>, mut records: Vec<T>, bytes: Bytes) -> Vec<T> {
    match bytes {
        Bytes::EveryResult => results,
        Bytes::OneResult(nth) if !results.is_empty() => {
            vec![results.swap_remove(nth % results.len())]
        }
        Bytes::OneRecord(nth) if !records.is_empty() => {
            vec![records.swap_remove(nth % records.len())]
        }
        _ => Vec::new(),
    }
}

fn damage_files(directory: &Path, bytes: Bytes, harm: Harm, at: usize) {
    let results: Vec<_> =
        DiskStore::open(directory).entries().into_iter().map(|entry| entry.path).collect();
    let mut records = Vec::new();
    files(directory, &mut records);
    records.retain(|path| !results.contains(path));
    for path in chosen(results, records, bytes) {
        // A sweeper may have been faster.
        let Ok(mut bytes) = fs::read(&path) else { continue };
        let _ = match harm {
            Harm::Flipped if !bytes.is_empty() => {
                let len = bytes.len();
                bytes[at / 8 % len] ^= 1 << (at % 8);
                fs::write(&path, bytes)
            }
            Harm::Truncated if !bytes.is_empty() => {
                bytes.truncate(at % bytes.len());
                fs::write(&path, bytes)
            }
            Harm::Deleted => fs::remove_file(&path),
            _ => fs::write(&path, "something else"),
        };
    }
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

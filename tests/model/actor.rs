//! What does the commands: in this process, or in one that is told them by lines.

use std::future::{poll_fn, Future};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use memo::{Session, Stats};
use serde::{Deserialize, Serialize};

use crate::command::{Body, Command, Function, SESSIONS, TAGS};
use crate::functions::{Companions, Outcome, Pending, Suite, NEXT, RAN};
use crate::schedule::{block_on, Runs, Task};

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    Nothing,
    Value(Option<u32>),
    Fails,
    Panics,
    Is(bool),
    Count(usize),
    /// A body is under way.
    Begun,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) said: Said,
    /// How many bodies ran, calls were hits, calls were misses, and errors stores had for it.
    pub(crate) ran: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) errors: u64,
    /// What there is in memory, of `Now`, of `Held`, and of `Mine` of all sessions.
    pub(crate) entries: [usize; 3],
}

pub(crate) struct Actor {
    suite: Suite,
    runs: &'static Runs,
    flights: Vec<(usize, Task<Outcome>)>,
    sessions: Vec<Session>,
    entered: Vec<usize>,
    advance: fn(u32),
}

/// A key that no sequence has.
const NOBODYS: u8 = 200;
/// How long a server that is there again is waited for.
const RECOVERY: Duration = Duration::from_secs(60);

impl Actor {
    pub(crate) fn new(suite: Suite, advance: fn(u32)) -> Self {
        // `clear_all` and `clear_tag` reach the stores that functions have opened.
        for companions in [&suite.now.companions, &suite.held] {
            (companions.get)(NOBODYS);
        }
        Self {
            suite,
            // The futures are `'static`.
            runs: Box::leak(Box::new(Runs::new())),
            flights: Vec::new(),
            sessions: (0..SESSIONS).map(|_| Session::new()).collect(),
            entered: Vec::new(),
            advance,
        }
    }

    fn stats(&self) -> [Stats; 3] {
        let companions =
            [&self.suite.now.companions, &self.suite.held, &self.suite.mine.companions];
        companions.map(|companions| (companions.stats)())
    }

    pub(crate) fn act(&mut self, command: Command) -> Answer {
        let sum = |stats: &[Stats; 3], of: fn(&Stats) -> u64| stats.iter().map(of).sum::<u64>();
        let (before, ran) = (self.stats(), self.ran());
        let (sessions, entered) = (self.sessions.clone(), self.entered.clone());
        let mut said = Said::Nothing;
        within(&sessions, &entered, &mut || said = self.act_here(command));
        drop(sessions);
        let after = self.stats();
        let more = |of: fn(&Stats) -> u64| sum(&after, of) - sum(&before, of);
        Answer {
            said,
            ran: self.ran() - ran,
            hits: more(|stats| stats.hits),
            misses: more(|stats| stats.misses),
            errors: more(|stats| stats.store_errors),
            entries: after.each_ref().map(|stats| stats.entries),
        }
    }

    fn ran(&self) -> u64 {
        RAN.get() + self.runs.count() as u64
    }

    fn companions(&self, function: Function) -> &Companions {
        match function {
            Function::Now => &self.suite.now.companions,
            Function::Held => &self.suite.held,
            Function::Mine => &self.suite.mine.companions,
        }
    }

    fn act_here(&mut self, command: Command) -> Said {
        match command {
            Command::Call(function, key, body) => self.compute(function, key, body, false),
            Command::Refresh(function, key, body) => self.compute(function, key, body, true),
            Command::Insert(function, key, value) => {
                (self.companions(function).insert)(key, Ok(value));
                Said::Nothing
            }
            Command::Get(function, key) => {
                let found = (self.companions(function).get)(key);
                Said::Value(found.map(|found| found.expect("errors are not stored")))
            }
            Command::Contains(function, key) => Said::Is((self.companions(function).contains)(key)),
            Command::Remove(function, key) => Said::Is((self.companions(function).remove)(key)),
            Command::Retain(function) => {
                self.companions(function).retain.map_or(Said::Nothing, |it| Said::Count(it()))
            }
            Command::Begin(key, is_refresh) => self.begin(key, is_refresh, None),
            Command::End(nth, body) => self.end(nth, body),
            Command::Plug | Command::StartServer => {
                self.wait_for_store();
                Said::Nothing
            }
            _ => {
                self.change(command);
                Said::Nothing
            }
        }
    }

    fn change(&mut self, command: Command) {
        match command {
            Command::Clear(function) => (self.companions(function).clear)(),
            Command::ClearAll => memo::clear_all(),
            Command::ClearTag(tag) => memo::clear_tag(TAGS[tag]),
            Command::Enter(session) => self.entered.push(session),
            Command::Leave => drop(self.entered.pop()),
            Command::ClearSession(session) => self.sessions[session].clear(),
            Command::EndSession(session) => self.sessions[session] = Session::new(),
            Command::Enable(is_on) => memo::set_enabled(is_on),
            Command::Drop(nth) => drop(self.flights.remove(nth)),
            Command::Pass(units) => (self.advance)(units),
            _ => unreachable!("{command:?} is not for a process"),
        }
    }

    fn compute(&mut self, function: Function, key: u8, body: Body, is_refresh: bool) -> Said {
        let blocking = match function {
            Function::Now => &self.suite.now,
            Function::Mine => &self.suite.mine,
            Function::Held => return self.begin(key, is_refresh, Some(body)),
        };
        NEXT.set(body);
        let call = if is_refresh { blocking.refresh } else { blocking.call };
        said(catch_unwind(|| call(key)))
    }

    /// Goes on with a call until it is in its body, or to the end.
    fn begin(&mut self, key: u8, is_refresh: bool, body: Option<Body>) -> Said {
        let begin = if is_refresh { self.suite.refresh } else { self.suite.begin };
        let pending: Pending = begin(key, self.runs);
        let (mut task, run) = (Task::new(pending), self.runs.count());
        let found = block_on(poll_fn(|context| {
            let polled = Pin::new(&mut task).poll(context);
            match polled {
                Poll::Pending if self.runs.count() > run => Poll::Ready(None),
                polled => polled.map(Some),
            }
        }));
        match (found, body) {
            (Some(found), _) => said(Ok(found)),
            (None, None) => {
                self.flights.push((run, task));
                Said::Begun
            }
            (None, Some(body)) => self.finish(run, task, body),
        }
    }

    fn end(&mut self, nth: usize, body: Body) -> Said {
        let (run, task) = self.flights.remove(nth);
        self.finish(run, task, body)
    }

    fn finish(&self, run: usize, mut task: Task<Outcome>, body: Body) -> Said {
        self.runs.end(run, body.into());
        said(catch_unwind(AssertUnwindSafe(|| block_on(&mut task))))
    }

    /// Until every function is answered by its store.
    fn wait_for_store(&self) {
        let start = Instant::now();
        for companions in [&self.suite.now.companions, &self.suite.held] {
            let errors = || (companions.stats)().store_errors;
            loop {
                let before = errors();
                // Where a tag is still to be cleared, a look does not ask.
                (companions.remove)(NOBODYS);
                if errors() == before {
                    break;
                }
                assert!(start.elapsed() < RECOVERY, "the server is not used again");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        memo::set_enabled(true);
    }
}

/// Does it in one session in another.
fn within(sessions: &[Session], entered: &[usize], act: &mut dyn FnMut()) {
    match entered.split_first() {
        None => act(),
        Some((first, rest)) => sessions[*first].enter(|| within(sessions, rest, act)),
    }
}

fn said(result: std::thread::Result<Outcome>) -> Said {
    match result {
        Ok(Ok(value)) => Said::Value(Some(value)),
        Ok(Err(_)) => Said::Fails,
        Err(_) => Said::Panics,
    }
}

//! What a process may answer: the reference. It holds what each process has in memory, what the store
//! has, and what could not be told to the store.

use std::collections::{BTreeMap, BTreeSet};

use crate::actor::{Answer, Said};
use crate::belief::{Belief, Cell, Held, Span, Void};
use crate::command::{Body, Command, Function};
use crate::process::{Flight, Process, Setting, FLIGHTS};

#[derive(Debug)]
pub(crate) struct Model {
    pub(super) setting: Setting,
    pub(super) processes: [Process; 2],
    pub(super) at: usize,
    /// The other process has done something.
    pub(super) are_two: bool,
    pub(super) store: BTreeMap<Cell, Belief>,
    /// What is void by a tag that was cleared, or may be damaged, and takes room in the store all the
    /// same, as what could not be cleared does: to remove it may be said to have removed something.
    pub(super) leftovers: BTreeSet<Cell>,
    /// A clear that could not be told before was told in this step, and voids what is computed in it.
    pub(super) made_up: bool,
    pub(super) is_reachable: bool,
    pub(super) is_running: bool,
    /// What the store knows of functions and tags was damaged. It may notice at any time from now on,
    /// and lose what it has.
    pub(super) is_shaken: bool,
}

impl Model {
    pub(crate) fn new(setting: Setting) -> Self {
        let processes = [Process::new(), Process::new()];
        let (is_reachable, is_running, is_shaken) = (true, true, false);
        let (store, leftovers) = (BTreeMap::new(), BTreeSet::new());
        Self {
            setting,
            processes,
            at: 0,
            are_two: false,
            store,
            leftovers,
            made_up: false,
            is_reachable,
            is_running,
            is_shaken,
        }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn here(&mut self) -> &mut Process {
        &mut self.processes[self.at]
    }

    fn cell(&self, function: Function, key: u8) -> Cell {
        let session = self.processes[self.at].entered.last().copied();
        Cell { function, session: session.filter(|_| function == Function::Mine), key }
    }

    /// Whether the store has the function's results.
    pub(super) fn is_stored(&self, function: Function) -> bool {
        self.setting.has_store && function != Function::Mine
    }

    pub(super) fn is_in_memory(&self, function: Function) -> bool {
        self.setting.has_memory || function == Function::Mine
    }

    /// Whether it can be done now; what cannot is left out.
    pub(crate) fn allows(&self, command: Command) -> bool {
        let here = &self.processes[self.at];
        // Of two refreshes of a call that are under way at once, a store keeps neither result, though memory has
        // that of the one that began last.
        let is_overtaken = |flight: &Flight| {
            let is_later = |other: &Flight| other.number > flight.number && other.is_refresh;
            let mut same = here.flights.iter().filter(|other| other.key == flight.key);
            self.setting.has_store && flight.is_refresh && same.any(is_later)
        };
        let flies = |key| here.flights.iter().any(|it| it.key == key && !it.is_fenced);
        match command {
            // It would wait for what only a later command ends.
            Command::Call(Function::Held, key, _) => !flies(key) || !here.is_enabled,
            Command::Begin(key, is_refresh) => {
                here.is_enabled && here.flights.len() < FLIGHTS && (is_refresh || !flies(key))
            }
            Command::Refresh(..) | Command::Insert(..) => here.is_enabled,
            Command::Get(..) | Command::Contains(..) | Command::Remove(..) => here.is_enabled,
            Command::Retain(function) => !self.is_stored(function),
            Command::End(nth, Body::Returns(_)) if !self.setting.is_strict => {
                here.flights.get(nth).is_some_and(|flight| !is_overtaken(flight))
            }
            Command::End(nth, _) | Command::Drop(nth) => nth < here.flights.len(),
            Command::Enter(_) => here.entered.len() < 3,
            Command::Leave => !here.entered.is_empty(),
            // A server that is being tampered with is there.
            Command::Damage(..) | Command::Flush | Command::Unplug => self.is_reachable,
            Command::KillServer => self.is_running && self.is_reachable,
            Command::Plug => !self.is_reachable && self.is_running,
            Command::StartServer => !self.is_running,
            _ => true,
        }
    }

    /// What the answer says.
    ///
    /// # Errors
    /// It may not be that.
    pub(crate) fn check(
        &mut self,
        command: Command,
        answer: &Answer,
        at: Span,
    ) -> Result<(), String> {
        let said = &answer.said;
        self.made_up = false;
        match command {
            Command::Call(function, key, _)
            | Command::Refresh(function, key, _)
            | Command::Insert(function, key, _)
            | Command::Get(function, key)
            | Command::Contains(function, key) => self.make_up(self.cell(function, key), at),
            Command::Begin(key, _) => self.make_up(self.cell(Function::Held, key), at),
            // A removal is told, and nothing besides.
            _ => {}
        }
        match command {
            Command::Call(function, key, body) => {
                self.call(self.cell(function, key), body, answer, at)?
            }
            Command::Refresh(function, key, body) => {
                let cell = self.cell(function, key);
                expect(said, &ended(body))?;
                self.refreshed(cell, body, at);
            }
            Command::Insert(function, key, value) => {
                let cell = self.cell(function, key);
                self.void(Void::Call(cell), at);
                self.put(cell, value, at);
            }
            Command::Get(function, key) => {
                let cell = self.cell(function, key);
                match said {
                    Said::Value(Some(value)) => self.found(cell, *value, false, at)?,
                    _ => self.missed(cell, at)?,
                }
            }
            Command::Contains(function, key) | Command::Remove(function, key) => {
                let cell = self.cell(function, key);
                let is_removal = matches!(command, Command::Remove(..));
                match said {
                    Said::Is(true) if is_removal && self.may_be_left(cell) => {}
                    Said::Is(true) => self.is_there(cell, at)?,
                    _ => self.missed(cell, at)?,
                }
                if is_removal {
                    self.leftovers.remove(&cell);
                    self.void(Void::Call(cell), at);
                }
            }
            Command::Begin(key, is_refresh) => self.begin(key, is_refresh, said, at)?,
            Command::End(nth, body) => {
                let flight = self.here().flights.remove(nth);
                expect(said, &ended(body))?;
                self.ended(flight, body, at);
            }
            Command::Retain(function) => self.retain(function, said, at)?,
            _ => self.change(command, at),
        }
        self.counts(command, answer, at)
    }

    /// Whether something may take the room of a result that no look finds.
    fn may_be_left(&self, cell: Cell) -> bool {
        if self.setting.is_strict {
            return false;
        }
        let mut pending = self.processes[self.at].pending.iter();
        let is_pending = pending.any(|(void, _)| void.reaches(cell));
        let may_be_left = self.leftovers.contains(&cell) || self.is_shaken || is_pending;
        may_be_left && self.is_stored(cell.function)
    }

    fn call(&mut self, cell: Cell, body: Body, answer: &Answer, at: Span) -> Result<(), String> {
        let is_enabled = self.processes[self.at].is_enabled;
        if answer.ran == 0 {
            let Said::Value(Some(value)) = answer.said else {
                return Err("no body ran, and there is no result".into());
            };
            if !is_enabled {
                return Err("it was to run".into());
            }
            return self.found(cell, value, true, at);
        }
        expect(&answer.said, &ended(body))?;
        if is_enabled {
            self.missed(cell, at)?;
            if let Body::Returns(value) = body {
                self.put(cell, value, at);
            }
        }
        Ok(())
    }

    /// A refresh has ended, before which all computations of the call in this process began.
    fn refreshed(&mut self, cell: Cell, body: Body, at: Span) {
        match body {
            Body::Returns(value) => {
                self.void(Void::Call(cell), at);
                self.put(cell, value, at);
            }
            _ if !self.is_reachable => self.may_be_removed(cell),
            _ => {}
        }
    }

    fn begin(&mut self, key: u8, is_refresh: bool, said: &Said, at: Span) -> Result<(), String> {
        let cell = Cell { function: Function::Held, session: None, key };
        match said {
            Said::Begun => {}
            Said::Value(Some(value)) if !is_refresh => return self.found(cell, *value, true, at),
            _ => return Err("neither a body nor a result".into()),
        }
        if !is_refresh {
            self.missed(cell, at)?;
        }
        let is_doubtful = !self.is_reachable || self.made_up || self.is_shaken;
        let here = self.here();
        let is_unheard = |(void, until): &(Void, _)| void.reaches(cell) && at.early <= *until;
        let is_unsure = is_doubtful || here.unheard.iter().any(is_unheard);
        let number = here.begun;
        here.begun += 1;
        let (is_fenced, until) = (false, None);
        here.flights.push(Flight { key, number, is_refresh, is_fenced, until, is_unsure });
        Ok(())
    }

    /// What a computation that was under way leaves.
    fn ended(&mut self, flight: Flight, body: Body, at: Span) {
        let cell = flight.cell();
        let Body::Returns(value) = body else {
            if flight.is_refresh && flight.is_unsure {
                self.may_be_removed(cell);
            }
            return;
        };
        let is_void = flight.is_fenced || flight.until.is_some();
        // It takes what is in the store for older than its own, which is older still.
        if is_void && flight.is_refresh && !self.setting.is_strict {
            self.may_be_removed(cell);
        }
        if flight.is_fenced {
            return;
        }
        if let Some(until) = flight.until {
            // The store does not take it, and memory gives it up when it hears why. What there was in
            // memory may be told to go by then, and may not.
            let mut belief = Belief::sure(Held::new(value, at));
            belief.void_from(until);
            let memory = self.here().memory.entry(cell).or_default();
            memory.must = false;
            memory.may.extend(belief.may);
            return self.fence_older(&flight);
        }
        if flight.is_unsure || !self.processes[self.at].is_enabled {
            self.doubt(cell, Held::new(value, at));
        } else if flight.is_refresh {
            self.void_elsewhere(Void::Call(cell), at);
            self.put(cell, value, at);
        } else {
            self.put(cell, value, at);
        }
        self.fence_older(&flight);
    }

    fn fence_older(&mut self, flight: &Flight) {
        for other in &mut self.here().flights {
            other.is_fenced |= other.key == flight.key && other.number < flight.number;
        }
    }
}

fn ended(body: Body) -> Said {
    match body {
        Body::Returns(value) => Said::Value(Some(value)),
        Body::Fails => Said::Fails,
        Body::Panics => Said::Panics,
    }
}

fn expect(said: &Said, expected: &Said) -> Result<(), String> {
    if said == expected {
        return Ok(());
    }
    Err(format!("it was to be {expected:?}"))
}

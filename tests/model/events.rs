//! What happens to functions, processes and the store, and what it leaves in doubt.

use std::time::Duration;

use crate::belief::{Span, Void};
use crate::command::{Bytes, Command, Function, Harm};
use crate::model::Model;
use crate::process::Process;

/// Until the server is there again.
const OUTAGE: Duration = Duration::MAX;

impl Model {
    /// Nothing need be there any more.
    fn doubt_all(&mut self, at: Span) {
        self.store.values_mut().for_each(|belief| belief.must = false);
        let until = at.late + self.setting.bound;
        for process in &mut self.processes {
            process.flights.iter_mut().for_each(|flight| flight.is_unsure = true);
            process.unheard.push((Void::All, until));
        }
    }

    /// Who has not heard of something by now hears of it when the server is there again, so long after.
    fn hear(&mut self, is_heard: impl Fn(Duration) -> bool, until: Duration) {
        for process in &mut self.processes {
            let held = process.memory.values_mut().flat_map(|belief| &mut belief.may);
            let ends = held.map(|held| &mut held.until);
            let flights = process.flights.iter_mut().map(|flight| &mut flight.until);
            for end in ends.chain(flights).flatten().filter(|end| is_heard(**end)) {
                *end = until;
            }
        }
    }

    pub(super) fn change(&mut self, command: Command, at: Span) {
        let session = self.here().entered.last().copied();
        match (command, session) {
            (Command::Clear(Function::Mine), Some(session)) => {
                self.void(Void::Within(Function::Mine, session), at);
            }
            (Command::Clear(function), _) => self.void(Void::Function(function), at),
            (Command::ClearAll, _) => self.void(Void::All, at),
            (Command::ClearTag(tag), _) => self.void(Void::Tag(tag), at),
            (Command::ClearSession(session) | Command::EndSession(session), _) => {
                let memory = &mut self.here().memory;
                memory.retain(|cell, _| !Void::Session(session).reaches(*cell));
            }
            (Command::Enter(session), _) => self.here().entered.push(session),
            (Command::Leave, _) => drop(self.here().entered.pop()),
            (Command::Enable(is_on), _) => self.here().is_enabled = is_on,
            (Command::Drop(nth), _) => drop(self.here().flights.remove(nth)),
            (Command::Switch, _) => {
                self.at = 1 - self.at;
                self.are_two = true;
            }
            (Command::Restart, _) => *self.here() = Process::new(),
            _ => self.suffer(command, at),
        }
    }

    /// Something is done to the store.
    fn suffer(&mut self, command: Command, at: Span) {
        match command {
            // One bit may be of bytes that say nothing; and which the results are, what is known of
            // functions says.
            Command::Damage(Bytes::EveryResult, harm, _)
                if harm != Harm::Flipped && !self.is_shaken =>
            {
                self.leftovers.extend(self.store.keys());
                self.store.clear();
            }
            Command::Damage(Bytes::EveryResult | Bytes::OneResult(_), ..) => {
                self.leftovers.extend(self.store.keys());
                self.store.values_mut().for_each(|belief| belief.must = false);
            }
            Command::Damage(Bytes::OneRecord(_), ..) => {
                self.is_shaken = true;
                self.doubt_all(at);
            }
            Command::Flush => {
                self.doubt_all(at);
                self.store.clear();
            }
            Command::Unplug | Command::KillServer => {
                self.is_reachable = false;
                self.doubt_all(at);
                if command == Command::KillServer {
                    self.is_running = false;
                    self.store.clear();
                }
                self.hear(|end| end >= at.early, OUTAGE);
            }
            Command::Plug | Command::StartServer => {
                (self.is_reachable, self.is_running) = (true, true);
                self.doubt_all(at);
                let until = at.late + self.setting.bound;
                self.hear(|end| end == OUTAGE, until);
            }
            _ => {}
        }
    }
}

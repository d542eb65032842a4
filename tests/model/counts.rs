//! What is counted: bodies, hits, misses, errors of a store, and what is in memory.

use crate::actor::{Answer, Said};
use crate::belief::{Cell, Held, Span};
use crate::command::{Command, Function};
use crate::model::Model;

impl Model {
    pub(super) fn retain(
        &mut self,
        function: Function,
        said: &Said,
        at: Span,
    ) -> Result<(), String> {
        let session = self.processes[self.at].entered.last().copied();
        let time = self.setting.time;
        let is_here = |cell: &Cell| {
            cell.function == function && (function != Function::Mine || cell.session == session)
        };
        let memory = &mut self.processes[self.at].memory;
        let (mut least, mut most) = (0, 0);
        for (_, belief) in memory.iter_mut().filter(|(cell, _)| is_here(cell)) {
            let is_odd = |held: &Held| held.value % 2 == 1 && held.may_be_found(at, time);
            most += usize::from(belief.may.iter().any(is_odd));
            let goes = belief.must_be_found(at, time) && belief.may.iter().all(is_odd);
            least += usize::from(goes);
            belief.may.retain(|held| held.value % 2 == 0);
        }
        match said {
            Said::Count(count) if (least..=most).contains(count) => Ok(()),
            _ => Err(format!("{least} to {most} were to go")),
        }
    }

    /// Bodies, hits and misses are counted exactly, entries as far as is known how many there are.
    pub(super) fn counts(&self, command: Command, answer: &Answer, at: Span) -> Result<(), String> {
        let here = &self.processes[self.at];
        let counted = (answer.ran, answer.hits, answer.misses);
        let expected = match (command, &answer.said) {
            (Command::Call(..), _) if !here.is_enabled => (1, 0, 0),
            (Command::Call(..), _) if answer.ran == 0 => (0, 1, 0),
            (Command::Call(..), _) => (1, 0, 1),
            (Command::Refresh(..), _) => (1, 0, counted.2),
            (Command::Begin(..), Said::Begun) => (1, 0, counted.2),
            (Command::Begin(..), _) => (0, 1, 0),
            (Command::End(..), _) => (0, 0, counted.2),
            _ => (0, 0, 0),
        };
        if counted != expected {
            return Err(format!("bodies, hits and misses were to be {expected:?}"));
        }
        if self.is_reachable && answer.errors > 0 {
            return Err("there was nothing wrong with the store".into());
        }
        for (place, function) in [Function::Now, Function::Held, Function::Mine].iter().enumerate()
        {
            let of = here.memory.iter().filter(|(cell, _)| cell.function == *function);
            let least =
                of.clone().filter(|(_, it)| it.must_be_found(at, self.setting.time)).count();
            let most = of.filter(|(_, it)| !it.may.is_empty()).count();
            if !(least..=most).contains(&answer.entries[place]) {
                return Err(format!("{least} to {most} entries of {function:?} were to be there"));
            }
        }
        Ok(())
    }
}

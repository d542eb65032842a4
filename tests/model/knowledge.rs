//! What the model learns from an answer, and what is stored and made void.

use std::time::Duration;

use crate::belief::{Belief, Cell, Held, Span, Void};
use crate::command::Function;
use crate::model::Model;

impl Model {
    /// What a look may find: in memory; in the store, and whether it must.
    fn may_find(&self, cell: Cell, at: Span) -> (Vec<Held>, Vec<Held>, bool) {
        let time = self.setting.time;
        let is_found = |held: &&Held| held.may_be_found(at, time);
        let here = &self.processes[self.at];
        let memory = here.memory.get(&cell);
        let in_memory =
            memory.map_or(Vec::new(), |it| it.may.iter().filter(is_found).copied().collect());
        if memory.is_some_and(|it| it.must_be_found(at, time)) {
            return (in_memory, Vec::new(), true);
        }
        let store = self.store.get(&cell).filter(|_| self.is_reachable);
        let Some(store) = store else { return (in_memory, Vec::new(), false) };
        // What this process made void, and could not tell, it does not take.
        let is_blocked = |held: &Held| {
            let is_older = |since: &Span| held.stored.early <= since.late;
            here.pending.iter().any(|(void, since)| void.reaches(cell) && is_older(since))
        };
        let may = store.may.iter().filter(is_found).filter(|held| !is_blocked(held));
        let must = store.must_be_found(at, time) && !self.is_shaken;
        (in_memory, may.copied().collect(), must)
    }

    /// A look found this.
    pub(super) fn found(
        &mut self,
        cell: Cell,
        value: u32,
        is_call: bool,
        at: Span,
    ) -> Result<(), String> {
        let (memory, store, _) = self.may_find(cell, at);
        let of = |held: &[Held]| held.iter().find(|held| held.value == value).copied();
        let (from_memory, from_store) = (of(&memory), of(&store));
        let Some(held) = from_memory.or(from_store) else {
            return Err(format!("it could be in memory {memory:?}, in the store {store:?}"));
        };
        if from_store.is_some() && from_memory.is_none() {
            self.store.insert(cell, Belief { may: vec![held], must: true });
        }
        let keeps = self.is_in_memory(cell.function) && (from_memory.is_some() || is_call);
        // Until when it may be there is what is known of memory's; of the store's there is no such end.
        let held = from_store.filter(|_| is_call).unwrap_or(held);
        let may = if keeps { vec![held] } else { Vec::new() };
        let must = keeps && !self.is_stored(cell.function);
        self.here().memory.insert(cell, Belief { may, must });
        Ok(())
    }

    /// A look found something.
    pub(super) fn is_there(&mut self, cell: Cell, at: Span) -> Result<(), String> {
        let (memory, store, _) = self.may_find(cell, at);
        if memory.is_empty() && store.is_empty() {
            return Err("there was nothing".into());
        }
        Ok(())
    }

    /// A look found nothing.
    pub(super) fn missed(&mut self, cell: Cell, at: Span) -> Result<(), String> {
        let (memory, store, must) = self.may_find(cell, at);
        if must {
            return Err(format!("it was in memory {memory:?}, in the store {store:?}"));
        }
        self.here().memory.remove(&cell);
        if self.is_reachable {
            self.store.remove(&cell);
        }
        Ok(())
    }

    /// A result is stored from now on.
    pub(super) fn put(&mut self, cell: Cell, value: u32, at: Span) {
        let mut belief = Belief::sure(Held::new(value, at));
        belief.must &= !self.made_up;
        if self.is_stored(cell.function) && self.is_reachable {
            self.store.insert(cell, belief.clone());
        }
        if self.is_in_memory(cell.function) {
            // Of what the store has, memory may forget what it likes.
            belief.must &= !self.is_stored(cell.function);
            self.here().memory.insert(cell, belief);
        }
    }

    /// It is stored from now on, or not.
    pub(super) fn doubt(&mut self, cell: Cell, held: Held) {
        let add = |belief: &mut Belief| {
            belief.may.push(held);
            belief.must = false;
        };
        if self.is_in_memory(cell.function) {
            add(self.here().memory.entry(cell).or_default());
        }
        if self.is_stored(cell.function) {
            add(self.store.entry(cell).or_default());
        }
    }

    /// A refresh leaves nothing, and what the store has may go all the same, now or when it is asked
    /// again.
    pub(super) fn may_be_removed(&mut self, cell: Cell) {
        if !self.is_stored(cell.function) {
            return;
        }
        self.store.entry(cell).or_default().must = false;
        for flight in self.processes.iter_mut().flat_map(|process| &mut process.flights) {
            flight.is_unsure |= flight.cell() == cell;
        }
        if !self.is_reachable {
            let ever = Span { early: Duration::ZERO, late: Duration::ZERO };
            self.here().pending.push((Void::Call(cell), ever));
        }
    }

    /// This process makes something void, for all.
    pub(super) fn void(&mut self, void: Void, at: Span) {
        let here = self.here();
        here.memory.retain(|cell, _| !void.reaches(*cell));
        for flight in here.flights.iter_mut().filter(|flight| void.reaches(flight.cell())) {
            flight.is_fenced = true;
        }
        self.void_elsewhere(void, at);
    }

    pub(super) fn void_elsewhere(&mut self, void: Void, at: Span) {
        if !self.setting.has_store {
            return;
        }
        if !self.is_reachable {
            // Each function makes up for a clear of all.
            let voids = match void {
                Void::All => vec![Void::Function(Function::Now), Void::Function(Function::Held)],
                void => vec![void],
            };
            return self.here().pending.extend(voids.into_iter().map(|void| (void, at)));
        }
        if matches!(void, Void::Tag(_)) {
            self.leftovers.extend(self.store.keys().filter(|cell| void.reaches(**cell)));
        }
        self.store.retain(|cell, _| !void.reaches(*cell));
        let until = at.late + self.setting.bound;
        // A process hears of its own clear of all, or of a tag, and where there are others it may hear of
        // what else it did.
        if self.are_two || matches!(void, Void::All | Void::Tag(_)) {
            self.here().unheard.push((void, until));
        }
        let other = &mut self.processes[1 - self.at];
        other.unheard.push((void, until));
        let is_reached = |cell: &Cell| cell.function != Function::Mine && void.reaches(*cell);
        for (_, belief) in other.memory.iter_mut().filter(|(cell, _)| is_reached(cell)) {
            belief.void_from(until);
        }
        for flight in other.flights.iter_mut().filter(|flight| is_reached(&flight.cell())) {
            flight.until.get_or_insert(until);
        }
    }

    /// What could not be made void before is by now, if the store was asked about the call. What is
    /// newer may go with it.
    pub(super) fn make_up(&mut self, cell: Cell, at: Span) {
        if !self.is_reachable || !self.is_stored(cell.function) {
            return;
        }
        let pending = self.here().pending.clone();
        let until = at.late + self.setting.bound;
        for (void, since) in pending.into_iter().filter(|(void, _)| void.reaches(cell)) {
            let is_newer = |held: &Held| held.stored.late > since.early;
            let is_reached = |cell: &Cell| cell.function != Function::Mine && void.reaches(*cell);
            for (_, belief) in self.store.iter_mut().filter(|(cell, _)| is_reached(cell)) {
                belief.must = false;
                belief.may.retain(is_newer);
            }
            for flight in self.processes.iter_mut().flat_map(|process| &mut process.flights) {
                flight.is_unsure |= is_reached(&flight.cell());
            }
            let other = &mut self.processes[1 - self.at].memory;
            for (_, belief) in other.iter_mut().filter(|(cell, _)| is_reached(cell)) {
                belief.must = false;
                for held in belief.may.iter_mut().filter(|held| !is_newer(held)) {
                    held.until = Some(held.until.map_or(until, |sooner| sooner.min(until)));
                }
            }
            self.made_up |= matches!(void, Void::Function(_));
            // A tag is made up for in the store of each function, whenever that is asked.
            if !matches!(void, Void::Tag(_)) {
                self.here().pending.retain(|(other, _)| *other != void);
            }
        }
    }
}

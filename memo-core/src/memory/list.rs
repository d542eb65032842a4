//! Lists whose members can leave from the middle.

use crate::memory::chunks::Chunks;
use crate::reclaim::Garbage;

/// A member's number in its [`Nodes`]. [`NOWHERE`] is none.
pub(crate) type Place = u32;
pub(crate) const NOWHERE: Place = 0;

#[derive(Clone, Copy, Debug)]
struct Node<T> {
    item: Option<T>,
    older: Place,
    newer: Place,
}

/// The members of one list or several.
#[derive(Debug)]
pub(crate) struct Nodes<T> {
    /// The first stands for nowhere; freed ones are chained through `newer`.
    nodes: Chunks<Node<T>>,
    free: Place,
}

/// One list: its ends. The members are in the [`Nodes`] that every call is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    oldest: Place,
    newest: Place,
    len: usize,
}

impl<T: Copy> Nodes<T> {
    pub(crate) const fn new() -> Self {
        Self { nodes: Chunks::new(), free: NOWHERE }
    }

    pub(crate) fn get(&self, place: Place) -> Option<T> {
        self.nodes.get(place as usize)?.item
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        self.nodes.get_mut(place as usize)?.item.as_mut()
    }

    /// A place for an item that is in no list yet.
    pub(crate) fn take(&mut self, item: T) -> Place {
        let node = Node { item: Some(item), older: NOWHERE, newer: NOWHERE };
        if self.free != NOWHERE {
            let place = self.free;
            self.free = self.nodes[place as usize].newer;
            self.nodes[place as usize] = node;
            return place;
        }
        if self.nodes.len() == 0 {
            self.nodes.push(Node { item: None, ..node });
        }
        self.nodes.push(node);
        Place::try_from(self.nodes.len() - 1).expect("fewer than four billion entries")
    }

    /// Frees the place of an item that is in no list any more.
    pub(crate) fn give_back(&mut self, place: Place) {
        let node = &mut self.nodes[place as usize];
        (node.item, node.newer) = (None, self.free);
        self.free = place;
    }

    /// Gives the memory up, to be freed in slices.
    pub(crate) fn retire(self, garbage: &mut Garbage) {
        self.nodes.retire(garbage);
    }
}

impl List {
    pub(crate) const fn new() -> Self {
        Self { oldest: NOWHERE, newest: NOWHERE, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn oldest(&self) -> Place {
        self.oldest
    }

    /// Appends as the newest.
    pub(crate) fn link<T>(&mut self, nodes: &mut Nodes<T>, place: Place) {
        let newest = std::mem::replace(&mut self.newest, place);
        let node = &mut nodes.nodes[place as usize];
        (node.older, node.newer) = (newest, NOWHERE);
        match newest {
            NOWHERE => self.oldest = place,
            newest => nodes.nodes[newest as usize].newer = place,
        }
        self.len += 1;
    }

    pub(crate) fn unlink<T>(&mut self, nodes: &mut Nodes<T>, place: Place) {
        let Node { older, newer, .. } = nodes.nodes[place as usize];
        match older {
            NOWHERE => self.oldest = newer,
            older => nodes.nodes[older as usize].newer = newer,
        }
        match newer {
            NOWHERE => self.newest = older,
            newer => nodes.nodes[newer as usize].older = older,
        }
        self.len -= 1;
    }
}

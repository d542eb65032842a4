//! Asking a server within a deadline, and not asking one that does not answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::{cmd, Arg, Cmd, Value};

use super::address::{Address, Target};
use super::cluster::{Redirect, Slots};
use super::connection::{words, Broken, Connection, Reply};
use crate::platform::process;
use crate::store::Failure;

/// A server, or a cluster of them, and idle connections to it.
pub(super) struct Server {
    /// Nothing, if the URL names none: why.
    target: Result<Target, String>,
    pub(super) deadline: Duration,
    idle: Mutex<HashMap<Arc<Address>, Vec<Connection>>>,
    pub(super) slots: Slots,
    /// The [generation](process::generation) of the process whose connections they are.
    generation: AtomicU32,
    /// It did not answer, and nobody asks it until it answers who tries.
    is_down: AtomicBool,
}

/// Why a question has no answer, and how many of its commands have no reply.
pub(super) struct Unanswered {
    pub(super) why: Broken,
    pub(super) missing: usize,
}

/// Commands for one node; each reply has a place among all.
struct Group<'c> {
    node: Arc<Address>,
    commands: Vec<&'c Cmd>,
    places: Vec<usize>,
}

/// More idle connections to a node than that are closed.
const IDLE: usize = 16;
/// How often a cluster may say that a key is elsewhere.
const REDIRECTS: usize = 4;
/// The place of a reply that nobody wants.
const NOWHERE: usize = usize::MAX;

impl Server {
    pub(super) fn new(url: &str, deadline: Duration) -> Self {
        Self {
            target: Target::parse(url),
            deadline,
            idle: Mutex::new(HashMap::new()),
            slots: Slots::default(),
            generation: AtomicU32::new(process::generation()),
            is_down: AtomicBool::new(false),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Acquire)
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::Release);
    }

    pub(super) fn target(&self) -> Result<&Target, Broken> {
        self.target.as_ref().map_err(|why| Broken::Refused(why.clone()))
    }

    /// The replies to these commands, sent together; errors of the server are replies. A server that
    /// does not answer is not asked again until it answers who tries.
    pub(super) fn ask(&self, commands: &[Cmd]) -> Result<Vec<Reply>, Failure> {
        self.try_ask(commands).map_err(|unanswered| self.failed(unanswered.why))
    }

    /// Notes that the server is to blame, if it was asked.
    pub(super) fn failed(&self, why: Broken) -> Failure {
        if !matches!(why, Broken::Unasked) {
            self.set_down(true);
        }
        why.to_string().into()
    }

    /// The same, of a question whose answer may be too long to come in time: whether the server is to
    /// blame, the caller says.
    pub(super) fn try_ask(&self, commands: &[Cmd]) -> Result<Vec<Reply>, Unanswered> {
        let deadline = Instant::now() + self.deadline;
        let mut replies: Vec<Option<Reply>> = commands.iter().map(|_| None).collect();
        let asked = self.target().and_then(|target| {
            if self.is_down() {
                return Err(Broken::Unasked);
            }
            self.leave_to_parent();
            let all: Vec<usize> = (0..commands.len()).collect();
            if target.is_cluster {
                return self.ask_cluster(target, commands, all, deadline, &mut replies);
            }
            let node = target.seeds.first().ok_or(Broken::Late)?;
            let group =
                Group { node: Arc::clone(node), commands: commands.iter().collect(), places: all };
            self.exchange(target, &[group], deadline, &mut replies)
        });
        let missing = replies.iter().filter(|reply| reply.is_none()).count();
        match asked {
            Ok(()) if missing == 0 => Ok(replies.into_iter().flatten().collect()),
            Ok(()) => Err(Unanswered { why: Broken::Lost("a reply is missing".into()), missing }),
            Err(why) => Err(Unanswered { why, missing }),
        }
    }

    /// Asks the nodes that have the keys, and those that these name instead.
    fn ask_cluster(
        &self,
        target: &Target,
        commands: &[Cmd],
        mut pending: Vec<usize>,
        deadline: Instant,
        replies: &mut [Option<Reply>],
    ) -> Result<(), Broken> {
        let asking = cmd("ASKING");
        for _ in 0..REDIRECTS {
            let groups = self.route(target, commands, &pending, deadline)?;
            let exchanged = self.exchange(target, &groups, deadline, replies);
            if let Err(why) = exchanged {
                // Another node may have its slots by now.
                self.slots.forget();
                return Err(why);
            }
            let mut moved = Vec::new();
            for &place in &pending {
                let Some(Some(reply)) = replies.get(place) else { continue };
                let asked = groups.iter().find(|group| group.places.contains(&place));
                match asked.and_then(|group| Redirect::of(&reply.value, &group.node)) {
                    None => {}
                    Some(Redirect::Moved(slot, node)) => {
                        self.slots.learn(slot, node);
                        moved.push(place);
                    }
                    Some(Redirect::Ask(node)) => {
                        let commands = vec![&asking, &commands[place]];
                        let group = Group { node, commands, places: vec![NOWHERE, place] };
                        self.exchange(target, &[group], deadline, replies)?;
                    }
                }
            }
            if moved.is_empty() {
                return Ok(());
            }
            pending = moved;
        }
        Ok(())
    }

    /// Which node gets which of the commands.
    fn route<'c>(
        &self,
        target: &Target,
        commands: &'c [Cmd],
        places: &[usize],
        deadline: Instant,
    ) -> Result<Vec<Group<'c>>, Broken> {
        let mut groups: Vec<Group<'c>> = Vec::new();
        for &place in places {
            let command = &commands[place];
            let key = match command.args_iter().nth(1) {
                Some(Arg::Simple(key)) => key,
                _ => b"",
            };
            let node = self.node_of(target, key, deadline)?;
            match groups.iter_mut().find(|group| group.node == node) {
                Some(group) => {
                    group.commands.push(command);
                    group.places.push(place);
                }
                None => groups.push(Group { node, commands: vec![command], places: vec![place] }),
            }
        }
        Ok(groups)
    }

    /// The node that has a key.
    pub(super) fn node_of(
        &self,
        target: &Target,
        key: &[u8],
        deadline: Instant,
    ) -> Result<Arc<Address>, Broken> {
        if !target.is_cluster {
            return target.seeds.first().cloned().ok_or(Broken::Late);
        }
        self.slots.node_of(key, target, |node, share| {
            let mut command = cmd("CLUSTER");
            command.arg("SLOTS");
            let deadline =
                Instant::now() + (deadline.saturating_duration_since(Instant::now())) / share;
            self.on(target, node, deadline, &|link| {
                link.send(&[&command], deadline)?;
                link.receive(1, deadline)
            })
        })
    }

    /// Sends every group before it waits for any.
    fn exchange(
        &self,
        target: &Target,
        groups: &[Group<'_>],
        deadline: Instant,
        replies: &mut [Option<Reply>],
    ) -> Result<(), Broken> {
        let send = |group: &Group<'_>| {
            let mut link = self.pop_idle(&group.node)?;
            link.send(&group.commands, deadline).ok().map(|()| link)
        };
        let links: Vec<Option<Connection>> = groups.iter().map(send).collect();
        for (group, link) in groups.iter().zip(links) {
            let received = match link {
                Some(link) => self.receive(link, group, deadline, replies),
                None => Err(Broken::Lost(String::new())),
            };
            match received {
                // The server has closed it meanwhile: it may be there again.
                Err(Broken::Lost(_)) => {
                    self.idle.lock().remove(&group.node);
                    let mut link = self.connect(target, &group.node, deadline)?;
                    link.send(&group.commands, deadline)?;
                    self.receive(link, group, deadline, replies)?;
                }
                received => received?,
            }
        }
        Ok(())
    }

    fn receive(
        &self,
        mut link: Connection,
        group: &Group<'_>,
        deadline: Instant,
        replies: &mut [Option<Reply>],
    ) -> Result<(), Broken> {
        let mut values = Vec::with_capacity(group.places.len());
        let received = link.receive_into(&mut values, group.places.len(), deadline);
        for (place, value) in group.places.iter().zip(values) {
            if let Some(reply) = replies.get_mut(*place) {
                *reply = Some(Reply { value, run: link.run() });
            }
        }
        received?;
        self.keep(&group.node, link);
        Ok(())
    }

    /// Does something with a connection; on a new one, if the idle one turns out to be none.
    pub(super) fn on<R>(
        &self,
        target: &Target,
        node: &Arc<Address>,
        deadline: Instant,
        what: &dyn Fn(&mut Connection) -> Result<R, Broken>,
    ) -> Result<R, Broken> {
        if let Some(mut link) = self.pop_idle(node) {
            match what(&mut link) {
                Ok(result) => {
                    self.keep(node, link);
                    return Ok(result);
                }
                Err(Broken::Lost(_)) => drop(self.idle.lock().remove(node)),
                Err(why) => return Err(why),
            }
        }
        let mut link = self.connect(target, node, deadline)?;
        let result = what(&mut link)?;
        self.keep(node, link);
        Ok(result)
    }

    /// A connection of the caller's own to one server.
    pub(super) fn connect_to_any(&self) -> Result<Connection, Failure> {
        let deadline = Instant::now() + self.deadline;
        let target = self.target().map_err(|why| why.to_string())?;
        let mut last = Broken::Late;
        for node in self.slots.nodes().iter().chain(&target.seeds) {
            match Connection::new(node, &target.login, deadline) {
                Ok(link) => return Ok(link),
                Err(why) => last = why,
            }
        }
        Err(last.to_string().into())
    }

    /// Sends a message to whoever listens.
    pub(super) fn publish(&self, channel: &str, message: &[u8]) -> Result<(), Failure> {
        values(self.ask(&[publication(channel, message)])?).map(drop)
    }

    /// Whether the server answers: asked on a new connection, as idle ones may be of another time.
    pub(super) fn answers(&self) -> bool {
        let deadline = Instant::now() + self.deadline;
        let asked = self.target().and_then(|target| {
            self.slots.forget();
            self.forget_idle();
            let node = self.node_of(target, b"memo", deadline)?;
            let mut link = self.connect(target, &node, deadline)?;
            let mut touch = cmd("EXISTS");
            touch.arg("memo");
            link.send(&[&touch], deadline)?;
            link.receive(1, deadline)
        });
        asked.is_ok()
    }

    fn connect(
        &self,
        target: &Target,
        node: &Arc<Address>,
        deadline: Instant,
    ) -> Result<Connection, Broken> {
        let link = Connection::new(node, &target.login, deadline)?;
        // What is connected to an earlier run speaks of epochs that are over.
        if let Some(idle) = self.idle.lock().get_mut(node) {
            idle.retain(|other| other.run() == link.run());
        }
        Ok(link)
    }

    fn pop_idle(&self, node: &Arc<Address>) -> Option<Connection> {
        self.idle.lock().get_mut(node)?.pop()
    }

    fn keep(&self, node: &Arc<Address>, link: Connection) {
        let mut idle = self.idle.lock();
        let idle = idle.entry(Arc::clone(node)).or_default();
        if idle.len() < IDLE {
            idle.push(link);
        }
    }

    /// In a child of `fork` the idle connections are the parent's: each would read what is meant for
    /// the other.
    pub(super) fn leave_to_parent(&self) {
        let generation = process::generation();
        // Relaxed: a child begins with one thread.
        if self.generation.swap(generation, Ordering::Relaxed) != generation {
            self.forget_idle();
        }
    }

    pub(super) fn forget_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }
}

pub(super) fn publication(channel: &str, message: &[u8]) -> Cmd {
    let mut command = cmd("PUBLISH");
    command.arg(channel).arg(message);
    command
}

/// What was replied, if none of it is an error.
pub(super) fn values(replies: Vec<Reply>) -> Result<Vec<Value>, Failure> {
    let value = |reply: Reply| match reply.value {
        Value::ServerError(error) => Err(words(&error).into()),
        value => Ok(value),
    };
    replies.into_iter().map(value).collect()
}

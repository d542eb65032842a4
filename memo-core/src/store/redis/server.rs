//! Asking a server within a deadline, and not asking one that does not answer.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::cluster::{cluster_pipe, ClusterClient, ClusterConnection};
use redis::{
    cmd, Client, Cmd, Connection, ErrorKind, FromRedisValue, RedisError, RedisResult, Value,
};

use crate::platform::process;
use crate::store::Failure;

/// A server, or a cluster of them, and idle connections to it.
pub(super) struct Server {
    /// Nothing, if the URL names none: why.
    target: Result<Target, String>,
    deadline: Duration,
    idle: Mutex<Vec<Link>>,
    /// The [generation](process::generation) of the process whose connections they are.
    generation: AtomicU32,
    /// It did not answer, and nobody asks it until it answers who tries.
    is_down: AtomicBool,
}

struct Target {
    /// One server; of a cluster, the one that messages are published at.
    single: Client,
    cluster: Option<ClusterClient>,
}

enum Link {
    Single(Connection),
    Cluster(Box<ClusterConnection>),
}

/// More idle connections than that are closed.
const IDLE: usize = 16;

impl Server {
    pub(super) fn new(url: &str, deadline: Duration) -> Self {
        let idle = Mutex::new(Vec::new());
        Self {
            target: target(url, deadline),
            deadline,
            idle,
            generation: AtomicU32::new(process::generation()),
            is_down: AtomicBool::new(false),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Acquire)
    }

    pub(super) fn set_down(&self, is_it: bool) {
        self.is_down.store(is_it, Ordering::Release);
    }

    fn target(&self) -> Result<&Target, Failure> {
        self.target.as_ref().map_err(|why| why.clone().into())
    }

    /// A connection of the caller's own to one server.
    pub(super) fn connect(&self) -> Result<Connection, Failure> {
        let connection = self.target()?.single.get_connection_with_timeout(self.deadline)?;
        Ok(connection)
    }

    /// The replies to these commands, sent together.
    pub(super) fn ask<T: FromRedisValue>(&self, commands: &[Cmd]) -> Result<T, Failure> {
        let target = self.target()?;
        if self.is_down() {
            return Err("the server does not answer".into());
        }
        let asked =
            self.ask_idle(commands).unwrap_or_else(|rest| self.ask_anew(target, commands, rest));
        match asked {
            Ok(replies) => Ok(T::from_redis_value(Value::Array(replies))?),
            Err(error) => {
                if !is_reply(&error) {
                    self.set_down(true);
                }
                Err(words(&error).into())
            }
        }
    }

    /// # Errors
    /// There is no idle connection that still is one: the time that is left.
    fn ask_idle(&self, commands: &[Cmd]) -> Result<RedisResult<Vec<Value>>, Duration> {
        let started = Instant::now();
        self.leave_to_parent();
        let Some(mut link) = self.idle.lock().pop() else { return Err(self.deadline) };
        let asked = link.run(commands, self.deadline);
        match &asked {
            Ok(_) => self.keep(link),
            Err(error) if is_reply(error) => self.keep(link),
            // The server has closed it meanwhile: it may be there again.
            Err(error) if !error.is_timeout() => {
                let rest = self.deadline.saturating_sub(started.elapsed());
                if !rest.is_zero() {
                    self.idle.lock().clear();
                    return Err(rest);
                }
            }
            Err(_) => {}
        }
        Ok(asked)
    }

    fn ask_anew(
        &self,
        target: &Target,
        commands: &[Cmd],
        rest: Duration,
    ) -> RedisResult<Vec<Value>> {
        let started = Instant::now();
        let mut link = Link::new(target, rest)?;
        let left = rest.saturating_sub(started.elapsed()).max(Duration::from_millis(1));
        link.set_timeout(left)?;
        let asked = link.run(commands, left);
        if asked.as_ref().err().is_none_or(is_reply) && link.set_timeout(self.deadline).is_ok() {
            self.keep(link);
        }
        asked
    }

    fn keep(&self, link: Link) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE {
            idle.push(link);
        }
    }

    /// Sends a message to whoever listens.
    pub(super) fn publish(&self, channel: &str, message: &[u8]) -> Result<(), Failure> {
        let mut command = cmd("PUBLISH");
        command.arg(channel).arg(message);
        if self.target()?.cluster.is_none() {
            let _: Vec<Value> = self.ask(&[command])?;
            return Ok(());
        }
        // A message has no key by which a cluster could send it anywhere.
        let mut connection = self.connect()?;
        connection.set_read_timeout(Some(self.deadline))?;
        command.exec(&mut connection)?;
        Ok(())
    }

    /// Whether the server answers: asked on a new connection, as idle ones may be of another time.
    pub(super) fn answers(&self) -> bool {
        let Ok(target) = &self.target else { return false };
        let asked = Link::new(target, self.deadline).and_then(|mut link| {
            link.set_timeout(self.deadline)?;
            let mut touch = cmd("EXISTS");
            touch.arg("memo");
            link.run(&[touch], self.deadline)
        });
        asked.err().is_none_or(|error| is_reply(&error))
    }

    /// In a child of `fork` the idle connections are the parent's: each would read what is meant for
    /// the other.
    fn leave_to_parent(&self) {
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

impl Link {
    fn new(target: &Target, deadline: Duration) -> RedisResult<Self> {
        match &target.cluster {
            None => target.single.get_connection_with_timeout(deadline).map(Self::Single),
            Some(cluster) => cluster.get_connection().map(Box::new).map(Self::Cluster),
        }
    }

    fn set_timeout(&self, timeout: Duration) -> RedisResult<()> {
        let timeout = Some(timeout);
        match self {
            Self::Single(one) => one.set_read_timeout(timeout).and(one.set_write_timeout(timeout)),
            Self::Cluster(all) => all.set_read_timeout(timeout).and(all.set_write_timeout(timeout)),
        }
    }

    fn run(&mut self, commands: &[Cmd], deadline: Duration) -> RedisResult<Vec<Value>> {
        match self {
            Self::Single(one) => {
                let mut pipe = redis::Pipeline::with_capacity(commands.len());
                for command in commands {
                    pipe.add_command(command.clone());
                }
                let end = Instant::now() + deadline;
                // One by one, each with the time that is left: `Pipeline::query` goes on reading
                // after a reply that does not come, and takes the time for every one of them.
                one.send_packed_command(&pipe.get_packed_pipeline())?;
                let mut replies = Vec::with_capacity(commands.len());
                for _ in commands {
                    let left = end.saturating_duration_since(Instant::now());
                    one.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
                    replies.push(one.recv_response()?);
                }
                replies.into_iter().map(Value::extract_error).collect()
            }
            Self::Cluster(all) => {
                // It waits for each reply anew, from whatever node: each has a share of the time.
                let replies = u32::try_from(commands.len()).unwrap_or(u32::MAX).max(1);
                all.set_read_timeout(Some((deadline / replies).max(Duration::from_millis(1))))?;
                let mut pipe = cluster_pipe();
                for command in commands {
                    pipe.add_command(command.clone());
                }
                pipe.query(all)
            }
        }
    }
}

/// What the URL names. No message has any of it: it may have a password in it.
fn target(url: &str, deadline: Duration) -> Result<Target, String> {
    let unreadable = |_: RedisError| "its URL is no URL of a Redis server".to_owned();
    let cluster = [("redis-cluster://", "redis://"), ("rediss-cluster://", "rediss://")]
        .into_iter()
        .find_map(|(of_cluster, of_one)| Some((of_one, url.strip_prefix(of_cluster)?)));
    let Some((scheme, nodes)) = cluster else {
        let single = plain(url).and_then(Client::open).map_err(unreadable)?;
        return Ok(Target { single, cluster: None });
    };
    // The user and the password precede the first node, and are those of all.
    let (user, nodes) = nodes.rsplit_once('@').map_or(("", nodes), |(user, nodes)| (user, nodes));
    let at = if user.is_empty() { "" } else { "@" };
    let urls: Vec<String> =
        nodes.split(',').map(|node| format!("{scheme}{user}{at}{node}")).collect();
    let first = urls.first().map_or("", String::as_str);
    let single = plain(first).and_then(Client::open).map_err(unreadable)?;
    let cluster = ClusterClient::builder(urls)
        .retries(0)
        .connection_timeout(deadline)
        .response_timeout(deadline)
        .build()
        .map_err(unreadable)?;
    Ok(Target { single, cluster: Some(cluster) })
}

/// A server without the two questions that `redis` asks first: each takes a deadline of its own.
fn plain(url: &str) -> RedisResult<redis::ConnectionInfo> {
    let info = redis::IntoConnectionInfo::into_connection_info(url)?;
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    Ok(info.set_redis_settings(settings))
}

/// Whether the server answered, and only did not like what it was asked.
fn is_reply(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// What is wrong, in words without an address.
fn words(error: &RedisError) -> String {
    if error.is_timeout() {
        return "the server did not answer in time".into();
    }
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => {
            let code = error.code().unwrap_or("an error");
            format!("the server answered {code}: {}", error.detail().unwrap_or_default())
        }
        ErrorKind::AuthenticationFailed => "the server does not let it in".into(),
        ErrorKind::Io => format!("the server cannot be reached: {}", error.category()),
        _ => error.category().to_owned(),
    }
}

//! Questions to one server and their replies, in RESP2.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Instant;

use redis::{cmd, Cmd, FromRedisValue, Parser, RedisError, ServerError, Value};

use super::address::{Address, Login};
#[cfg(feature = "redis-tls")]
use super::tls;
use super::transport::Socket;

pub(super) struct Connection {
    wire: Wire,
    parser: Parser,
    /// Which start of which server answers; see [`Reply::run`].
    run: u64,
    /// The packed commands, kept for the next ones.
    packed: Vec<u8>,
}

enum Wire {
    Plain(Socket),
    #[cfg(feature = "redis-tls")]
    Tls(Box<tls::Stream>),
}

/// What a server said.
pub(super) struct Reply {
    pub(super) value: Value,
    /// A number for this run of this server: another one after a restart, and of another node. Zero,
    /// if the server does not tell.
    pub(super) run: u64,
}

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum Broken {
    /// It was not asked, as it did not answer before.
    Unasked,
    /// The deadline ran out.
    Late,
    /// There is no connection any more, or there never was.
    Lost(String),
    /// The server answers, and does not let anybody in.
    Refused(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => f.write_str("the server does not answer"),
            Self::Late => f.write_str("the server did not answer in time"),
            Self::Lost(why) => write!(f, "the server cannot be reached: {why}"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::TimedOut {
            Self::Late
        } else {
            Self::Lost(error.to_string())
        }
    }
}

impl From<RedisError> for Broken {
    fn from(error: RedisError) -> Self {
        if error.is_timeout() {
            Self::Late
        } else {
            // Nothing of what it said, which may be what it was told.
            Self::Lost(error.category().to_owned())
        }
    }
}

/// More room than that is not kept for the next commands.
const ROOM: usize = 64 * 1024;

impl Connection {
    /// Connects and logs in.
    pub(super) fn new(address: &Address, login: &Login, deadline: Instant) -> Result<Self, Broken> {
        let socket = Socket::connect(address, deadline)?;
        let wire = match address {
            #[cfg(feature = "redis-tls")]
            Address::Tcp { host, is_tls: true, .. } => {
                Wire::Tls(Box::new(tls::connect(host, socket).map_err(Broken::Lost)?))
            }
            _ => Wire::Plain(socket),
        };
        let mut connection = Self { wire, parser: Parser::new(), run: 0, packed: Vec::new() };
        connection.log_in(login, deadline)?;
        Ok(connection)
    }

    fn log_in(&mut self, login: &Login, deadline: Instant) -> Result<(), Broken> {
        let mut commands = Vec::with_capacity(3);
        if let Some(password) = &login.password {
            let mut auth = cmd("AUTH");
            auth.arg(&login.username).arg(password);
            commands.push(auth);
        }
        if login.database != 0 {
            let mut select = cmd("SELECT");
            select.arg(login.database);
            commands.push(select);
        }
        let mut info = cmd("INFO");
        info.arg("server");
        commands.push(info);
        // Apart from all that follows: what a stranger answers may repeat the password.
        self.send(&commands.iter().collect::<Vec<_>>(), deadline)?;
        let mut replies = self.receive(commands.len(), deadline)?.into_iter();
        if login.password.is_some() && !matches!(replies.next(), Some(Value::Okay)) {
            return Err(Broken::Refused("the server does not let it in".into()));
        }
        if login.database != 0 && !matches!(replies.next(), Some(Value::Okay)) {
            return Err(Broken::Refused("the server does not open this database".into()));
        }
        match replies.next() {
            Some(Value::ServerError(error)) if !says_no(&error) => {
                Err(Broken::Refused(words(&error)))
            }
            Some(info) => {
                self.run = run_of(&info);
                Ok(())
            }
            None => Err(Broken::Lost("it said nothing".into())),
        }
    }

    pub(super) fn run(&self) -> u64 {
        self.run
    }

    pub(super) fn send(&mut self, commands: &[&Cmd], deadline: Instant) -> Result<(), Broken> {
        self.set_deadline(deadline);
        self.packed.clear();
        for command in commands {
            command.write_packed_command(&mut self.packed);
        }
        let sent = match &mut self.wire {
            Wire::Plain(socket) => socket.write_all(&self.packed),
            #[cfg(feature = "redis-tls")]
            Wire::Tls(tls) => tls.write_all(&self.packed).and_then(|()| tls.flush()),
        };
        if self.packed.capacity() > ROOM {
            self.packed = Vec::new();
        }
        Ok(sent?)
    }

    /// The next replies. What is missing when the deadline runs out is in none of the later ones:
    /// the connection is of no use then.
    pub(super) fn receive(
        &mut self,
        count: usize,
        deadline: Instant,
    ) -> Result<Vec<Value>, Broken> {
        let mut replies = Vec::with_capacity(count);
        self.receive_into(&mut replies, count, deadline)?;
        Ok(replies)
    }

    /// The same; what came before an error is there.
    pub(super) fn receive_into(
        &mut self,
        replies: &mut Vec<Value>,
        count: usize,
        deadline: Instant,
    ) -> Result<(), Broken> {
        self.set_deadline(deadline);
        for _ in 0..count {
            let reply = match &mut self.wire {
                Wire::Plain(socket) => self.parser.parse_value(socket as &mut dyn Read),
                #[cfg(feature = "redis-tls")]
                Wire::Tls(tls) => self.parser.parse_value(tls as &mut dyn Read),
            };
            replies.push(reply?);
        }
        Ok(())
    }

    /// The next message of a channel; nothing, if none comes until then.
    pub(super) fn next_message(&mut self, until: Instant) -> Result<Option<Value>, Broken> {
        match self.receive(1, until) {
            Ok(mut messages) => Ok(messages.pop()),
            // The parser has what came of the next one.
            Err(Broken::Late) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn set_deadline(&mut self, deadline: Instant) {
        match &mut self.wire {
            Wire::Plain(socket) => socket.set_deadline(deadline),
            #[cfg(feature = "redis-tls")]
            Wire::Tls(tls) => tls.sock.set_deadline(deadline),
        }
    }
}

/// Whether a server will not say which it is: the user may not ask, or it does not know the question.
fn says_no(error: &ServerError) -> bool {
    error.code() == "NOPERM" || error.details().is_some_and(|why| why.contains("unknown command"))
}

/// What a server is told apart by from what it was before a restart, and from others.
pub(super) fn run_of(info: &Value) -> u64 {
    let text = String::from_redis_value_ref(info).unwrap_or_default();
    let id = text.lines().find_map(|line| line.strip_prefix("run_id:"));
    let digest = id.map(|id| blake3::hash(id.trim().as_bytes()));
    digest.and_then(|digest| digest.as_bytes().first_chunk().copied()).map_or(0, u64::from_le_bytes)
}

/// What a server's error says.
pub(super) fn words(error: &ServerError) -> String {
    format!("the server answered {}: {}", error.code(), error.details().unwrap_or_default())
}

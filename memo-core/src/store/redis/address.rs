//! What a URL names: servers, and who logs in.

use std::path::PathBuf;
use std::sync::Arc;

use redis::{ConnectionAddr, IntoConnectionInfo};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp { host: String, port: u16, is_tls: bool },
    Unix(PathBuf),
}

/// Who logs in, and to which of the server's databases.
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
}

pub(super) struct Target {
    /// The one server; of a cluster, some of its nodes.
    pub(super) seeds: Vec<Arc<Address>>,
    pub(super) is_cluster: bool,
    pub(super) login: Login,
}

const UNREADABLE: &str = "its URL is no URL of a Redis server";

impl Target {
    /// # Errors
    /// The URL names no server: why, in words that have nothing of it, as it may hold a password.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let cluster = [("redis-cluster://", "redis://"), ("rediss-cluster://", "rediss://")]
            .into_iter()
            .find_map(|(of_cluster, of_one)| Some((of_one, url.strip_prefix(of_cluster)?)));
        let Some((scheme, nodes)) = cluster else {
            let (seed, login) = one(url)?;
            return Ok(Self { seeds: vec![Arc::new(seed)], is_cluster: false, login });
        };
        // The user and the password precede the first node, and are those of all.
        let (user, nodes) =
            nodes.rsplit_once('@').map_or(("", nodes), |(user, nodes)| (user, nodes));
        let at = if user.is_empty() { "" } else { "@" };
        let mut seeds = Vec::new();
        let mut last = None;
        for node in nodes.split(',') {
            let (seed, login) = one(&format!("{scheme}{user}{at}{node}"))?;
            seeds.push(Arc::new(seed));
            last = Some(login);
        }
        let login = last.ok_or(UNREADABLE)?;
        Ok(Self { seeds, is_cluster: true, login })
    }
}

/// What the URL of one server says.
fn one(url: &str) -> Result<(Address, Login), String> {
    // The crate reads no URL with TLS unless it brings its own transport.
    let (url, is_tls) = match url.strip_prefix("rediss://").or(url.strip_prefix("valkeys://")) {
        Some(rest) => (format!("redis://{rest}"), true),
        None => (url.to_owned(), false),
    };
    if is_tls && !cfg!(feature = "redis-tls") {
        return Err("a `rediss://` URL needs the feature `redis-tls` of memo".to_owned());
    }
    if is_tls && url.contains('#') {
        return Err("certificates are always checked: the URL must end before its `#`".to_owned());
    }
    let info = url.as_str().into_connection_info().map_err(|_| UNREADABLE)?;
    let address = match info.addr() {
        ConnectionAddr::Tcp(host, port) => Address::Tcp { host: host.clone(), port: *port, is_tls },
        ConnectionAddr::Unix(path) => Address::Unix(path.clone()),
        _ => return Err(UNREADABLE.to_owned()),
    };
    let settings = info.redis_settings();
    let login = Login {
        username: settings.username().map(str::to_owned),
        password: settings.password().map(str::to_owned),
        database: settings.db(),
    };
    Ok((address, login))
}

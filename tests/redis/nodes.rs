//! A cluster of a test's own, of three masters and a replica of each; gone with it.

use std::time::Duration;

use crate::common::{until, AGES};
use crate::server::{free_port, Server};

pub(crate) const MASTERS: usize = 3;

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

/// When a node counts as gone, in milliseconds.
const TIMEOUT: &str = "500";

impl Cluster {
    pub(crate) fn new() -> Self {
        let nodes: Vec<(Server, String)> = (0..2 * MASTERS).map(|_| node()).collect();
        for (index, (node, _)) in nodes.iter().enumerate() {
            node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
        }
        let slots = 16_384 / MASTERS + 1;
        for (index, (node, _)) in nodes[..MASTERS].iter().enumerate() {
            let [first, end] = [index, index + 1].map(|index| (slots * index).min(16_384));
            node.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(end - 1).to_string()]);
        }
        let (first, others) = nodes.split_first().unwrap();
        for (node, bus) in others {
            first.0.ask(&["CLUSTER", "MEET", "127.0.0.1", &node.port.to_string(), bus]);
        }
        let cluster = Self { nodes: nodes.into_iter().map(|(node, _)| node).collect() };
        cluster.until_all_say("cluster_known_nodes:6");
        for (master, replica) in cluster.nodes.iter().zip(&cluster.nodes[MASTERS..]) {
            let id = master.ask(&["CLUSTER", "MYID"]).concat();
            until("a node is known", AGES, || {
                replica.try_ask(&["CLUSTER", "REPLICATE", &id]).is_ok()
            });
        }
        cluster.until_it_is_whole();
        cluster
    }

    /// Names two nodes, of which one may be gone.
    pub(crate) fn url(&self) -> String {
        let [one, .., other] = &self.nodes[..] else { unreachable!() };
        format!("redis-cluster://127.0.0.1:{},127.0.0.1:{}", one.port, other.port)
    }

    pub(crate) fn is_master(&self, index: usize) -> bool {
        self.nodes[index].ask(&["INFO", "replication"]).concat().contains("role:master")
    }

    /// The masters that have slots now.
    pub(crate) fn masters(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|index| self.is_master(*index)).collect()
    }

    fn until_all_say(&self, what: &str) {
        for node in &self.nodes {
            until(what, AGES, || node.ask(&["CLUSTER", "INFO"]).concat().contains(what));
        }
    }

    /// Waits until every slot is served, and every replica has all that its master has.
    pub(crate) fn until_it_is_whole(&self) {
        self.until_all_say("cluster_state:ok");
        self.until_all_say("cluster_slots_ok:16384");
        for node in &self.nodes {
            until("a replica follows", AGES, || {
                let said = node.ask(&["INFO", "replication"]).concat();
                said.contains("master_link_status:up") || said.contains("connected_slaves:1")
            });
        }
        assert_eq!(self.masters().len(), MASTERS);
    }

    /// Waits until the slots of a node that is lost are served by another: how long that took.
    pub(crate) fn until_it_is_replaced(&self, lost: usize) -> Duration {
        let others: Vec<usize> = (0..self.nodes.len()).filter(|index| *index != lost).collect();
        until("a replica takes over", AGES, || {
            let masters = others.iter().filter(|index| self.is_master(**index)).count();
            masters == MASTERS
                && others.iter().all(|index| {
                    let said = self.nodes[*index].ask(&["CLUSTER", "INFO"]).concat();
                    said.contains("cluster_state:ok") && said.contains("cluster_slots_ok:16384")
                })
        })
    }
}

/// A node, and its port for the others.
fn node() -> (Server, String) {
    let bus = free_port().to_string();
    let arguments = [
        ["--cluster-enabled", "yes"],
        ["--cluster-port", &bus],
        ["--cluster-node-timeout", TIMEOUT],
        ["--cluster-replica-validity-factor", "0"],
        ["--cluster-allow-replica-migration", "no"],
        ["--repl-diskless-sync-delay", "0"],
        ["--repl-ping-replica-period", "1"],
    ];
    (Server::with(&arguments.concat()), bus)
}

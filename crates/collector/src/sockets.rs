//! Sockets for the wire: which are listed, and who owns them.

use super::error::CollectError;
use super::metric::{Metric, Round};
use super::numbers::count;
use super::ports::list::{Connections, Socket, select};
use super::ports::owners::Owners;
use super::processes::Processes;
use infiniservice_protocol::metrics::Port;
use std::collections::{HashMap, HashSet};

/// All sockets of the latest dump, and the owners of those that are listed.
#[derive(Default)]
pub struct Sockets {
    all: Vec<Socket>,
    owners: Owners,
}

impl Metric for Sockets {
    /// Needs the processes that were scanned before it.
    fn collect(&mut self, round: &mut Round<'_>) -> Result<(), CollectError> {
        self.all.clear();
        round.machine.sockets(&mut self.all)?;
        let listed = select(&mut self.all, round.settings.max_ports);
        round.data.ports = self.owned(listed, round);
        round.listed("ports", listed, self.all.len());
        Ok(())
    }
}

impl Sockets {
    /// The first `listed`, with their owners.
    fn owned(&mut self, listed: usize, round: &mut Round<'_>) -> Vec<Port> {
        let Round { machine, processes, moment, .. } = round;
        let listed = self.all.get(..listed).unwrap_or_default();
        let wanted: HashSet<u32> = listed.iter().map(|s| s.inode).filter(|inode| *inode != 0).collect();
        self.owners.resolve(&wanted, processes.table().records(), |records, missing| {
            machine.holders(records, missing)
        });
        let owners: HashSet<u32> = listed.iter().filter_map(|s| self.owners.owner(s.inode)).collect();
        let programs = processes.exe_paths(machine, &owners, **moment);
        let connections = Connections::of(&self.all);
        let port = |s: &Socket| port(s, &connections, self.owners.owner(s.inode), processes, &programs);
        listed.iter().map(port).collect()
    }
}

fn port(
    socket: &Socket,
    connections: &Connections,
    pid: Option<u32>,
    processes: &Processes,
    programs: &HashMap<u32, String>,
) -> Port {
    let exe_path = pid.and_then(|pid| programs.get(&pid).cloned());
    let record = pid.and_then(|pid| processes.table().find(pid));
    Port {
        port: socket.port,
        protocol: socket.protocol.name().into(),
        address: socket.address.to_string(),
        state: socket.state_name().into(),
        pid,
        process_name: record.map(|r| r.name.text()),
        exe_path,
        is_listening: socket.is_listening(),
        connection_count: count(connections.on_port_of(socket) as u64),
    }
}

//! Sockets for the wire: which are listed, and who owns them.

use super::error::CollectError;
use super::numbers::count;
use super::ports::list::{Connections, Socket, select};
use super::ports::owners::Owners;
use super::processes::{Moment, Processes};
use super::sys::Machine;
use infiniservice_protocol::metrics::Port;
use std::collections::{HashMap, HashSet};

/// All sockets of the latest dump, and the owners of those that are listed.
#[derive(Default)]
pub struct Sockets {
    all: Vec<Socket>,
    owners: Owners,
}

impl Sockets {
    /// Lists at most `max`; gives how many there are in all. `processes` must have been scanned.
    pub fn collect(
        &mut self,
        machine: &mut Machine,
        processes: &mut Processes,
        moment: Moment,
        max: usize,
    ) -> Result<(Vec<Port>, usize), CollectError> {
        self.all.clear();
        machine.sockets(&mut self.all)?;
        let listed = select(&mut self.all, max);
        let listed = self.all.get(..listed).unwrap_or_default();
        let wanted: HashSet<u32> = listed.iter().map(|s| s.inode).filter(|inode| *inode != 0).collect();
        self.owners.resolve(&wanted, processes.table().records(), |records, missing| {
            machine.holders(records, missing)
        });
        let owners: HashSet<u32> = listed.iter().filter_map(|s| self.owners.owner(s.inode)).collect();
        let programs = processes.exe_paths(machine, &owners, moment);
        let connections = Connections::of(&self.all);
        let port = |s: &Socket| port(s, &connections, self.owners.owner(s.inode), processes, &programs);
        Ok((listed.iter().map(port).collect(), self.all.len()))
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

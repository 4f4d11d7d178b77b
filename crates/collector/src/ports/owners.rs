//! Which process holds a socket: known only by walking over the descriptors of processes, which costs more than all
//! else together. So what was found is kept, and a walk goes where it will likely find, and stops when it has.

use crate::process::Record;
use infiniservice_platform::linux::text::unsigned;
use std::collections::{HashMap, HashSet};

/// The first process, which holds the sockets of services that it starts on demand, is asked last.
const INIT: u32 = 1;

/// A process, told from a later one of the same pid.
type Owner = (u32, u64);

/// Owners by the inode of the socket. `None`: no process holds it, or none that may be looked into.
#[derive(Debug, Default)]
pub struct Owners {
    known: HashMap<u32, Option<Owner>>,
    newest_started: u64,
}

impl Owners {
    /// Finds the owners of `wanted` (no zeros). `holders` looks into processes, in order, for sockets that are missing, and
    /// gives inode and pid of each that it finds.
    pub fn resolve(
        &mut self,
        wanted: &HashSet<u32>,
        records: &[Record],
        holders: impl FnMut(&[&Record], HashSet<u32>) -> Vec<(u32, u32)>,
    ) {
        self.forget(wanted, records);
        let mut walk = Walk { missing: self.missing(wanted), known: &mut self.known, holders };
        let is_unseen = walk.missing.iter().any(|inode| !walk.known.contains_key(inode));
        let known: HashSet<u32> = walk.known.values().flatten().map(|(pid, _)| *pid).collect();
        let newest = self.newest_started;
        // A socket that had no owner may belong to a process that was too new to be seen then.
        let likely =
            |r: &Record| r.pid != INIT && (r.started >= newest || (is_unseen && known.contains(&r.pid)));
        walk.over(records, likely);
        if is_unseen {
            walk.over(records, |r| !likely(r) && r.pid != INIT);
            walk.over(records, |r| !likely(r) && r.pid == INIT);
        }
        let orphans = walk.missing;
        self.known.extend(orphans.into_iter().map(|inode| (inode, None)));
        self.newest_started = records.iter().map(|r| r.started).max().unwrap_or_default();
    }

    /// The process that holds this socket.
    pub fn owner(&self, inode: u32) -> Option<u32> {
        self.known.get(&inode).copied().flatten().map(|(pid, _)| pid)
    }

    /// Keeps what is still wanted and whose owner still lives.
    fn forget(&mut self, wanted: &HashSet<u32>, records: &[Record]) {
        let lives = |owner: &Owner| {
            let at = records.binary_search_by_key(&owner.0, |r| r.pid).ok();
            at.and_then(|at| records.get(at)).is_some_and(|r| r.started == owner.1)
        };
        self.known.retain(|inode, owner| wanted.contains(inode) && owner.as_ref().is_none_or(lives));
    }

    fn missing(&self, wanted: &HashSet<u32>) -> HashSet<u32> {
        wanted.iter().copied().filter(|inode| !matches!(self.known.get(inode), Some(Some(_)))).collect()
    }
}

struct Walk<'a, F> {
    missing: HashSet<u32>,
    known: &'a mut HashMap<u32, Option<Owner>>,
    holders: F,
}

impl<F: FnMut(&[&Record], HashSet<u32>) -> Vec<(u32, u32)>> Walk<'_, F> {
    fn over(&mut self, records: &[Record], which: impl Fn(&Record) -> bool) {
        let asked: Vec<_> = records.iter().filter(|r| !r.is_kernel && which(r)).collect();
        if asked.is_empty() || self.missing.is_empty() {
            return;
        }
        let started: HashMap<u32, u64> = asked.iter().map(|r| (r.pid, r.started)).collect();
        for (inode, pid) in (self.holders)(&asked, self.missing.clone()) {
            if let (true, Some(started)) = (self.missing.remove(&inode), started.get(&pid)) {
                self.known.insert(inode, Some((pid, *started)));
            }
        }
    }
}

/// The inode of `socket:[4711]`, as `/proc/PID/fd/N` points to a socket.
pub fn socket_inode(target: &[u8]) -> Option<u32> {
    let digits = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    unsigned(digits).and_then(|inode| u32::try_from(inode).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Name;

    fn record(pid: u32, started: u64) -> Record {
        Record {
            pid,
            ppid: 1,
            started,
            cpu_ticks: 0,
            rss_pages: 1,
            threads: 1,
            cpu_percent: 0.0,
            state: b'S',
            is_kernel: pid == 2,
            name: Name::new(b"x"),
        }
    }

    /// A machine of processes and what they hold.
    struct World {
        records: Vec<Record>,
        held: Vec<(u32, Vec<u32>)>,
        owners: Owners,
    }

    impl World {
        fn new(held: &[(u32, u64, &[u32])]) -> Self {
            Self {
                records: held.iter().map(|(pid, started, _)| record(*pid, *started)).collect(),
                held: held.iter().map(|(pid, _, sockets)| (*pid, sockets.to_vec())).collect(),
                owners: Owners::default(),
            }
        }

        fn add(&mut self, pid: u32, started: u64, sockets: &[u32]) {
            self.records.push(record(pid, started));
            self.held.push((pid, sockets.to_vec()));
        }

        /// Owners of `wanted`, and which processes were looked into for it.
        fn resolve(&mut self, wanted: &[u32]) -> (Vec<Option<u32>>, Vec<u32>) {
            let mut walked = Vec::new();
            let held = &self.held;
            self.owners.resolve(&wanted.iter().copied().collect(), &self.records, |asked, mut missing| {
                let mut found = Vec::new();
                for record in asked {
                    if missing.is_empty() {
                        break;
                    }
                    walked.push(record.pid);
                    let holds = held.iter().filter(|(pid, _)| *pid == record.pid).flat_map(|(_, s)| s);
                    found.extend(
                        holds.filter(|inode| missing.remove(*inode)).map(|inode| (*inode, record.pid)),
                    );
                }
                found
            });
            (wanted.iter().map(|inode| self.owners.owner(*inode)).collect(), walked)
        }
    }

    #[test]
    fn once_all_are_known_no_process_is_looked_into() {
        let mut world = World::new(&[(1, 0, &[]), (2, 0, &[]), (30, 5, &[100]), (40, 6, &[200, 201])]);
        let (owners, walked) = world.resolve(&[100, 200]);
        assert_eq!(owners, [Some(30), Some(40)]);
        assert!(!walked.contains(&2), "a kernel thread holds nothing");
        assert_eq!(world.resolve(&[100, 200]), (vec![Some(30), Some(40)], vec![]));
    }

    #[test]
    fn a_new_connection_is_looked_for_where_sockets_are_held_first() {
        let mut world = World::new(&[(10, 0, &[]), (20, 0, &[100, 101]), (30, 5, &[])]);
        world.resolve(&[100]);
        assert_eq!(world.resolve(&[100, 101]), (vec![Some(20), Some(20)], vec![20]));
    }

    #[test]
    fn a_socket_without_an_owner_does_not_cost_a_walk_each_time() {
        let mut world = World::new(&[(10, 0, &[]), (20, 1, &[])]);
        assert_eq!(world.resolve(&[99]).0, [None]);
        assert_eq!(world.resolve(&[99]), (vec![None], vec![20]), "only what may be new since");
        // Its process was started between the scan of processes and that of sockets.
        world.add(30, 9, &[99]);
        assert_eq!(world.resolve(&[99]), (vec![Some(30)], vec![20, 30]));
    }

    #[test]
    fn when_the_owner_ends_the_one_who_shares_the_socket_is_found() {
        let mut world = World::new(&[(10, 0, &[7]), (20, 0, &[7]), (90, 9, &[])]);
        assert_eq!(world.resolve(&[7]).0, [Some(10)]);
        world.records.remove(0);
        assert_eq!(world.resolve(&[7]).0, [Some(20)]);
    }

    #[test]
    fn a_service_owns_its_socket_rather_than_init_which_made_it() {
        let mut world = World::new(&[(1, 0, &[7, 8]), (50, 3, &[7]), (60, 9, &[])]);
        assert_eq!(world.resolve(&[7, 8]).0, [Some(50), Some(1)]);
    }

    #[test]
    fn what_is_no_longer_wanted_is_forgotten() {
        let mut world = World::new(&[(10, 0, &[7, 8])]);
        world.resolve(&[7, 8]);
        world.resolve(&[8]);
        assert_eq!(world.owners.known.len(), 1);
    }

    #[test]
    fn a_descriptor_is_a_socket_when_the_kernel_names_it_so() {
        assert_eq!(socket_inode(b"socket:[4711]"), Some(4711));
        assert_eq!(
            [socket_inode(b"pipe:[4711]"), socket_inode(b"socket:[]"), socket_inode(b"/socket:[1]")],
            [None; 3]
        );
    }
}

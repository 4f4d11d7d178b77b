//! The machines of all hosts as a table that changes: what the live view shows of a fleet.

use super::board::{Board, Seen};
use super::place::FleetError;
use crate::hub::{Agent, Figures, Row, Table};
use infiniservice_engine::{Engine, Watch};
use infiniservice_fleet::presence::Change;
use infiniservice_fleet::subject::{HUBS, VMS};
use infiniservice_protocol::clock::Now;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep, sleep_until};

/// Changes are shown together, so often.
const EVERY: Duration = Duration::from_secs(1);
/// How often is looked whether a hub has fallen silent.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// From a lost connection to the next try.
const AGAIN: Duration = Duration::from_secs(1);

/// What is followed.
pub(crate) struct Live {
    hubs: Watch,
    vms: Watch,
    board: Board,
    begin: Instant,
    is_told: bool,
}

/// What is new.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Machines that were written, or deleted.
    pub vms: BTreeSet<String>,
    /// What that means.
    pub changes: Vec<Change>,
}

impl Live {
    /// Follows hubs and machines from now on.
    pub(crate) async fn open(engine: &Engine) -> Result<Self, FleetError> {
        Ok(Self {
            hubs: engine.watch(HUBS, ">").await?,
            vms: engine.watch(VMS, ">").await?,
            board: Board::default(),
            begin: Instant::now(),
            is_told: false,
        })
    }

    /// The board as it is.
    pub(crate) const fn board(&self) -> &Board {
        &self.board
    }

    fn now(&self) -> Now {
        Now { mono: self.begin.elapsed(), wall: SystemTime::now() }
    }

    /// Waits for the next entry, or until it is time to look whether a hub has fallen silent.
    pub(crate) async fn news(&mut self) -> Result<News, FleetError> {
        let mut news = News::default();
        tokio::select! {
            entry = self.vms.next() => {
                let now = self.now();
                news.vms.extend(self.board.take_vm(&entry?, now));
            }
            entry = self.hubs.next() => {
                let now = self.now();
                self.board.take_hub(&entry?, now);
            }
            () = sleep(LOOK_EVERY) => {}
        }
        let now = self.now();
        news.changes = self.board.changes(now);
        Ok(news)
    }

    /// The next table: all machines at first, then those that have changed, a second's worth at a time.
    pub(crate) async fn table(&mut self) -> Result<Table, FleetError> {
        let until = Instant::now() + if self.is_told { EVERY } else { EVERY / 4 };
        let (mut names, mut whole) = (BTreeSet::new(), !self.is_told);
        loop {
            tokio::select! {
                news = self.news() => {
                    let news = news?;
                    whole |= news.changes.iter().any(is_of_all);
                    names.extend(news.vms);
                    names.extend(news.changes.iter().filter_map(vm).cloned());
                }
                () = sleep_until(until), if whole || !names.is_empty() => break,
            }
        }
        self.is_told = true;
        Ok(self.tell(&names, whole))
    }

    fn tell(&self, names: &BTreeSet<String>, whole: bool) -> Table {
        if whole {
            return Table {
                whole,
                vms: self.board.seen().map(|seen| row(&seen)).collect(),
                ..Table::default()
            };
        }
        let mut table = Table::default();
        for name in names {
            match self.board.find(name) {
                Some(seen) => table.vms.push(row(&seen)),
                None => table.gone.push(name.clone()),
            }
        }
        table
    }

    /// After an error: waits before the next try.
    pub(crate) async fn pause(&mut self) {
        sleep(AGAIN).await;
    }
}

/// Whether it changes the state of all machines of a hub.
const fn is_of_all(change: &Change) -> bool {
    matches!(change, Change::HubBack { .. } | Change::HubGone { .. })
}

const fn vm(change: &Change) -> Option<&String> {
    match change {
        Change::VmNew { vm, .. }
        | Change::VmMoved { vm, .. }
        | Change::VmGone { vm, .. }
        | Change::ClaimedTwice { vm, .. } => Some(vm),
        Change::HubBack { .. } | Change::HubGone { .. } => None,
    }
}

fn row(seen: &Seen<'_>) -> Row {
    let vm = seen.vm;
    let ratio = |percent: Option<f64>| percent.map(|percent| percent / 100.0);
    let os = vm.os.as_ref().map(|os| [os.as_str(), vm.os_version.as_deref().unwrap_or_default()].join(" "));
    let hub = match (seen.moved_from, seen.claimed_by) {
        (_, Some(other)) => format!("{}, {other}!", vm.hub),
        (Some(from), None) => format!("{} ← {from}", vm.hub),
        (None, None) => vm.hub.clone(),
    };
    Row {
        name: vm.vm.clone(),
        state: seen.state.to_owned(),
        hub: Some(hub),
        agent: Some(Agent { version: vm.agent_version.clone(), os: os.map(|os| os.trim_end().to_owned()) }),
        figures: Some(Figures {
            address: vm.address.clone(),
            memory: ratio(vm.memory_used_percent),
            disk: ratio(vm.fullest_disk_percent),
            // Only that of five minutes is told.
            load: vm.load5.map(|load| [load; 3]),
            ..Figures::default()
        }),
        ..Row::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_engine::{Layout, Memory};
    use infiniservice_fleet::message::text;
    use infiniservice_fleet::subject::{hub_key, vm_key};
    use infiniservice_fleet::{HubPresence, VmPresence};

    fn hub(name: &str) -> HubPresence {
        HubPresence {
            hub: name.into(),
            since_ms: 1,
            version: "0.1.0".into(),
            vms: 1,
            connected: 1,
            at_ms: 1,
            role: "hub".into(),
            live: false,
        }
    }

    fn web(hub: &str, since_ms: u64) -> VmPresence {
        let (hub, state) = (hub.to_owned(), "up".to_owned());
        VmPresence { hub, vm: "web".into(), since_ms, state, load5: Some(2.0), ..VmPresence::default() }
    }

    async fn put_vm(engine: &Engine, vm: &VmPresence) {
        engine.put(VMS, &vm_key(&vm.hub, &vm.vm), text(vm).into_bytes()).await.unwrap();
    }

    async fn put_hub(engine: &Engine, name: &str) {
        engine.put(HUBS, &hub_key(name), text(&hub(name)).into_bytes()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_fleet_is_told_as_a_whole_and_then_what_changes_and_who_falls_silent() {
        let engine = Engine::in_memory(&Memory::new());
        engine.set_up(&Layout::of_fleet(1)).await.unwrap();
        put_hub(&engine, "host-1").await;
        put_hub(&engine, "host-2").await;
        put_vm(&engine, &web("host-1", 1)).await;
        let mut live = Live::open(&engine).await.unwrap();
        let table = live.table().await.unwrap();
        assert!(table.whole);
        assert_eq!((table.vms[0].name.as_str(), table.vms[0].hub.as_deref()), ("web", Some("host-1")));
        assert_eq!(table.vms[0].figures.as_ref().unwrap().load, Some([2.0; 3]));
        put_vm(&engine, &web("host-2", 2)).await;
        engine.delete(VMS, &vm_key("host-1", "web")).await.unwrap();
        let table = live.table().await.unwrap();
        assert!(!table.whole);
        assert_eq!(table.vms[0].hub.as_deref(), Some("host-2 ← host-1"));
        // Nobody writes any more: the hubs fall silent, and their machines with them.
        let table = live.table().await.unwrap();
        assert!(table.whole);
        assert_eq!(table.vms[0].state, "silent");
    }
}

//! The machines of all hosts as a table that changes: what the live view shows of a fleet.

use super::board::{Board, Seen};
use super::place::FleetError;
use crate::hub::{Agent, Figures, Row, Table};
use infiniservice_engine::{Engine, Watch};
use infiniservice_fleet::subject::{HUBS, VMS};
use std::collections::BTreeSet;
use std::time::Duration;
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
    /// Hubs that were heard when they were last looked at.
    heard: BTreeSet<String>,
    is_told: bool,
}

/// What is new.
pub(crate) enum Change {
    /// A machine of this name, or its end.
    Vm(String),
    /// All of them may be different: a hub came, or fell silent.
    Hubs,
}

impl Live {
    /// Follows hubs and machines from now on.
    pub(crate) async fn open(engine: &Engine) -> Result<Self, FleetError> {
        Ok(Self {
            hubs: engine.watch(HUBS, ">").await?,
            vms: engine.watch(VMS, ">").await?,
            board: Board::default(),
            begin: Instant::now(),
            heard: BTreeSet::new(),
            is_told: false,
        })
    }

    /// The board as it is.
    pub(crate) const fn board(&self) -> &Board {
        &self.board
    }

    /// The time of the board.
    pub(crate) fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Waits for the next change.
    pub(crate) async fn change(&mut self) -> Result<Change, FleetError> {
        loop {
            tokio::select! {
                entry = self.vms.next() => {
                    if let Some(name) = self.board.take_vm(&entry?) {
                        return Ok(Change::Vm(name));
                    }
                }
                entry = self.hubs.next() => self.board.take_hub(&entry?, self.begin.elapsed()),
                () = sleep(LOOK_EVERY) => {}
            }
            if self.hubs_have_changed() {
                return Ok(Change::Hubs);
            }
        }
    }

    fn hubs_have_changed(&mut self) -> bool {
        let heard = self.board.hubs(self.now()).filter(|(.., there)| *there).map(|(hub, ..)| hub.hub.clone());
        let heard = heard.collect::<BTreeSet<_>>();
        let is_other = heard != self.heard;
        self.heard = heard;
        is_other
    }

    /// The next table: all machines at first, then those that have changed, a second's worth at a time.
    pub(crate) async fn table(&mut self) -> Result<Table, FleetError> {
        let until = Instant::now() + if self.is_told { EVERY } else { EVERY / 4 };
        let (mut names, mut whole) = (BTreeSet::new(), !self.is_told);
        loop {
            tokio::select! {
                change = self.change() => match change? {
                    Change::Vm(name) => drop(names.insert(name)),
                    Change::Hubs => whole = true,
                },
                () = sleep_until(until), if whole || !names.is_empty() => break,
            }
        }
        self.is_told = true;
        Ok(self.tell(&names, whole))
    }

    fn tell(&self, names: &BTreeSet<String>, whole: bool) -> Table {
        let now = self.now();
        if whole {
            let vms = self.board.seen(now).map(|seen| row(&seen)).collect();
            return Table { whole, vms, ..Table::default() };
        }
        let mut table = Table::default();
        for name in names {
            match self.board.find(name, now) {
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
        }
    }

    fn vm(hub: &str, since_ms: u64, state: &str) -> VmPresence {
        let (hub, state) = (hub.to_owned(), state.to_owned());
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
        put_vm(&engine, &vm("host-1", 1, "up")).await;
        let mut live = Live::open(&engine).await.unwrap();
        let table = live.table().await.unwrap();
        assert!(table.whole);
        assert_eq!((table.vms[0].name.as_str(), table.vms[0].hub.as_deref()), ("web", Some("host-1")));
        assert_eq!(table.vms[0].figures.as_ref().unwrap().load, Some([2.0; 3]));
        put_vm(&engine, &vm("host-2", 2, "up")).await;
        put_vm(&engine, &vm("host-1", 1, "down")).await;
        let table = live.table().await.unwrap();
        assert!(!table.whole);
        assert_eq!(table.vms[0].hub.as_deref(), Some("host-2 ← host-1"));
        // Nobody writes any more: the hubs fall silent, and their machines with them.
        let table = live.table().await.unwrap();
        assert!(table.whole);
        assert_eq!(table.vms[0].state, "unheard");
    }
}

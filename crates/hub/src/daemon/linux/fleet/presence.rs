//! Who is here: the hub's own entry, written anew before it vanishes, and one for each machine, written when it changes.

mod machine;

use super::super::clock;
use super::place::Place;
use super::trouble::Trouble;
use crate::config;
use infiniservice_engine::Error;
use infiniservice_fleet::{HubPresence, VmPresence, message, subject};
use infiniservice_hub_core::State;
use infiniservice_protocol::clock::Now;
use machine::{Known, presence};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked whether anything has changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the hub's own entry is written: it vanishes after three times as long.
const HUB_EVERY: Duration = Duration::from_secs(10);
/// Machines whose entries are written at one time.
const MAX_ON_THE_WAY: usize = 512;
/// How long after the start machines of an earlier run are left alone, whose sockets are being found.
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// The machines as the fleet knows them.
type Machines = BTreeMap<String, Known>;

/// Tells who is here for as long as the hub runs.
pub(super) async fn run(place: &Place, fleet: &config::Fleet) {
    let mut trouble = Trouble::new(&place.hub, "publishing presence");
    let (start, mut hub_told, mut machines) = (clock::now(), None::<Duration>, None::<Machines>);
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = clock::now();
        let done = async {
            if hub_told.is_none_or(|at| now.mono.saturating_sub(at) >= HUB_EVERY) {
                tell_hub(place, fleet, start, now).await?;
                hub_told = Some(now.mono);
            }
            let known = match &mut machines {
                Some(known) => known,
                None => machines.insert(known(place).await?),
            };
            tell_machines(place, start, known).await
        };
        match done.await {
            Ok(()) => trouble.fine(),
            Err(error) => trouble.failed(&error),
        }
    }
}

async fn tell_hub(place: &Place, fleet: &config::Fleet, start: Now, now: Now) -> Result<(), Error> {
    let role = if fleet.coordinator { "coordinator" } else { "hub" };
    let live = fleet.live;
    let presence = place.hub.look(|fleet| {
        let states = fleet.by_state();
        let count = |wanted: &dyn Fn(State) -> bool| {
            let of = states.iter().filter(|(state, _)| wanted(**state)).map(|(_, count)| count);
            u32::try_from(of.sum::<usize>()).unwrap_or(u32::MAX)
        };
        HubPresence {
            hub: place.name.clone(),
            since_ms: start.wall_ms(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vms: count(&|_| true),
            connected: count(&|state| state == State::Up),
            at_ms: now.wall_ms(),
            role: role.to_owned(),
            live,
        }
    });
    let text = message::text(&presence).into_bytes();
    place.engine.put(subject::HUBS, &subject::hub_key(&place.name), text).await.map(drop)
}

/// What an earlier run of this hub has told.
async fn known(place: &Place) -> Result<Machines, Error> {
    let keys = format!("{}.*", subject::hub_key(&place.name));
    let mut known = Machines::new();
    for entry in place.engine.watch(subject::VMS, &keys).await?.all_there().await? {
        let Some((_, vm)) = subject::parse_vm_key(&entry.key) else { continue };
        let told = entry.value.and_then(|value| serde_json::from_slice::<VmPresence>(&value).ok());
        known.extend(told.map(|told| (vm, Known::told_before(told))));
    }
    Ok(known)
}

async fn tell_machines(place: &Place, start: Now, known: &mut Machines) -> Result<(), Error> {
    loop {
        let now = clock::now();
        let changed = changed(place, now, known);
        let is_all = changed.len() < MAX_ON_THE_WAY;
        let values = changed.iter().map(|(vm, told)| (key(place, vm), message::text(told).into_bytes()));
        let done = place.engine.put_all(subject::VMS, values.collect()).await;
        let mut failed = None;
        for ((vm, told), done) in changed.into_iter().zip(done) {
            match done {
                Ok(()) => known.entry(vm).or_default().tell(now, told),
                Err(error) => {
                    known.entry(vm).or_default().failed();
                    failed = Some(error);
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if is_all {
            break;
        }
    }
    if clock::now().mono.saturating_sub(start.mono) >= SETTLED_AFTER {
        forget(place, known).await?;
    }
    Ok(())
}

/// The machines whose entries are to be written, with what.
fn changed(place: &Place, now: Now, known: &mut Machines) -> Vec<(String, VmPresence)> {
    place.hub.look(|fleet| {
        let there = fleet.iter().filter(|(_, entry)| entry.vanished.is_none());
        let changed = there.filter_map(|(vm, entry)| {
            let known = match known.get_mut(&**vm) {
                Some(known) => known,
                None => known.entry(vm.to_string()).or_default(),
            };
            let told =
                known.due(now, entry).then(|| presence(&place.name, vm, entry, now, known.since(now)))?;
            known.is_news(now, entry, &told).then(|| (vm.to_string(), told))
        });
        changed.take(MAX_ON_THE_WAY).collect()
    })
}

/// Machines that are not here any more: another hub may have them.
async fn forget(place: &Place, known: &mut Machines) -> Result<(), Error> {
    let gone: Vec<_> = place.hub.look(|fleet| {
        let is_gone = |vm: &&String| fleet.get(vm).is_none_or(|entry| entry.vanished.is_some());
        known.keys().filter(is_gone).cloned().collect()
    });
    for vm in gone {
        place.engine.delete(subject::VMS, &key(place, &vm)).await?;
        known.remove(&vm);
    }
    Ok(())
}

fn key(place: &Place, vm: &str) -> String {
    subject::vm_key(&place.name, vm)
}

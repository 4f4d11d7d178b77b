//! Twenty thousand commands, in the midst of which the server is killed three times.

use super::support::{Fleet, Setup};
use infiniservice_hub_sim::Options;
use infiniservice_lab::NatsServer;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

const HUBS: usize = 3;
const GUESTS: usize = 667;
const ORDERS: usize = 10;
const COMMANDS: usize = HUBS * GUESTS * ORDERS;
/// The server is killed when so many commands were carried out.
const KILLS: [usize; 3] = [COMMANDS / 10, COMMANDS * 4 / 10, COMMANDS * 7 / 10];

/// Each guest has a socket and a connection in this process.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

#[tokio::test]
async fn a_server_killed_three_times_in_twenty_thousand_commands_costs_none_and_doubles_none() {
    raise_descriptors();
    let options = Options { interval: Duration::from_secs(60), line_bytes: 2_000, ..crate::support::quick() };
    let setup = Setup { size: (HUBS, GUESTS), options, ..Setup::default() };
    let mut fleet = Fleet::set_up(NatsServer::start().unwrap(), setup).await;
    let orders: Vec<_> = (0..ORDERS).map(|n| format!("o{n}")).collect();
    for id in &orders {
        let order = fleet.alice.order(id, "all", &json!({"max_concurrency": 200}));
        fleet.submit(&fleet.alice.sign(&order), id).await;
    }
    for count in KILLS {
        let carried_out = async || (fleet.carried_out().iter().sum::<usize>() >= count).then_some(());
        fleet.until("so many commands are carried out", carried_out).await;
        fleet.server.kill().unwrap();
        fleet.server.run().unwrap();
    }
    for id in &orders {
        let progress = fleet.finished(id).await;
        let counts = (progress.targets as usize, progress.counts.answered as usize);
        assert_eq!(counts, (HUBS * GUESTS, HUBS * GUESTS), "{progress:?}\n{}", fleet.logs());
        assert_eq!(fleet.results(id).await.len(), HUBS * GUESTS);
    }
    // By the guests' own count, and none of them twice.
    for guest in fleet.guests.iter().flatten() {
        let carried_out = guest.carried_out();
        let ids: BTreeSet<_> = carried_out.iter().map(|(id, _)| id).collect();
        assert_eq!((carried_out.len(), ids.len()), (ORDERS, ORDERS), "{}", guest.name());
    }
}

//! Machines that move, vanish and are claimed twice.

use super::*;
use crate::at_ms;

fn hub(name: &str) -> HubPresence {
    HubPresence {
        hub: name.into(),
        since_ms: 0,
        version: "1".into(),
        vms: 1,
        connected: 1,
        at_ms: 0,
        role: "hub".into(),
        live: false,
    }
}

fn vm(hub: &str, name: &str, since_ms: u64) -> VmPresence {
    VmPresence { hub: hub.into(), vm: name.into(), since_ms, state: "up".into(), ..VmPresence::default() }
}

/// Two hubs, and `web` on the first.
fn table() -> Table {
    let mut table = Table::default();
    table.hub(hub("h1"));
    table.hub(hub("h2"));
    table.vm(at_ms(0), vm("h1", "web", 1));
    let new = Change::VmNew { vm: "web".into(), hub: "h1".into() };
    let back = |hub: &str| Change::HubBack { hub: hub.into() };
    assert_eq!(table.take(), [back("h1"), back("h2"), new]);
    table
}

fn moved() -> Change {
    Change::VmMoved { vm: "web".into(), from: "h1".into(), to: "h2".into() }
}

fn place(table: &Table) -> Option<(&str, &str)> {
    table.get("web").map(|seen| (seen.presence.hub.as_str(), seen.state))
}

#[test]
fn a_machine_that_leaves_one_hub_and_comes_to_another_has_moved_whatever_comes_first() {
    let mut table = table();
    table.vm_gone(at_ms(1000), "h1", "web");
    assert_eq!((table.take(), place(&table)), (vec![], Some(("h1", "up"))));
    table.vm(at_ms(20_000), vm("h2", "web", 2));
    assert_eq!((table.take(), place(&table)), (vec![moved()], Some(("h2", "up"))));

    let mut table = self::table();
    table.vm(at_ms(1000), vm("h2", "web", 2));
    assert_eq!((table.take(), place(&table)), (vec![], Some(("h2", "up"))));
    table.vm_gone(at_ms(20_000), "h1", "web");
    table.tick(at_ms(100_000));
    assert_eq!((table.take(), place(&table)), (vec![moved()], Some(("h2", "up"))));
}

#[test]
fn a_machine_that_comes_back_nowhere_is_gone_after_the_time_of_a_move() {
    let mut table = table();
    table.vm_gone(at_ms(0), "h1", "web");
    table.tick(at_ms(29_999));
    assert!(table.take().is_empty() && place(&table).is_some());
    table.tick(at_ms(30_000));
    assert_eq!(table.take(), [Change::VmGone { vm: "web".into(), hub: "h1".into() }]);
    assert_eq!((place(&table), table.vms().count()), (None, 0));
}

#[test]
fn a_machine_at_two_hubs_for_longer_than_a_move_is_claimed_twice_and_that_is_told_once() {
    let mut table = table();
    table.vm(at_ms(0), vm("h2", "web", 2));
    table.tick(at_ms(29_999));
    assert!(table.take().is_empty() && !table.get("web").unwrap().claimed_twice);
    table.tick(at_ms(30_000));
    table.tick(at_ms(60_000));
    let hubs = vec!["h1".into(), "h2".into()];
    assert_eq!(table.take(), [Change::ClaimedTwice { vm: "web".into(), hubs }]);
    assert!(table.get("web").unwrap().claimed_twice);
    table.vm_gone(at_ms(70_000), "h1", "web");
    assert!(!table.get("web").unwrap().claimed_twice);
}

#[test]
fn the_machines_of_a_hub_that_is_not_heard_are_silent_and_move_without_its_word() {
    let mut table = table();
    table.hub_gone(at_ms(0), "h1");
    assert_eq!(place(&table), Some(("h1", SILENT)));
    assert_eq!(
        (table.hubs_away(), table.take()),
        (vec!["h1".into()], vec![Change::HubGone { hub: "h1".into() }])
    );
    table.vm(at_ms(1000), vm("h2", "web", 2));
    assert_eq!((table.take(), place(&table)), (vec![moved()], Some(("h2", "up"))));
    assert!(table.hubs_away().is_empty());
    // The machine was there before its hub was lost: the other way round it is the same.
    let mut table = self::table();
    table.vm(at_ms(0), vm("h2", "web", 2));
    table.hub_gone(at_ms(1000), "h1");
    assert_eq!(table.take(), [Change::HubGone { hub: "h1".into() }, moved()]);
    table.hub(hub("h1"));
    assert_eq!(table.take(), [Change::HubBack { hub: "h1".into() }]);
}

#[test]
fn machines_of_a_hub_are_known_by_their_names() {
    let mut table = table();
    table.vm(at_ms(0), vm("h1", "db", 1));
    let known = |vms: &str| {
        let order = serde_json::json!({"id": "j", "at_ms": 0, "not_after_ms": 1, "vms": vms, "message": {},
            "max_concurrency": 1, "operator": "a"});
        table.known(&serde_json::from_value(order).unwrap(), "h1")
    };
    assert_eq!(known("all"), ["db", "web"]);
    assert_eq!(known("w*,nobody"), ["web"]);
    assert_eq!(known("name~^d"), ["db"]);
    assert!(known("load5>1").is_empty());
}

#[test]
fn what_is_too_long_or_no_name_is_dropped_and_counted() {
    let mut table = table();
    table.vm(at_ms(0), vm("h1", &"x".repeat(257), 1));
    table.vm(at_ms(0), vm("../h", "y", 1));
    table.hub(hub("-"));
    assert_eq!((table.dropped, table.vms().count(), table.hubs().count()), (3, 1, 2));
}

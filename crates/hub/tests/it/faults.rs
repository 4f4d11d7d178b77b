//! Guests that flood, lie, hang and break: the hub lives, and the others do not notice.

use crate::support::{Host, PATIENCE, quick};
use infiniservice_hub_sim::{Fault, Options};

/// What the hub may take with one guest of each fault: its bounds, and no more.
const MAX_MEMORY: u64 = 160 << 20;

#[tokio::test]
async fn one_guest_of_each_fault_and_the_good_one_is_served_all_the_while() {
    let mut host = Host::new();
    let guests: Vec<_> = Fault::ALL
        .into_iter()
        .map(|fault| host.guest(fault.name(), Options { fault, line_bytes: 40_000, ..quick() }))
        .collect();
    host.start().await;
    host.event("connected", "none").await;
    for name in ["torn", "long", "noise"] {
        let told = host.event("malformed", name).await;
        assert!(told["text"].as_str().unwrap().is_ascii(), "{told}");
    }
    host.event("lost", "churns").await;
    host.event("unserved", "mute").await;
    for _ in 0..50 {
        host.client("none").await.ping(PATIENCE).await.unwrap();
    }
    let machines = host.api().get("/v1/vms").await.unwrap();
    assert_eq!(machines.as_array().unwrap().len(), guests.len());
    let log = host.log();
    assert!(
        log.lines().all(|line| !line.contains(char::is_control)),
        "nothing of a guest's breaks out of its line"
    );
    assert!(host.peak_memory() < MAX_MEMORY, "{} bytes", host.peak_memory());
}

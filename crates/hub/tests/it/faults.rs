//! Guests that flood, lie, hang and break: the hub lives, and the others do not notice.

use crate::support::{Host, PATIENCE, quick};
use infiniservice_hub_sim::{Fault, Options};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

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

/// Sockets that appear at one moment.
const MANY: usize = 10_000;

#[tokio::test]
async fn ten_thousand_sockets_at_once_and_fewer_descriptors() {
    let mut host = Host::new();
    let own = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: own.maximum, ..own }).unwrap();
    let good = host.guest("good", quick());
    host.start().await;
    host.event("connected", "good").await;
    let limit = Rlimit { current: Some(300), maximum: Some(300) };
    prlimit(Pid::from_raw(host.pid().cast_signed()), Resource::Nofile, limit).unwrap();
    std::fs::create_dir(host.path("made")).unwrap();
    let listeners: Vec<_> = (0..MANY)
        .map(|n| std::os::unix::net::UnixListener::bind(host.path("made").join(format!("{n}.sock"))).unwrap())
        .collect();
    std::fs::rename(host.path("made"), host.path("other")).unwrap();
    let own = async || host.api().get("/v1/hub").await.unwrap();
    let refused = async {
        while own().await["connects_refused"] == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    let hub = own().await;
    assert!(hub["connects_waiting"].as_u64() > Some(5000), "{hub}");
    assert_eq!((&hub["connections"], &hub["connections_max"]), (&225.into(), &225.into()), "{hub}");
    assert!(host.log().contains("as many as the limit of descriptors allows"), "{}", host.log());
    assert_eq!(host.api().get("/v1/vms").await.unwrap().as_array().unwrap().len(), MANY + 1);
    for _ in 0..5 {
        host.client("good").await.ping(PATIENCE).await.unwrap();
    }
    assert_eq!(good.connections(), 1);
    drop(listeners);
}

//! Sockets that come, go and are claimed.

use crate::support::{Host, PATIENCE, quick};
use std::time::Duration;
use tokio::net::UnixListener;

#[tokio::test]
async fn a_machine_that_is_started_is_found_at_once_and_one_that_ends_is_lost() {
    let (mut host, _guests) = Host::with(&["first"]).await;
    let guest = host.guest("later", quick());
    host.event("connected", "later").await;
    std::fs::remove_file(host.path("guests/later.sock")).unwrap();
    let lost = host.event("lost", "later").await;
    assert!(lost["text"].as_str().unwrap().contains("its socket is gone"), "{lost}");
    assert_eq!(host.machine("later").await["state"], "down");
    drop(guest);
}

#[tokio::test]
async fn a_directory_that_is_made_later_is_watched() {
    let (host, _guests) = Host::with(&["first"]).await;
    std::fs::create_dir(host.path("other")).unwrap();
    let listener = UnixListener::bind(host.path("other/new.sock")).unwrap();
    tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
}

#[tokio::test]
async fn two_sockets_of_one_name_are_told_and_the_first_is_served() {
    let (host, _guests) = Host::with(&["web"]).await;
    std::fs::create_dir(host.path("other")).unwrap();
    let _second = UnixListener::bind(host.path("other/web.sock")).unwrap();
    let claimed = host.event("claimed_twice", "web").await;
    assert!(claimed["text"].as_str().unwrap().contains("other/web.sock"), "{claimed}");
    host.client("web").await.ping(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_qemu_that_is_started_again_is_connected_again() {
    let (host, guests) = Host::with(&["web"]).await;
    guests[0].hang_up();
    host.event("lost", "web").await;
    let again = async {
        while host.machine("web").await["state"] != "up" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
    host.client("web").await.ping(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_hub_that_is_killed_finds_everything_again() {
    let (mut host, guests) = Host::with(&["web", "db"]).await;
    host.kill();
    host.start().await;
    for guest in &guests {
        host.event("connected", guest.name()).await;
        host.client(guest.name()).await.ping(PATIENCE).await.unwrap();
    }
}

#[tokio::test]
async fn a_second_hub_on_the_same_sockets_ends_with_the_reason() {
    let (host, _guests) = Host::with(&["web"]).await;
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_infinihub"));
    let output = command.arg("--config").arg(host.path("config.toml")).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("another infinihub serves"), "{said}");
    host.client("web").await.ping(PATIENCE).await.unwrap();
}

//! A socket that another program has: who that is.

use crate::support::{Host, quick};
use tokio::net::UnixStream;

#[tokio::test]
async fn a_socket_that_another_program_holds_is_told_with_that_programs_name() {
    let mut host = Host::new();
    let _guest = host.guest("web", quick());
    // As with QEMU: it is served, and whoever comes later waits.
    let first = UnixStream::connect(host.path("guests/web.sock")).await.unwrap();
    host.start().await;
    host.event("unserved", "web").await;
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    let held = format!("held by {}, pid {}", name.trim(), std::process::id());
    let machine = host.until("web", "held", |machine| machine["reason"] == *held).await;
    assert_eq!(machine["state"], "unserved");
    assert!(host.text("/v1/events").await.contains(&held));
    assert!(host.log().contains(&held), "{}", host.log());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_infinihub"));
    let output = command.arg("--config").arg(host.path("config.toml")).arg("--diagnose").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(&format!("wrong: web is unserved: {held}")), "{told}");
    drop(first);
    let machine = host.until("web", "up", |machine| machine["state"] == "up").await;
    assert_eq!(machine["reason"], serde_json::Value::Null);
}

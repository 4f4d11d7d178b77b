//! Settings that change while the hub runs.

use crate::support::{Host, PATIENCE, quick};
use infinictl::hub::HubError;
use infiniservice_hub_sim::Guest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn write(host: &Host, change: impl FnOnce(String) -> String) {
    let path = host.path("config.toml");
    std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
}

async fn reload(host: &Host) -> Result<Value, (u16, String)> {
    host.api().post("/v1/reload", &json!({})).await.map_err(|error| match error {
        HubError::Refused { status, error, .. } => (status, error),
        other => panic!("{other}"),
    })
}

fn hang_up(host: &Host) {
    kill_process(Pid::from_raw(host.pid().cast_signed()).unwrap(), Signal::HUP).unwrap();
}

#[tokio::test]
async fn sources_come_and_go_and_the_others_stay_connected() {
    let (mut host, guests) = Host::with_store(&["stays"]).await;
    std::fs::create_dir(host.path("third")).unwrap();
    let comes = Guest::new("comes", quick());
    let listener = tokio::net::UnixListener::bind(host.path("third/comes.sock")).unwrap();
    let task = tokio::spawn(comes.clone().serve_on(listener));
    write(&host, |text| text.replace("/other/", "/third/"));
    hang_up(&host);
    host.event("connected", "comes").await;
    write(&host, |text| text.replace("/third/", "/other/"));
    let reloaded = reload(&host).await.unwrap();
    assert_eq!(reloaded["changed"], json!(["sources"]), "{reloaded}");
    let gone = host.until("comes", "down", |machine| machine["state"] == "down").await;
    assert!(gone["reason"].as_str().unwrap().contains("no pattern of `sources`"), "{gone}");
    assert_eq!((guests[0].connections(), host.machine("stays").await["state"].as_str()), (1, Some("up")));
    assert_eq!(host.systemd.as_ref().unwrap().stored().len(), 1, "the store has it no more");
    let told = host.systemd.as_ref().unwrap().texts();
    let reloads =
        told.iter().filter(|text| text.contains("RELOADING=1") && text.contains("MONOTONIC_USEC=")).count();
    let ready = told.iter().filter(|text| text.contains("READY=1")).count();
    assert_eq!((reloads, ready), (2, 3), "{told:?}");
    task.abort();
    host.kill();
}

#[tokio::test]
async fn a_broken_file_leaves_the_settings_as_they_are_and_is_told_everywhere() {
    let (host, _guests) = Host::with(&["web"]).await;
    write(&host, |text| text + "log_level = \"debug\nsources = 7\n");
    let (status, error) = reload(&host).await.unwrap_err();
    assert!(status == 422 && error.contains("config.toml") && error.contains("line 7"), "{status} {error}");
    assert!((host.series("infini_hub_config_last_reload_successful").await - 0.0).abs() < 0.1);
    assert!(host.log().contains("those before stay in force"), "{}", host.log());
    let hub = host.api().get("/v1/hub").await.unwrap();
    assert_eq!(hub["settings"]["error"], error, "{hub}");
    assert_eq!(host.machine("web").await["state"], "up");
    let told = diagnosed(&host);
    assert!(told.contains("line 7") && told.contains("keeps the settings that it has"), "{told}");
    write(&host, |text| text.replace("log_level = \"debug\nsources = 7\n", ""));
    // The file is right again, and the hub has not read it yet.
    let told = diagnosed(&host);
    assert!(told.contains("the hub that runs has older settings") && told.contains("line 7"), "{told}");
    assert_eq!(reload(&host).await, Ok(json!({"changed": [], "waiting": []})));
    assert!((host.series("infini_hub_config_last_reload_successful").await - 1.0).abs() < 0.1);
}

/// What `infinihub --diagnose` says of a host where something is wrong.
fn diagnosed(host: &Host) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_infinihub"));
    let output = command.arg("--config").arg(host.path("config.toml")).arg("--diagnose").output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_waits_for_the_next_start_is_named_with_the_reason() {
    let (host, _guests) = Host::with(&["web"]).await;
    write(&host, |text| {
        text.replace("listen = \"\"", "listen = \"127.0.0.1:1\"") + "log_level = \"debug\"\ngroup = \"0\"\n"
    });
    let reloaded = reload(&host).await.unwrap();
    assert_eq!(reloaded["changed"], json!(["group", "log_level"]), "{reloaded}");
    assert_eq!(reloaded["waiting"][0]["setting"], "listen", "{reloaded}");
    assert_eq!(std::fs::metadata(host.path("api.sock")).unwrap().permissions().mode() & 0o777, 0o660);
    write(&host, |text| text.replace("group = \"0\"", "group = \"no-such-group\""));
    let (_, error) = reload(&host).await.unwrap_err();
    assert!(error.contains("`group`") && error.contains("no-such-group"), "{error}");
    let debug = async {
        while !host.log().contains("DEBUG") {
            // What is no request is told at this level.
            let mut stream = tokio::net::UnixStream::connect(host.path("api.sock")).await.unwrap();
            stream.write_all(b"noise\r\n\r\n").await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, debug).await.expect("the log's level changed");
}

#[tokio::test]
async fn only_who_may_change_something_reads_the_settings_again() {
    let mut host = Host::new();
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    write(&host, |text| text.replace("listen = \"\"", &format!("listen = \"{address}\"")));
    host.start().await;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /v1/reload HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("PERMISSION_DENIED"), "{answer}");
    assert!(!host.log().contains("read again"));
}

//! What only the real server has: an end in the midst of it, versions, and users with few rights.

use crate::support::{PATIENCE, in_memory, layout, out, real, settings};
use infiniservice_engine::{Engine, Settings};
use infiniservice_lab::NatsServer;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn after_the_server_was_killed_everything_goes_on() {
    let (engine, mut server) = real().await;
    let mut status = engine.status();
    timeout(PATIENCE, status.wait_for(|status| status.connected)).await.unwrap().unwrap();
    let mut reader = engine.read("RES", "res.>").await.unwrap();
    let mut watch = engine.watch("KEYS", ">").await.unwrap();
    let mut commands = engine.commands("CMD", "hub-a", "cmd.a").await.unwrap();
    engine.publish_one(out("res.j.h.a", "1", "before")).await.unwrap();
    assert_eq!(timeout(PATIENCE, reader.next()).await.unwrap().unwrap().payload, b"before");
    server.kill().unwrap();
    timeout(PATIENCE, status.wait_for(|status| !status.connected)).await.unwrap().unwrap();
    server.run().unwrap();
    timeout(PATIENCE, status.wait_for(|status| status.connections == 2)).await.unwrap().unwrap();
    let published = async { while engine.publish_one(out("res.j.h.b", "2", "after")).await.is_err() {} };
    timeout(PATIENCE, published).await.unwrap();
    engine.put("KEYS", "a", b"after".into()).await.unwrap();
    engine.publish_one(out("cmd.a", "3", "after")).await.unwrap();
    let read = async {
        loop {
            if let Ok(stored) = reader.next().await {
                break stored.payload;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, read).await.unwrap(), b"after");
    let seen = async { while !watch.next().await.is_ok_and(|entry| entry.key == "a") {} };
    timeout(PATIENCE, seen).await.unwrap();
    let given = async {
        loop {
            match commands.next().await {
                Ok(command) => break command.payload,
                Err(_) => commands = engine.commands("CMD", "hub-a", "cmd.a").await.unwrap(),
            }
        }
    };
    assert_eq!(timeout(PATIENCE, given).await.unwrap(), b"after");
}

#[tokio::test]
async fn where_nobody_is_that_is_said_with_the_address() {
    let error = Engine::connect(&Settings { url: "nats://127.0.0.1:1".into(), ..Settings::default() }).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("nats://127.0.0.1:1") && error.contains("refused"), "{error}");
}

/// A user who may do only what a hub of this name may.
const USERS: &str = r#"
authorization { users: [
  { user: "all", password: "a" }
  { user: "h1", password: "b", permissions: {
      publish: ["res.*.h1.>", "$JS.API.>", "$JS.ACK.>", "$JS.FC.>"], subscribe: ["_INBOX.h1.>"] } }
] }
"#;

#[tokio::test]
async fn a_hub_cannot_write_the_results_of_another() {
    let server = NatsServer::with(USERS).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let connect = async |user: &str, password: &str| {
        let file = directory.path().join(user);
        std::fs::write(&file, format!("{user}\n{password}\n")).unwrap();
        let inbox = format!("_INBOX.{user}");
        Engine::connect(&Settings { credentials: Some(file), inbox, ..settings(&server) }).await
    };
    let all = connect("all", "a").await.unwrap();
    all.set_up(&layout()).await.unwrap();
    let hub = connect("h1", "b").await.unwrap();
    hub.publish_one(out("res.j.h1.a", "", "mine")).await.unwrap();
    let mut status = hub.status();
    let forged = tokio::spawn({
        let hub = hub.clone();
        async move { hub.publish_one(out("res.j.h2.a", "", "forged")).await }
    });
    let told =
        timeout(PATIENCE, status.wait_for(|status| status.error.is_some())).await.unwrap().unwrap().clone();
    assert!(told.error.as_ref().unwrap().to_lowercase().contains("permissions violation"), "{told:?}");
    forged.abort();
    let mut reader = all.read("RES", "res.>").await.unwrap();
    assert_eq!((reader.there(), reader.next().await.unwrap().payload), (1, b"mine".to_vec()));
    let error = connect("all", "wrong").await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("authorization"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_forgotten_and_what_was_not_acknowledged_comes_again() {
    let (engine, _memory) = in_memory().await;
    engine.create("KEYS", "lease", b"h1".into()).await.unwrap();
    engine.publish_one(out("cmd.a", "1", "one")).await.unwrap();
    let mut commands = engine.commands("CMD", "hub-a", "cmd.a").await.unwrap();
    let _lost = commands.next().await.unwrap();
    assert_eq!(timeout(PATIENCE, commands.next()).await.unwrap().unwrap().payload, b"one");
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(engine.get("KEYS", "lease").await.unwrap(), None);
    engine.create("KEYS", "lease", b"h2".into()).await.unwrap();
}

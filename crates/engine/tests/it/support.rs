//! The two engines, and what both begin with.

use infiniservice_engine::{Bucket, Discard, Engine, Layout, Memory, Out, Retention, Settings, Stream};
use infiniservice_lab::NatsServer;
use std::time::Duration;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// What the small stream of the tests may hold.
pub const ROOM: u64 = 4096;

pub fn stream(name: &str, subject: &str, retention: Retention, discard: Discard) -> Stream {
    Stream {
        name: name.to_owned(),
        subject: subject.to_owned(),
        retention,
        max_age: Duration::from_secs(3600),
        max_bytes: 1 << 20,
        discard,
        duplicate_window: Duration::from_secs(120),
    }
}

/// A queue, results, a small stream, and a bucket.
pub fn layout() -> Layout {
    let small = Stream { max_bytes: ROOM, ..stream("SMALL", "small.>", Retention::Limits, Discard::New) };
    Layout {
        streams: vec![
            stream("CMD", "cmd.*", Retention::WorkQueue, Discard::New),
            stream("RES", "res.>", Retention::Limits, Discard::Old),
            small,
        ],
        buckets: vec![Bucket { name: "KEYS".into(), max_age: Duration::from_secs(3600), max_bytes: 1 << 20 }],
        replicas: 1,
    }
}

pub fn settings(server: &NatsServer) -> Settings {
    Settings { url: server.url(), name: "test".into(), inbox: "_INBOX.test".into(), ..Settings::default() }
}

pub fn out(subject: &str, id: &str, payload: &str) -> Out {
    Out { subject: subject.into(), id: id.into(), payload: payload.into() }
}

/// An engine with the layout; the server lives as long as the test.
pub async fn real() -> (Engine, NatsServer) {
    let server = NatsServer::start().unwrap();
    let engine = Engine::connect(&settings(&server)).await.unwrap();
    engine.set_up(&layout()).await.unwrap();
    (engine, server)
}

pub async fn in_memory() -> (Engine, Memory) {
    let memory = Memory::new();
    let engine = Engine::in_memory(&memory);
    engine.set_up(&layout()).await.unwrap();
    (engine, memory)
}

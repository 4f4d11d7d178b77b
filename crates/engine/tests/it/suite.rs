//! What both engines do.

use crate::support::{PATIENCE, ROOM, in_memory, layout, out, real, stream};
use infiniservice_engine::{Discard, Engine, Error, Layout, Out, Reader, Retention};
use std::time::Duration;
use tokio::time::timeout;

/// Each of these is a test with either engine.
macro_rules! with_both {
    ($($name:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                let (engine, _memory) = super::in_memory().await;
                super::$name(engine).await;
            })*
        }
        mod nats {
            $(#[tokio::test]
            async fn $name() {
                let (engine, _server) = super::real().await;
                super::$name(engine).await;
            })*
        }
    };
}

with_both! {
    results_come_in_their_order_from_the_first_on
    a_repeated_id_is_stored_once
    many_keys_are_written_together
    commands_come_again_until_they_are_acknowledged
    each_hub_gets_its_own_commands
    a_full_stream_takes_nothing_new_and_says_so
    keys_are_created_once_and_changed_by_who_knows_them
    a_watch_tells_what_is_and_what_becomes
    a_question_has_an_answer_or_says_that_nobody_is_there
    what_is_told_live_reaches_who_listens
    what_is_there_stays_as_it_is_and_what_does_not_fit_is_told
    what_is_too_long_is_told
}

async fn next(reader: &mut Reader) -> (String, String, u64) {
    let stored = timeout(PATIENCE, reader.next()).await.unwrap().unwrap();
    (stored.subject, String::from_utf8(stored.payload).unwrap(), stored.pending)
}

async fn results_come_in_their_order_from_the_first_on(engine: Engine) {
    let texts: Vec<_> = (0..300).map(|n| n.to_string()).collect();
    let all = texts.iter().map(|n| out(&format!("res.j.h.{n}"), n, n)).collect();
    assert!(engine.publish(all).await.iter().all(Result::is_ok));
    engine.publish_one(out("res.other.h.1", "o", "other")).await.unwrap();
    let mut reader = engine.read("RES", "res.j.>").await.unwrap();
    assert_eq!(reader.there(), 300);
    for (n, text) in texts.iter().enumerate() {
        assert_eq!(next(&mut reader).await, (format!("res.j.h.{text}"), text.clone(), 299 - n as u64));
    }
    engine.publish_one(out("res.j.h.late", "late", "late")).await.unwrap();
    assert_eq!(next(&mut reader).await.1, "late");
}

async fn a_repeated_id_is_stored_once(engine: Engine) {
    for text in ["first", "again"] {
        engine.publish_one(out("res.j.h.a", "j/a", text)).await.unwrap();
    }
    engine.publish_one(out("res.j.h.b", "j/b", "other")).await.unwrap();
    let mut reader = engine.read("RES", "res.>").await.unwrap();
    assert_eq!((next(&mut reader).await.1, next(&mut reader).await.1), ("first".into(), "other".into()));
}

async fn many_keys_are_written_together(engine: Engine) {
    engine.put("KEYS", "h1.0", b"old".into()).await.unwrap();
    let values = (0..300).map(|n| (format!("h1.{n}"), n.to_string().into_bytes())).collect();
    assert!(engine.put_all("KEYS", values).await.iter().all(Result::is_ok));
    assert_eq!(engine.get("KEYS", "h1.299").await.unwrap().unwrap().value.unwrap(), b"299");
    assert_eq!(engine.watch("KEYS", "h1.*").await.unwrap().there(), 300);
}

async fn commands_come_again_until_they_are_acknowledged(engine: Engine) {
    engine.publish_one(out("cmd.a", "1", "one")).await.unwrap();
    engine.publish_one(out("cmd.a", "2", "two")).await.unwrap();
    let mut commands = engine.commands("CMD", "hub-a", "cmd.a").await.unwrap();
    let one = timeout(PATIENCE, commands.next()).await.unwrap().unwrap();
    assert_eq!(one.payload, b"one");
    one.again(Duration::from_millis(10)).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let command = timeout(PATIENCE, commands.next()).await.unwrap().unwrap();
        command.ack().await.unwrap();
        seen.push(String::from_utf8(command.payload).unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, ["one", "two"]);
    // Whoever asks anew goes on after what was acknowledged.
    engine.publish_one(out("cmd.a", "3", "three")).await.unwrap();
    drop(commands);
    let mut commands = engine.commands("CMD", "hub-a", "cmd.a").await.unwrap();
    assert_eq!(timeout(PATIENCE, commands.next()).await.unwrap().unwrap().payload, b"three");
}

async fn each_hub_gets_its_own_commands(engine: Engine) {
    let mut a = engine.commands("CMD", "hub-a", "cmd.a").await.unwrap();
    let mut b = engine.commands("CMD", "hub-b", "cmd.b").await.unwrap();
    engine.publish_one(out("cmd.b", "", "for b")).await.unwrap();
    engine.publish_one(out("cmd.a", "", "for a")).await.unwrap();
    assert_eq!(timeout(PATIENCE, a.next()).await.unwrap().unwrap().payload, b"for a");
    assert_eq!(timeout(PATIENCE, b.next()).await.unwrap().unwrap().payload, b"for b");
}

async fn a_full_stream_takes_nothing_new_and_says_so(engine: Engine) {
    let large = "x".repeat(ROOM as usize / 3);
    let mut refused = None;
    for n in 0..4 {
        refused = refused.or(engine.publish_one(out(&format!("small.{n}"), "", &large)).await.err());
    }
    let refused = refused.unwrap();
    assert!(matches!(refused, Error::Full { .. }), "{refused:?}");
    assert!(refused.to_string().contains("small."), "{refused}");
    let mut reader = engine.read("SMALL", "small.>").await.unwrap();
    assert_eq!(next(&mut reader).await.0, "small.0");
}

async fn keys_are_created_once_and_changed_by_who_knows_them(engine: Engine) {
    assert_eq!(engine.get("KEYS", "a.lease").await.unwrap(), None);
    let first = engine.create("KEYS", "a.lease", b"one".into()).await.unwrap();
    let conflict = Error::Conflict("KEYS/a.lease".into());
    assert_eq!(engine.create("KEYS", "a.lease", b"two".into()).await, Err(conflict.clone()));
    let second = engine.update("KEYS", "a.lease", b"two".into(), first).await.unwrap();
    assert_eq!(engine.update("KEYS", "a.lease", b"three".into(), first).await, Err(conflict));
    let there = engine.get("KEYS", "a.lease").await.unwrap().unwrap();
    assert_eq!((there.value.as_deref(), there.revision), (Some(&b"two"[..]), second));
    engine.delete("KEYS", "a.lease").await.unwrap();
    assert_eq!(engine.get("KEYS", "a.lease").await.unwrap(), None);
    engine.create("KEYS", "a.lease", b"four".into()).await.unwrap();
    engine.put("KEYS", "a.lease", b"five".into()).await.unwrap();
    assert_eq!(engine.get("KEYS", "a.lease").await.unwrap().unwrap().value.unwrap(), b"five");
}

async fn a_watch_tells_what_is_and_what_becomes(engine: Engine) {
    for (key, value) in [("h1.a", "1"), ("h1.a", "2"), ("h2.a", "3"), ("other", "4")] {
        engine.put("KEYS", key, value.into()).await.unwrap();
    }
    let mut watch = engine.watch("KEYS", "*.a").await.unwrap();
    assert_eq!(watch.there(), 2);
    let mut seen = Vec::new();
    while seen.len() < 3 {
        // Of a key that changes before it was read only the newest value comes.
        if seen.len() == 2 {
            engine.delete("KEYS", "h1.a").await.unwrap();
        }
        let entry = timeout(PATIENCE, watch.next()).await.unwrap().unwrap();
        seen.push((entry.key, entry.value.map(|value| String::from_utf8(value).unwrap())));
    }
    let wanted = [("h1.a", Some("2")), ("h2.a", Some("3")), ("h1.a", None)];
    let wanted = wanted.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
    assert_eq!(seen, wanted);
    assert_eq!(engine.watch("KEYS", "nobody.>").await.unwrap().there(), 0);
}

async fn a_question_has_an_answer_or_says_that_nobody_is_there(engine: Engine) {
    let nobody = engine.ask("rpc.h1", b"?".into(), PATIENCE).await.unwrap_err();
    assert!(nobody.to_string().contains("nobody is there"), "{nobody}");
    let mut asked = engine.listen("rpc.h1").await.unwrap();
    let answerer = engine.clone();
    let answering = async {
        let note = asked.next().await.unwrap();
        answerer.tell(&note.reply.unwrap(), [&note.payload[..], b"!"].concat()).await.unwrap();
        asked
    };
    let (answer, _asked) = tokio::join!(engine.ask("rpc.h1", b"?".into(), PATIENCE), answering);
    assert_eq!(answer.unwrap(), b"?!");
    // Somebody is there, and says nothing.
    let silent = engine.ask("rpc.h1", b"?".into(), Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(silent, Error::TimedOut { .. }), "{silent}");
}

async fn what_is_told_live_reaches_who_listens(engine: Engine) {
    let mut heard = engine.listen("m.*.web").await.unwrap();
    engine.tell("m.h1.db", b"not for us".into()).await.unwrap();
    engine.tell("m.h1.web", b"figures".into()).await.unwrap();
    let note = timeout(PATIENCE, heard.next()).await.unwrap().unwrap();
    assert_eq!(
        (note.subject.as_str(), note.payload.as_slice(), note.reply),
        ("m.h1.web", &b"figures"[..], None)
    );
}

async fn what_is_there_stays_as_it_is_and_what_does_not_fit_is_told(engine: Engine) {
    engine.publish_one(out("res.j.h.a", "", "kept")).await.unwrap();
    engine.set_up(&layout()).await.unwrap();
    assert_eq!(engine.read("RES", "res.>").await.unwrap().there(), 1);
    let queue = stream("RES", "res.>", Retention::WorkQueue, Discard::Old);
    let error =
        engine.set_up(&Layout { streams: vec![queue], replicas: 1, ..Layout::default() }).await.unwrap_err();
    assert!(matches!(&error, Error::Unfit { name, .. } if name == "RES"), "{error}");
}

async fn what_is_too_long_is_told(engine: Engine) {
    let long = vec![b'x'; engine.max_payload() + 1];
    let error = engine.put("KEYS", "a", long.clone()).await.unwrap_err();
    assert!(matches!(error, Error::TooLong { .. }), "{error}");
    let error = engine.publish_one(Out { payload: long, ..out("res.a", "", "") }).await.unwrap_err();
    assert!(error.to_string().contains("max_payload"), "{error}");
}

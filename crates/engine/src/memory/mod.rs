//! The same in memory: streams with bounds and ages, work queues that give again what is not acknowledged, and notes. For
//! tests, which have it in paused time and without a program beside them.

#![allow(clippy::unused_async, reason = "the methods are those of the engine that does wait")]

mod kept;
mod readers;

use crate::entry::{Entry, Note, Out};
use crate::error::Error;
use crate::layout::{Bucket, Discard, Layout, Retention, Stream};
use infiniservice_fleet::subject::{bucket_stream, bucket_subject};
use kept::Kept;
pub(crate) use readers::{Commands, Handle, Notes, Reader};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The longest message, in bytes: that of a server as it comes.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;
/// Notes that wait for who reads a subscription; more of them are lost.
const MAX_UNREAD: usize = 16_384;

/// A server in memory. A clone is the same one.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    changed: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct State {
    streams: BTreeMap<String, Kept>,
    listeners: Vec<(String, mpsc::Sender<Note>)>,
    inboxes: u64,
}

impl Memory {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    fn with<T>(&self, stream: &str, act: impl FnOnce(&mut Kept) -> T) -> Result<T, Error> {
        let mut state = self.state();
        let kept = state.streams.get_mut(stream);
        let kept = kept.ok_or_else(|| Error::failed(format!("use the stream {stream}"), "there is none"))?;
        kept.expire();
        Ok(act(kept))
    }

    pub(crate) async fn set_up(&self, layout: &Layout) -> Result<(), Error> {
        let buckets = layout.buckets.iter().map(of_bucket);
        let mut state = self.state();
        for (stream, newest_only) in layout.streams.iter().cloned().map(|it| (it, false)).chain(buckets) {
            match state.streams.get(&stream.name) {
                Some(there) => there.check(&stream)?,
                None => drop(state.streams.insert(stream.name.clone(), Kept::new(stream, newest_only))),
            }
        }
        Ok(())
    }

    pub(crate) async fn publish(&self, out: Vec<Out>) -> Vec<Result<(), Error>> {
        let done = out.into_iter().map(|out| self.publish_one(out)).collect();
        self.changed();
        done
    }

    fn publish_one(&self, out: Out) -> Result<(), Error> {
        let doing = format!("publish to {}", out.subject);
        Error::too_long(|| doing.clone(), out.payload.len(), MAX_PAYLOAD)?;
        let mut state = self.state();
        let kept = state.streams.values_mut().find(|kept| is_like(&out.subject, &kept.spec.subject));
        let kept = kept.ok_or_else(|| Error::failed(&*doing, "no stream takes it"))?;
        kept.expire();
        if kept.is_known(&out.id) {
            return Ok(());
        }
        kept.push(&out.subject, &out.id, out.payload, false).map(drop).ok_or(Error::Full { doing })
    }

    pub(crate) async fn get(&self, bucket: &str, key: &str) -> Result<Option<Entry>, Error> {
        let entry = |kept: &mut Kept| {
            let message = kept.newest(&bucket_subject(bucket, key)).filter(|message| !message.is_deleted)?;
            let value = Some(message.payload.clone());
            Some(Entry { key: key.to_owned(), value, revision: message.seq, pending: 0 })
        };
        self.with(&bucket_stream(bucket), entry)
    }

    pub(crate) async fn create(&self, bucket: &str, key: &str, value: Vec<u8>) -> Result<u64, Error> {
        self.write(bucket, key, Some(value), |there| there.is_none())
    }

    pub(crate) async fn update(
        &self,
        bucket: &str,
        key: &str,
        value: Vec<u8>,
        revision: u64,
    ) -> Result<u64, Error> {
        self.write(bucket, key, Some(value), |there| there.unwrap_or_default() == revision)
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, value: Vec<u8>) -> Result<u64, Error> {
        self.write(bucket, key, Some(value), |_| true)
    }

    pub(crate) async fn delete(&self, bucket: &str, key: &str) -> Result<(), Error> {
        self.write(bucket, key, None, |_| true).map(drop)
    }

    /// Writes a key where its revision is as wanted.
    fn write(
        &self,
        bucket: &str,
        key: &str,
        value: Option<Vec<u8>>,
        wanted: impl FnOnce(Option<u64>) -> bool,
    ) -> Result<u64, Error> {
        let doing = format!("write {bucket}/{key}");
        Error::too_long(|| doing.clone(), value.as_ref().map_or(0, Vec::len), MAX_PAYLOAD)?;
        let subject = bucket_subject(bucket, key);
        let done = self.with(&bucket_stream(bucket), |kept| {
            let there = kept.newest(&subject).filter(|message| !message.is_deleted);
            if !wanted(there.map(|message| message.seq)) {
                return Err(Error::Conflict(format!("{bucket}/{key}")));
            }
            let is_deleted = value.is_none();
            kept.push(&subject, "", value.unwrap_or_default(), is_deleted).ok_or(Error::Full { doing })
        })?;
        self.changed();
        done
    }

    pub(crate) async fn ask(
        &self,
        subject: &str,
        payload: Vec<u8>,
        patience: Duration,
    ) -> Result<Vec<u8>, Error> {
        let doing = || format!("ask {subject}");
        let inbox = {
            let mut state = self.state();
            state.inboxes += 1;
            format!("_INBOX.{}", state.inboxes)
        };
        let mut answers = self.listen(&inbox);
        if self.send(subject, Some(&inbox), &payload) == 0 {
            return Err(Error::failed(doing(), "nobody is there who would answer"));
        }
        let answer = tokio::time::timeout(patience, answers.next()).await;
        let answer = answer.map_err(|_| Error::TimedOut { doing: doing(), within: patience })?;
        answer.map(|note| note.payload).ok_or_else(|| Error::failed(doing(), "the connection is closed"))
    }

    pub(crate) async fn tell(&self, subject: &str, payload: Vec<u8>) -> Result<(), Error> {
        self.send(subject, None, &payload);
        Ok(())
    }

    /// To how many it went.
    fn send(&self, subject: &str, reply: Option<&str>, payload: &[u8]) -> usize {
        let mut state = self.state();
        state.listeners.retain(|(_, listener)| !listener.is_closed());
        let hears = state.listeners.iter().filter(|(pattern, _)| is_like(subject, pattern));
        let note = || Note {
            subject: subject.to_owned(),
            reply: reply.map(str::to_owned),
            payload: payload.to_vec(),
        };
        hears.map(|(_, listener)| drop(listener.try_send(note()))).count()
    }

    pub(crate) fn listen(&self, subject: &str) -> Notes {
        let (sender, receiver) = mpsc::channel(MAX_UNREAD);
        self.state().listeners.push((subject.to_owned(), sender));
        Notes(receiver)
    }
}

/// As a server keeps one: a stream with the newest message of each subject.
fn of_bucket(bucket: &Bucket) -> (Stream, bool) {
    let stream = Stream {
        name: bucket_stream(&bucket.name),
        subject: bucket_subject(&bucket.name, ">"),
        retention: Retention::Limits,
        max_age: bucket.max_age,
        max_bytes: bucket.max_bytes,
        discard: Discard::New,
        duplicate_window: Duration::ZERO,
    };
    (stream, true)
}

/// Whether a subject is like a pattern: `*` is any part, `>` any rest.
fn is_like(subject: &str, pattern: &str) -> bool {
    let (mut parts, mut wanted) = (subject.split('.'), pattern.split('.'));
    loop {
        match (parts.next(), wanted.next()) {
            (Some(_), Some(">")) | (None, None) => return true,
            (Some(part), Some(want)) if want == "*" || want == part => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn a_star_is_one_part_and_the_rest_is_at_least_one() {
        for (pattern, is) in [("a.b", true), ("a.*", true), ("*.b", true), ("a.>", true), (">", true)] {
            assert_eq!(is_like("a.b", pattern), is, "{pattern}");
        }
        for pattern in ["a", "a.b.c", "a.b.>", "b.*", "a.*.*"] {
            assert!(!is_like("a.b", pattern), "{pattern}");
        }
    }
}

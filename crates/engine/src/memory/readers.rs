//! Who reads from memory.

use super::{Memory, is_like};
use crate::entry::{ACK_WAIT, Note, Stored};
use crate::error::Error;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// The commands of one hub.
pub(crate) struct Commands {
    memory: Memory,
    stream: String,
    subject: String,
    changed: watch::Receiver<u64>,
}

/// A command that was given.
#[derive(Debug)]
pub(crate) struct Handle {
    memory: Memory,
    stream: String,
    seq: u64,
}

impl Memory {
    pub(crate) fn commands(&self, stream: &str, subject: &str) -> Result<Commands, Error> {
        self.with(stream, |_| ())?;
        let (stream, subject) = (stream.to_owned(), subject.to_owned());
        Ok(Commands { memory: self.clone(), stream, subject, changed: self.changed.subscribe() })
    }

    /// A reader, and how many messages are there already.
    pub(crate) fn read(&self, stream: &str, subject: &str, newest: bool) -> Result<(Reader, u64), Error> {
        let changed = self.changed.subscribe();
        let mut reader = Reader {
            memory: self.clone(),
            stream: stream.to_owned(),
            subject: subject.to_owned(),
            after: 0,
            waiting: VecDeque::new(),
            changed,
        };
        reader.look()?;
        if newest {
            reader.keep_newest();
        }
        let there = reader.waiting.len() as u64;
        Ok((reader, there))
    }
}

impl Commands {
    pub(crate) async fn next(&mut self) -> (Vec<u8>, Handle) {
        loop {
            self.changed.mark_unchanged();
            let due = self.memory.with(&self.stream, |kept| kept.next_due(|it| is_like(it, &self.subject)));
            match due.ok().flatten() {
                Some((at, seq)) if at <= Instant::now() => {
                    if let Some(command) = self.give(seq) {
                        return command;
                    }
                }
                Some((at, _)) => {
                    tokio::select! {
                        () = sleep_until(at) => {}
                        _ = self.changed.changed() => {}
                    }
                }
                None => drop(self.changed.changed().await),
            }
        }
    }

    fn give(&self, seq: u64) -> Option<(Vec<u8>, Handle)> {
        let payload = self.memory.with(&self.stream, |kept| {
            kept.put_off(seq, ACK_WAIT);
            kept.messages.iter().find(|message| message.seq == seq).map(|message| message.payload.clone())
        });
        let (memory, stream) = (self.memory.clone(), self.stream.clone());
        payload.ok().flatten().map(|payload| (payload, Handle { memory, stream, seq }))
    }
}

impl Handle {
    pub(crate) fn ack(&self) {
        // A stream is never removed.
        let _there = self.memory.with(&self.stream, |kept| kept.remove(self.seq));
    }

    pub(crate) fn again(&self, after: Duration) {
        let _there = self.memory.with(&self.stream, |kept| kept.put_off(self.seq, after));
        self.memory.changed();
    }
}

/// A stream's messages.
pub(crate) struct Reader {
    memory: Memory,
    stream: String,
    subject: String,
    after: u64,
    waiting: VecDeque<(Stored, bool)>,
    changed: watch::Receiver<u64>,
}

impl Reader {
    pub(crate) async fn next(&mut self) -> (Stored, bool) {
        loop {
            if let Some((mut stored, is_deleted)) = self.waiting.pop_front() {
                stored.pending = self.waiting.len() as u64;
                return (stored, is_deleted);
            }
            self.changed.mark_unchanged();
            // A stream is never removed.
            let _there = self.look();
            if self.waiting.is_empty() {
                let _open = self.changed.changed().await;
            }
        }
    }

    fn look(&mut self) -> Result<(), Error> {
        let (subject, after) = (&self.subject, self.after);
        let found = self.memory.with(&self.stream, |kept| {
            let new = kept.messages.iter().filter(|it| it.seq > after && is_like(&it.subject, subject));
            let stored = new.map(|it| {
                let (subject, payload) = (it.subject.clone(), it.payload.clone());
                (Stored { seq: it.seq, subject, payload, pending: 0 }, it.is_deleted)
            });
            stored.collect::<VecDeque<_>>()
        })?;
        self.after = found.back().map_or(after, |(stored, _)| stored.seq);
        self.waiting.extend(found);
        Ok(())
    }

    fn keep_newest(&mut self) {
        let mut seen = std::collections::HashSet::new();
        let newest = self.waiting.drain(..).rev().filter(|(stored, _)| seen.insert(stored.subject.clone()));
        self.waiting = newest.collect::<Vec<_>>().into_iter().rev().collect();
    }
}

/// A subscription.
pub(crate) struct Notes(pub(super) mpsc::Receiver<Note>);

impl Notes {
    pub(crate) async fn next(&mut self) -> Option<Note> {
        self.0.recv().await
    }
}

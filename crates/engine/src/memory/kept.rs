//! One stream's messages.

use crate::error::Error;
use crate::layout::{Discard, Stream};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Message {
    pub(super) seq: u64,
    pub(super) subject: String,
    pub(super) payload: Vec<u8>,
    pub(super) is_deleted: bool,
    at: Instant,
    /// In a work queue: when it may be given, again or for the first time.
    pub(super) due: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) spec: Stream,
    newest_only: bool,
    pub(super) messages: VecDeque<Message>,
    last_seq: u64,
    bytes: u64,
    ids: HashMap<String, Instant>,
}

impl Kept {
    pub(super) fn new(spec: Stream, newest_only: bool) -> Self {
        let (messages, ids) = Default::default();
        Self { spec, newest_only, messages, last_seq: 0, bytes: 0, ids }
    }

    /// Whether it is what is wanted, but for its bounds.
    pub(super) fn check(&self, wanted: &Stream) -> Result<(), Error> {
        let is = self.spec.retention == wanted.retention && self.spec.subject == wanted.subject;
        let what = format!("takes {} and keeps by {:?}", self.spec.subject, self.spec.retention);
        if is { Ok(()) } else { Err(Error::Unfit { name: wanted.name.clone(), what }) }
    }

    /// Forgets what is too old.
    pub(super) fn expire(&mut self) {
        let age = self.spec.max_age;
        while self.messages.front().is_some_and(|message| message.at.elapsed() >= age) {
            self.pop();
        }
        let window = self.spec.duplicate_window;
        self.ids.retain(|_, at| at.elapsed() < window);
    }

    fn pop(&mut self) {
        if let Some(message) = self.messages.pop_front() {
            self.bytes -= message.payload.len() as u64;
        }
    }

    pub(super) fn remove(&mut self, seq: u64) {
        if let Some(at) = self.messages.iter().position(|message| message.seq == seq)
            && let Some(message) = self.messages.remove(at)
        {
            self.bytes -= message.payload.len() as u64;
        }
    }

    pub(super) fn is_known(&self, id: &str) -> bool {
        !id.is_empty() && self.ids.contains_key(id)
    }

    pub(super) fn newest(&self, subject: &str) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.subject == subject)
    }

    /// Its number; `None` where there is no room.
    pub(super) fn push(
        &mut self,
        subject: &str,
        id: &str,
        payload: Vec<u8>,
        is_deleted: bool,
    ) -> Option<u64> {
        let before = self.newest(subject).map(|message| message.seq).filter(|_| self.newest_only);
        before.into_iter().for_each(|seq| self.remove(seq));
        let room = self.spec.max_bytes.checked_sub(payload.len() as u64)?;
        if self.bytes > room && self.spec.discard == Discard::New {
            return None;
        }
        while self.bytes > room {
            self.pop();
        }
        self.last_seq += 1;
        self.bytes += payload.len() as u64;
        if !id.is_empty() {
            self.ids.insert(id.to_owned(), Instant::now());
        }
        let (seq, subject, at) = (self.last_seq, subject.to_owned(), Instant::now());
        self.messages.push_back(Message { seq, subject, payload, is_deleted, at, due: None });
        Some(seq)
    }

    /// When the next message of a work queue may be given, and which it is.
    pub(super) fn next_due(&self, is_meant: impl Fn(&str) -> bool) -> Option<(Instant, u64)> {
        let meant = self.messages.iter().filter(|message| is_meant(&message.subject));
        meant.map(|message| (message.due.unwrap_or(message.at), message.seq)).min()
    }

    /// Puts a message of a work queue off.
    pub(super) fn put_off(&mut self, seq: u64, by: Duration) {
        if let Some(message) = self.messages.iter_mut().find(|message| message.seq == seq) {
            message.due = Some(Instant::now() + by);
        }
    }
}

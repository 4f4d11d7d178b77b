//! Watches the bytes that the port takes: what must be true of them at each line's end.

use super::compressed::Watched;
use super::lines::{self, Line, PING_BASE};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::timestamp::rfc3339_millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// What was found wrong.
pub type Found = Result<(), String>;

/// One line in this many is read by the real parser too.
const PARSED: u64 = 64;

/// The watch over the guest's output.
#[derive(Debug, Default)]
pub struct Checker {
    /// The line so far.
    line: Vec<u8>,
    /// A connection has begun: the next byte must be a newline.
    newline_due: bool,
    /// The line under way may be torn: the guest closed under it.
    torn_allowed: bool,
    /// When the line under way was first offered to the port.
    offered: Option<(Now, u64)>,
    /// Length of what must be offered next.
    rest: usize,
    /// Responses that must come, in this order, and the step at which they were handed over; whether they may go over the bulk
    /// port, so that they wait for nobody and nobody for them.
    expected: VecDeque<(u64, u64, bool)>,
    /// There is a bulk port: what goes over both is in no order.
    has_bulk: bool,
    last_heartbeat: u64,
    heartbeats_lost: u64,
    /// When the last heartbeat was written.
    pub last_heartbeat_at: Option<Duration>,
    /// Counts events, to order what happens at one instant.
    pub step: u64,
    /// Whole lines.
    pub lines: u64,
    begun: BTreeSet<String>,
    begun_anew: BTreeSet<String>,
    /// Commands whose last response was written.
    told: BTreeSet<String>,
    /// The last sample of each subscription.
    samples: BTreeMap<u64, u64>,
    /// Samples and pieces of output.
    pub extras: u64,
    /// The compressed lines.
    pub compression: Watched,
}

impl Checker {
    /// Where there is a bulk port, or not.
    pub fn new(has_bulk: bool) -> Self {
        Self { has_bulk, ..Self::default() }
    }

    /// The executor handed over a response of this number.
    pub fn expect(&mut self, tag: u64, is_large: bool) {
        self.expected.push_back((tag, self.step, is_large && self.has_bulk));
    }

    /// A command begins. One that begins anew, because its answer was forgotten, may write beside that answer, which may still wait.
    pub fn begins(&mut self, id: &str) {
        if !self.begun.insert(id.to_owned()) {
            self.begun_anew.insert(id.to_owned());
        }
    }

    /// Responses that were handed over and not yet taken by the port.
    pub fn waiting(&self) -> usize {
        self.expected.iter().filter(|(.., is_large)| !is_large).count()
    }

    /// The bulk port took a line.
    pub fn bulk_line(&mut self, kind: &Line) -> Found {
        self.lines += 1;
        match kind {
            Line::Response { tag, id, settled } if *tag > 0 => {
                if *settled {
                    self.told.insert(id.clone());
                }
                self.expected(*tag)
            }
            Line::BatchResult { tag, .. } => self.expected(*tag),
            Line::Output(_) => {
                self.extras += 1;
                Ok(())
            }
            Line::Sample(subscription, seq) => self.sample(*subscription, *seq),
            other => Err(format!("not for the bulk port: {other:?}")),
        }
    }

    /// Nothing that was handed over is still to come.
    pub fn must_have_all(&self) -> Found {
        match self.expected.front() {
            None => Ok(()),
            Some((tag, ..)) => Err(format!("response {tag} went to neither port")),
        }
    }

    /// The link was told that a host is connected.
    pub fn connected(&mut self) {
        self.compression.begins();
        self.newline_due = true;
        self.forget_offer();
    }

    /// The link was told that the host left: a line under way is lost.
    pub fn host_left(&mut self) {
        self.lose_line();
        self.compression.ends();
        self.torn_allowed = false;
    }

    /// The guest closed: a line under way may stay torn. One that lacks only its newline is as good as taken.
    pub fn closed(&mut self) -> Found {
        let whole = lines::read(&self.line).is_some();
        let found = if whole { self.whole_line() } else { Ok(()) };
        self.compression.ends();
        self.torn_allowed = true;
        self.heartbeats_lost += 1;
        self.forget_offer();
        found
    }

    /// The link offers these bytes.
    pub fn offer(&mut self, now: Now, bytes: &[u8]) -> Found {
        if self.rest > 0 && bytes.len() != self.rest {
            return Err(format!("{} bytes offered where {} of the line were left", bytes.len(), self.rest));
        }
        if self.rest == 0 && bytes != b"\n" && self.offered.is_none() {
            self.offered = Some((now, self.step));
            self.compression.line_begins();
        }
        Ok(())
    }

    /// The port took the first `count` of them.
    pub fn accept(&mut self, bytes: &[u8], count: usize) -> Found {
        self.rest = bytes.len() - count;
        let taken = &bytes[..count];
        if std::mem::take(&mut self.newline_due) && taken.first() != Some(&b'\n') {
            return Err("a connection did not begin with a newline".into());
        }
        match taken.iter().rposition(|byte| *byte == b'\n') {
            None => self.line.extend_from_slice(taken),
            Some(end) if end + 1 == taken.len() => {
                self.line.extend_from_slice(&taken[..end]);
                self.ended()?;
            }
            Some(_) => return Err("bytes of two lines were offered at once".into()),
        }
        Ok(())
    }

    fn ended(&mut self) -> Found {
        let line = std::mem::take(&mut self.line);
        let torn_allowed = std::mem::take(&mut self.torn_allowed);
        let found = if line.is_empty() || (torn_allowed && lines::read(&line).is_none()) {
            Ok(())
        } else {
            self.line(&line)
        };
        self.forget_offer();
        self.line = line;
        self.line.clear();
        self.line.shrink_to(1 << 16);
        found
    }

    fn whole_line(&mut self) -> Found {
        let line = std::mem::take(&mut self.line);
        self.line(&line)
    }

    fn line(&mut self, line: &[u8]) -> Found {
        let within = self.compression.open(line)?;
        self.plain_line(within.as_deref().unwrap_or(line))
    }

    fn plain_line(&mut self, line: &[u8]) -> Found {
        self.lines += 1;
        let torn = || format!("torn line: {}", String::from_utf8_lossy(&line[..line.len().min(200)]));
        let kind = lines::read(line).ok_or_else(torn)?;
        let (offered, step) = self.offered.take().ok_or("a line that was never offered")?;
        check_stamp(line, offered)?;
        self.check_kind(&kind, step, offered.mono)?;
        if self.lines.is_multiple_of(PARSED) {
            let text = std::str::from_utf8(line).map_err(|e| e.to_string())?;
            infiniservice_protocol::parse_guest_line(text).map_err(|e| format!("{e}: {text}"))?;
        }
        Ok(())
    }

    fn check_kind(&mut self, kind: &Line, step: u64, at: Duration) -> Found {
        match kind {
            Line::Response { tag: 0, .. } | Line::Error => Ok(()),
            Line::Response { tag, id, settled } => {
                if *settled {
                    self.told.insert(id.clone());
                }
                self.expected(*tag)
            }
            Line::BatchResult { tag, .. } => self.expected(*tag),
            Line::Output(id) => {
                self.extras += 1;
                if self.told.contains(id) && !self.begun_anew.contains(id) && !self.has_bulk {
                    return Err(format!("output of {id} after its response"));
                }
                self.answers_first(step)
            }
            Line::Sample(subscription, seq) => {
                self.sample(*subscription, *seq)?;
                self.answers_first(step)
            }
            Line::KeepAlive(number) if *number < PING_BASE => {
                self.heartbeat(*number)?;
                self.last_heartbeat_at = Some(at);
                self.answers_first(step)
            }
            Line::KeepAlive(_) | Line::Metrics | Line::Other => self.answers_first(step),
            Line::Compressed => Err("a compressed line within a compressed one".into()),
        }
    }

    fn expected(&mut self, tag: u64) -> Found {
        let at = self.expected.iter().position(|(expected, ..)| *expected == tag);
        let next = at.filter(|_| self.has_bulk).unwrap_or_default();
        match self.expected.remove(next) {
            Some((expected, ..)) if expected == tag => Ok(()),
            other => Err(format!("response {tag} where {other:?} was due: lost, doubled or out of order")),
        }
    }

    fn sample(&mut self, subscription: u64, seq: u64) -> Found {
        self.extras += 1;
        match self.samples.insert(subscription, seq) {
            Some(last) if seq == last || (seq < last && !self.has_bulk) => {
                Err(format!("sample {seq} of {subscription} after {last}"))
            }
            _ => Ok(()),
        }
    }

    /// All is answered and nothing is under way: the past may be forgotten.
    pub fn forget(&mut self) {
        self.told.clear();
        self.begun.clear();
        self.begun_anew.clear();
        self.samples.clear();
    }

    fn heartbeat(&mut self, number: u64) -> Found {
        let last = std::mem::replace(&mut self.last_heartbeat, number);
        let allowed = last + 1 + std::mem::take(&mut self.heartbeats_lost);
        if number > last && number <= allowed {
            Ok(())
        } else {
            Err(format!("heartbeat {number} after {last}"))
        }
    }

    /// A line that is no answer began at `step`: no answer may have waited then.
    fn answers_first(&self, step: u64) -> Found {
        match self.expected.iter().find(|(.., is_large)| !is_large) {
            Some((tag, since, _)) if *since < step => {
                Err(format!("a lesser line went before response {tag}"))
            }
            _ => Ok(()),
        }
    }

    fn lose_line(&mut self) {
        self.line.clear();
        self.heartbeats_lost += 1;
        self.forget_offer();
    }

    fn forget_offer(&mut self) {
        self.rest = 0;
        self.offered = None;
    }
}

fn check_stamp(line: &[u8], offered: Now) -> Found {
    let stamp = lines::timestamp(line).unwrap_or_default();
    let wanted = rfc3339_millis(offered.wall);
    if stamp == wanted { Ok(()) } else { Err(format!("stamped {stamp}, but written at {wanted}")) }
}

//! The table of machines as its viewers follow it: rendered at most once a second, and once for all of them.
//!
//! Each machine's row carries the number of the rendering in which it last changed. A viewer holds the number of what it
//! has, and gets what changed since: one that reads slowly is sent the newest state of each row, not every one between.

use hyper::body::Bytes;
use infiniservice_hub_core::Fleet;
use infiniservice_hub_core::fleet::Entry;
use infiniservice_protocol::clock::Now;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

/// The shortest time between two renderings.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// Machines that went away which are remembered; a viewer that is further behind is sent the whole table.
const MAX_GONE: usize = 1024;

struct Row {
    /// A digest of all that can change in it.
    digest: u64,
    changed: u64,
    text: String,
}

/// What was rendered last.
#[derive(Default)]
pub(super) struct Board {
    /// The rendering's number, from 1.
    number: u64,
    at: Option<Duration>,
    wall_ms: u64,
    last_seq: u64,
    rows: BTreeMap<Arc<str>, Row>,
    gone: VecDeque<(u64, Arc<str>)>,
    /// The number before which it is not known any more which machines went away.
    known_from: u64,
    /// The message that most viewers need next, with the number that they hold.
    shared: Option<(u64, Bytes)>,
}

impl Board {
    /// Renders the rows that have changed, unless that was done less than a second ago.
    pub(super) fn refresh(&mut self, now: Now, fleet: &Fleet, render: impl Fn(&str, &Entry) -> String) {
        if self.at.is_some_and(|at| now.mono.saturating_sub(at) < EVERY) {
            return;
        }
        self.at = Some(now.mono);
        self.wall_ms = now.wall_ms();
        self.number += 1;
        self.shared = None;
        self.last_seq = fleet.events.last_seq();
        for (name, entry) in fleet.iter() {
            self.row(name, entry, &render);
        }
        if self.rows.len() > fleet.iter().count() {
            self.forget(fleet);
        }
    }

    fn row(&mut self, name: &Arc<str>, entry: &Entry, render: impl Fn(&str, &Entry) -> String) {
        let digest = digest(entry);
        if self.rows.get(name).is_some_and(|row| row.digest == digest) {
            return;
        }
        let text = render(name, entry);
        self.rows.insert(Arc::clone(name), Row { digest, changed: self.number, text });
    }

    fn forget(&mut self, fleet: &Fleet) {
        let (number, gone) = (self.number, &mut self.gone);
        self.rows.retain(|name, _| {
            let stays = fleet.get(name).is_some();
            if !stays {
                gone.push_back((number, Arc::clone(name)));
            }
            stays
        });
        while self.gone.len() > MAX_GONE {
            self.known_from = self.gone.pop_front().map_or(0, |(number, _)| number);
        }
    }

    /// When the next rendering may be, by the monotonic clock.
    pub(super) fn due(&self) -> Duration {
        self.at.map_or(Duration::ZERO, |at| at + EVERY)
    }

    /// What changed after the rendering of this number (0 for the whole table), and the number of what there is now.
    /// `None` where nothing did.
    pub(super) fn since(&mut self, number: u64) -> (u64, Option<Bytes>) {
        if let Some((from, shared)) = &self.shared
            && *from == number
        {
            return (self.number, Some(shared.clone()));
        }
        let whole = number == 0 || number < self.known_from;
        let text = self.message(number, whole);
        if let Some(text) = &text
            && number + 1 == self.number
        {
            self.shared = Some((number, text.clone()));
        }
        (self.number, text)
    }

    fn message(&self, number: u64, whole: bool) -> Option<Bytes> {
        let rows: Vec<_> = self.rows.values().filter(|row| whole || row.changed > number).collect();
        let gone: Vec<_> = self.gone.iter().filter(|(at, _)| *at > number).map(|(_, name)| name).collect();
        if !whole && rows.is_empty() && gone.is_empty() {
            return None;
        }
        let mut text = format!(
            "event: vms\ndata: {{\"now_ms\":{},\"last_seq\":{},\"whole\":{whole},\"gone\":{},\"vms\":[",
            self.wall_ms,
            self.last_seq,
            serde_json::to_string(&gone.iter().map(|name| &***name).collect::<Vec<_>>()).unwrap_or_default(),
        );
        for (count, row) in rows.iter().enumerate() {
            // Text in memory takes all that is written.
            let _infallible = write!(text, "{}{}", if count == 0 { "" } else { "," }, row.text);
        }
        text.push_str("]}\n\n");
        Some(text.into())
    }
}

/// Of all that a row shows. Figures and the guest's own tags change with a line only, and every line is counted.
fn digest(entry: &Entry) -> u64 {
    let machine = &entry.machine;
    let mut digest = DefaultHasher::new();
    (machine.state().name(), machine.reason(), machine.lines(), machine.round_trip()).hash(&mut digest);
    (machine.router().in_flight(), machine.router().waiting()).hash(&mut digest);
    entry.tags.hash(&mut digest);
    (machine.session().heard(), entry.failure.as_ref().map(|event| event.seq)).hash(&mut digest);
    digest.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_hub_core::Kind;
    use serde_json::Value;
    use std::time::UNIX_EPOCH;

    fn at(seconds: u64) -> Now {
        let mono = Duration::from_secs(seconds);
        Now { mono, wall: UNIX_EPOCH + mono }
    }

    /// A row as JSON, as those of the API are.
    fn refresh(board: &mut Board, now: Now, fleet: &Fleet) {
        board.refresh(now, fleet, |name, entry| {
            let failure = entry.failure.as_ref().map(|event| &event.text);
            serde_json::json!({ "name": name, "failure": failure }).to_string()
        });
    }

    fn read(message: Option<Bytes>) -> Value {
        let text = String::from_utf8(message.unwrap().to_vec()).unwrap();
        serde_json::from_str(text.strip_prefix("event: vms\ndata: ").unwrap()).unwrap()
    }

    fn names(message: &Value) -> Vec<&str> {
        message["vms"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
    }

    fn fleet() -> Fleet {
        let mut fleet = Fleet::default();
        for name in ["a", "b"] {
            fleet.claim(at(0), name, &format!("/{name}")).unwrap();
        }
        fleet
    }

    #[test]
    fn a_viewer_gets_the_table_and_then_what_changed() {
        let (mut board, mut fleet) = (Board::default(), fleet());
        refresh(&mut board, at(1), &fleet);
        let (first, message) = board.since(0);
        assert_eq!((names(&read(message)), first), (vec!["a", "b"], 1));
        refresh(&mut board, at(2), &fleet);
        assert_eq!(board.since(first), (2, None));
        fleet.with(at(3), "b", |machine| (drop(machine.bad_line(at(3), "x")), vec![]));
        fleet.with(at(3), "b", |machine| (machine.line(at(3), "no JSON"), vec![]));
        refresh(&mut board, at(3), &fleet);
        let message = read(board.since(2).1);
        assert_eq!((names(&message), &message["whole"]), (vec!["b"], &Value::Bool(false)));
    }

    #[test]
    fn there_is_one_rendering_a_second_and_one_text_for_all_who_hold_the_same() {
        let (mut board, mut fleet) = (Board::default(), fleet());
        refresh(&mut board, at(1), &fleet);
        fleet.claim(at(1), "c", "/c").unwrap();
        refresh(&mut board, at(1), &fleet);
        assert_eq!(board.since(1), (1, None));
        refresh(&mut board, at(2), &fleet);
        let texts = [board.since(1).1.unwrap(), board.since(1).1.unwrap()];
        assert_eq!(texts[0].as_ptr(), texts[1].as_ptr());
    }

    #[test]
    fn one_that_reads_slowly_is_skipped_to_the_newest_state_of_each_row() {
        let (mut board, mut fleet) = (Board::default(), fleet());
        for second in 1..50 {
            fleet.with(at(second), "a", |_| ((), vec![(Kind::Lost, second.to_string())]));
            refresh(&mut board, at(second), &fleet);
        }
        let message = read(board.since(3).1);
        assert_eq!((names(&message), &message["vms"][0]["failure"]), (vec!["a"], &"49".into()));
    }

    #[test]
    fn a_machine_that_is_forgotten_goes_from_the_table() {
        let (mut board, mut fleet) = (Board::default(), fleet());
        refresh(&mut board, at(1), &fleet);
        fleet.vanished(at(2), "a");
        fleet.tick(at(4000));
        refresh(&mut board, at(4000), &fleet);
        let message = read(board.since(1).1);
        assert_eq!((&message["gone"], names(&message)), (&serde_json::json!(["a"]), vec![]));
    }

    #[test]
    fn who_is_too_far_behind_gets_the_whole_table() {
        let (mut board, mut fleet) = (Board::default(), Fleet::default());
        for second in 1..=MAX_GONE as u64 + 2 {
            fleet.claim(at(second * 5000), &format!("x{second}"), "/x").unwrap();
            refresh(&mut board, at(second * 5000), &fleet);
            fleet.vanished(at(second * 5000), &format!("x{second}"));
            fleet.tick(at(second * 5000 + 4000));
            refresh(&mut board, at(second * 5000 + 4000), &fleet);
        }
        assert_eq!(board.gone.len(), MAX_GONE);
        assert_eq!(read(board.since(1).1)["whole"], true);
    }
}

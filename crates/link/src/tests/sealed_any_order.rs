//! Controllers, plain hosts and what they ask, in any order: whatever comes, nobody reads what another asked for.
//!
//! The model of the executor does what the real one does with ids: it repeats the first answer to whoever asks again.

use super::bench::Bench;
use super::sealed::{MS, OPS2, OPS3, bench, open, read_by, seal};
use super::*;
use std::collections::{BTreeMap, VecDeque};

const IDS: u8 = 6;
/// For so long the executor repeats an answer.
const WINDOW: Duration = Duration::from_mins(10);

/// Who asks: nobody in particular, or a controller.
type Who = Option<(&'static str, u8)>;

#[derive(Default)]
struct Model {
    /// Who asked first, and when that was answered.
    known: BTreeMap<String, (String, Option<Duration>)>,
    /// Delivered and not answered.
    owed: VecDeque<String>,
    answered: usize,
}

impl Model {
    fn ask(&mut self, bench: &mut Bench, who: Who, id: &str) {
        let line =
            format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{{"action":"ServiceList"}}}}"#);
        match who {
            Some(who) => seal(bench, who, &line),
            None => bench.say(&line),
        }
        if !bench.asked(|action| matches!(action, Action::Deliver(_))) {
            return;
        }
        let now = bench.now;
        self.known.retain(|_, (_, answered)| answered.is_none_or(|at| now < at + WINDOW));
        match self.known.get(id).cloned() {
            Some((text, Some(_))) => respond(bench, id, &text),
            Some((_, None)) => respond(bench, id, "in flight"),
            None => {
                let text = format!("asked by {}", who.map_or("everybody", |(kid, _)| kid));
                self.known.insert(id.to_owned(), (text, None));
                self.owed.push_back(id.to_owned());
            }
        }
    }

    fn answer(&mut self, bench: &mut Bench) {
        let Some(id) = self.owed.pop_front() else { return };
        let Some((text, answered)) = self.known.get_mut(&id) else { return };
        *answered = Some(bench.now);
        respond(bench, &id, text);
        self.answered += 1;
    }
}

fn respond(bench: &mut Bench, id: &str, text: &str) {
    bench.send(GuestMessage::Response(Response::ok(id, "ServiceList", json!({ "text": text }))));
}

/// What is in the open was asked in the open, and what a controller reads was asked by that one, or in the open.
fn check(bench: &mut Bench) {
    let text = bench.written();
    let lines: Vec<Value> = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in lines {
        assert!(!line.to_string().contains("asked by ops"), "in the open: {line}");
        for (who, other) in [(OPS2, "asked by ops-3"), (OPS3, "asked by ops-2")] {
            let inner = open(who, &line).map(|inner| inner.to_string()).unwrap_or_default();
            assert!(!inner.contains(other), "{who:?} reads {inner}");
        }
    }
}

#[test]
fn nobody_reads_what_another_asked_for_whatever_the_order() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut bench, mut model) = (bench(), Model::default());
        for _ in 0..60 {
            let who = [None, Some(OPS2), Some(OPS3)][rng.usize(..3)];
            match rng.u8(..12) {
                0..6 => model.ask(&mut bench, who, &format!("c{}", rng.u8(..IDS))),
                6..10 => model.answer(&mut bench),
                10 => bench.wait(f64::from(rng.u16(..900))),
                _ => {
                    bench.event(Event::Port(PortEvent::HostDisconnected));
                    bench.event(Event::Port(PortEvent::HostConnected));
                }
            }
            // Its clock goes on; the lines of a controller are of one moment.
            bench.wall = UNIX_EPOCH + Duration::from_millis(MS) - bench.now;
            check(&mut bench);
        }
        while !model.owed.is_empty() {
            model.answer(&mut bench);
        }
        check(&mut bench);
        assert!(model.answered > 0, "seed {seed} asked nothing");
        let _all_was_read = read_by(&mut bench, OPS2);
    }
}

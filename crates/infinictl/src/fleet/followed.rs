//! A job of the fleet as its operator follows it: what the coordinator says of it, and each machine's result. No clock, no
//! engine.

use infiniservice_fleet::message::Stage;
use infiniservice_fleet::{Order, Progress, TargetResult};
use infiniservice_hub_core::job::Outcome;
use infiniservice_protocol::timestamp::rfc3339_millis;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

/// Machines of which results are kept; an order has no more.
const MAX_RESULTS: usize = infiniservice_fleet::MAX_TARGETS;

/// What is known of a job.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    progress: Option<Progress>,
    /// By hub and machine.
    results: BTreeMap<(String, String), TargetResult>,
    unreadable: u64,
}

impl Followed {
    /// Takes what the coordinator wrote. Whether it could be read.
    pub(crate) fn take_progress(&mut self, bytes: &[u8]) -> bool {
        match serde_json::from_slice(bytes) {
            Ok(progress) => self.progress = Some(progress),
            Err(_other_version) => return false,
        }
        true
    }

    /// Takes a machine's result of this subject; `None` where it is not one, or tells nothing new. What the hub says counts, and
    /// a coordinator's word only until then.
    pub(crate) fn take_result(&mut self, subject: &str, bytes: &[u8]) -> Option<&TargetResult> {
        let Some(result) = TargetResult::read(bytes).ok().filter(|result| result.subject() == subject) else {
            self.unreadable += 1;
            return None;
        };
        let key = (result.hub.clone(), result.vm.clone());
        let is_better = match self.results.get(&key) {
            None => self.results.len() < MAX_RESULTS,
            Some(known) => result.is_of_hub() && !known.is_of_hub(),
        };
        if !is_better {
            return None;
        }
        self.results.insert(key.clone(), result);
        self.results.get(&key)
    }

    /// What the coordinator said last.
    pub(crate) const fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// Results that nobody could read, or that stood in another's place.
    pub(crate) const fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Whether the coordinator says that it is over, and all results have come that it counts.
    pub(crate) fn is_complete(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| {
            progress.state == Stage::Finished && self.results.len() >= progress.targets as usize
        })
    }

    /// Whether the coordinator says that it is over.
    pub(crate) fn is_finished(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| progress.state == Stage::Finished)
    }

    /// The job without its machines, in the form of a hub's.
    pub(crate) fn document(&self, order: &Order) -> Value {
        let mut document = json!({
            "id": order.id, "state": "waiting", "actor": format!("operator:{}", order.operator), "vms": order.vms,
            "accepted_at": rfc3339_ms(order.at_ms), "not_after": rfc3339_ms(order.not_after_ms),
            "message": order.message, "waves": order.waves, "targets": 0, "counts": {},
        });
        if let Some(progress) = &self.progress {
            // Infallible: all keys are texts.
            let told = serde_json::to_value(progress).unwrap_or_default();
            for (name, value) in told.as_object().into_iter().flatten().filter(|(name, _)| *name != "id") {
                document[if name == "waves" { "waves_count" } else { name.as_str() }] = value.clone();
            }
            document["counts"] = self.counts(progress);
        }
        document
    }

    /// How many stand where. When all is over, the results themselves are counted: they are what is shown.
    fn counts(&self, progress: &Progress) -> Value {
        if !self.is_complete() {
            let named =
                progress.counts.named().into_iter().map(|(name, count)| (name.to_owned(), count.into()));
            return Value::Object(named.collect());
        }
        let mut counts = Map::new();
        for result in self.results.values() {
            let count = counts.entry(result.outcome.name()).or_insert(json!(0));
            *count = json!(count.as_u64().unwrap_or(0) + 1);
        }
        Value::Object(counts)
    }

    /// The job with all machines that have ended.
    pub(crate) fn whole(&self, order: &Order) -> Value {
        let mut document = self.document(order);
        document["machines"] = self.results.values().map(machine).collect();
        document
    }

    /// Whether each machine did it, and there was at least one.
    pub(crate) fn is_done_everywhere(&self) -> bool {
        !self.results.is_empty() && self.results.values().all(|result| result.outcome == Outcome::Answered)
    }
}

/// A machine's result, in the form of a hub's.
pub(crate) fn machine(result: &TargetResult) -> Value {
    let mut machine = json!({
        "hub": result.hub, "vm": result.vm, "state": result.outcome.name(), "wave": result.wave,
        "ended_at": rfc3339_ms(result.ended_at_ms),
    });
    let optional = [
        ("code", result.code.clone().map(Value::from)),
        ("text", result.text.clone().map(Value::from)),
        ("started_at", result.started_at_ms.map(|at| rfc3339_ms(at).into())),
        ("traceparent", result.traceparent.clone().map(Value::from)),
        ("coordinator", result.coordinator.clone().map(Value::from)),
        ("result", result.result.as_deref().map(answer)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            machine[name] = value;
        }
    }
    machine
}

/// A moment for people and programs.
fn rfc3339_ms(at_ms: u64) -> String {
    rfc3339_millis(UNIX_EPOCH.checked_add(Duration::from_millis(at_ms)).unwrap_or(UNIX_EPOCH))
}

/// The guest's answer; as a text where it was cut and is no JSON any more.
fn answer(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_cut| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn order() -> Order {
        serde_json::from_value(json!({"id": "j", "at_ms": 1_795_415_400_000_u64, "not_after_ms": 1_795_415_460_000_u64,
            "vms": "web-*", "message": {"type": "UnsafeCommand", "raw_command": "id"}, "waves": ["canary:1", "rest"],
            "max_concurrency": 10, "operator": "alice"}))
        .unwrap()
    }

    fn progress(state: &str, targets: u32, answered: u32) -> Vec<u8> {
        let counts = json!({"accepted": targets - answered, "sent": 0, "answered": answered, "refused": 0, "failed": 0,
            "expired": 0, "unknown": 0, "skipped": 0, "absent": 0});
        json!({"id": "j", "state": state, "wave": 0, "waves": 2, "targets": targets, "counts": counts,
            "stopped_by_failures": false, "coordinator": "host-1/a", "at_ms": 1})
        .to_string()
        .into_bytes()
    }

    fn result(vm: &str, outcome: &str, coordinator: Option<&str>) -> (String, Vec<u8>) {
        let result = json!({"job": "j", "hub": "host-1", "vm": vm, "outcome": outcome, "ended_at_ms": 1_795_415_401_000_u64,
            "wave": 0, "coordinator": coordinator, "result": r#"{"stdout":"uid=0"}"#});
        (infiniservice_fleet::subject::result("j", "host-1", vm), result.to_string().into_bytes())
    }

    fn takes(followed: &mut Followed, (subject, bytes): &(String, Vec<u8>)) -> bool {
        followed.take_result(subject, bytes).is_some()
    }

    #[test]
    fn a_job_is_complete_when_it_is_over_and_each_result_has_come() {
        let mut job = Followed::default();
        assert!(job.take_progress(&progress("running", 2, 1)));
        assert!(takes(&mut job, &result("a", "answered", None)));
        assert!(!job.is_finished());
        assert_eq!(job.document(&order())["counts"]["accepted"], 1);
        assert!(job.take_progress(&progress("finished", 2, 2)));
        assert!(job.is_finished() && !job.is_complete());
        assert!(takes(&mut job, &result("b", "failed", None)));
        assert!(job.is_complete() && !job.is_done_everywhere());
        let whole = job.whole(&order());
        assert_eq!((&whole["counts"], &whole["targets"]), (&json!({"answered": 1, "failed": 1}), &json!(2)));
        assert_eq!(whole["machines"][0]["result"]["stdout"], "uid=0");
        assert_eq!((&whole["waves"], &whole["waves_count"]), (&json!(["canary:1", "rest"]), &json!(2)));
    }

    #[test]
    fn a_hubs_word_counts_instead_of_a_coordinators_and_not_the_other_way() {
        let mut job = Followed::default();
        assert!(takes(&mut job, &result("a", "unknown", Some("host-2/x"))));
        assert!(takes(&mut job, &result("a", "answered", None)));
        assert!(!takes(&mut job, &result("a", "answered", None)), "the same again is nothing new");
        assert!(!takes(&mut job, &result("a", "unknown", Some("host-2/x"))));
        assert!(job.is_done_everywhere());
    }

    #[test]
    fn a_result_in_anothers_place_does_not_count() {
        let mut job = Followed::default();
        let (_, bytes) = result("a", "answered", None);
        assert!(job.take_result("infini.v1.res.j.host-2.a", &bytes).is_none());
        assert!(job.take_result("infini.v1.res.j.host-1.a", b"{").is_none());
        assert_eq!(job.unreadable(), 2);
        assert!(!job.take_progress(b"[]") && job.progress().is_none());
        assert!(!job.is_done_everywhere(), "a job without machines did nothing");
    }
}

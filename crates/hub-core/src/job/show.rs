//! Jobs as the API shows them.

use super::MAX_LISTED_BYTES;
use super::one::Job;
use super::target::{Counts, Target};
use infiniservice_protocol::timestamp::rfc3339_millis;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// A job, without its machines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// `running`, `cancelling` or `finished`.
    pub state: String,
    /// Who started it.
    pub actor: String,
    /// Which machines were asked for.
    pub vms: String,
    /// The guests' message; in a list only what it is, where it is long.
    pub message: Map<String, Value>,
    /// Whether the list leaves out something of `message` or `vms`, which the job itself shows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Whether it changes anything.
    pub change: bool,
    /// When it was accepted, RFC 3339.
    pub accepted_at: String,
    /// Until when a machine may begin, RFC 3339.
    pub not_after: String,
    /// When the last machine ended, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Who cancelled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<String>,
    /// Machines at one time.
    pub max_concurrency: u32,
    /// With more failures than that, no further machine begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<u32>,
    /// How many machines it has.
    pub targets: u32,
    /// How many stand where; the sum is `targets`.
    pub counts: Counts,
}

/// One machine of a job.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Row {
    /// The machine.
    pub vm: String,
    /// `accepted`, `sent`, or how it ended.
    pub state: String,
    /// The guest's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// In a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// The guest's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Map<String, Value>>"))]
    pub result: Option<Box<RawValue>>,
}

/// A job with its machines.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Whole {
    /// The job.
    #[serde(flatten)]
    pub summary: Summary,
    /// Its machines.
    pub machines: Vec<Row>,
}

impl Job {
    /// `running`, `cancelling` or `finished`.
    pub fn state_name(&self) -> &'static str {
        match (self.finished_at(), self.cancelled()) {
            (Some(_), _) => "finished",
            (None, Some(_)) => "cancelling",
            (None, None) => "running",
        }
    }

    /// The job as the API's list shows it: a thousand of them are one answer.
    pub fn listed(&self) -> Summary {
        let mut summary = self.summary();
        let long = |bytes: usize| bytes > MAX_LISTED_BYTES;
        if long(self.request_bytes().saturating_sub(summary.vms.len())) {
            summary.message = outline(&summary.message);
            summary.cut = true;
        }
        if long(summary.vms.len()) {
            summary.vms.truncate(summary.vms.floor_char_boundary(MAX_LISTED_BYTES));
            summary.cut = true;
        }
        summary
    }

    /// The job without its machines.
    pub fn summary(&self) -> Summary {
        let accepted = &self.accepted;
        Summary {
            id: accepted.id.clone(),
            state: self.state_name().to_owned(),
            actor: accepted.actor.clone(),
            vms: accepted.selector.clone(),
            message: accepted.message.clone(),
            cut: false,
            change: accepted.change,
            accepted_at: time(accepted.at),
            not_after: time(accepted.not_after),
            finished_at: self.finished_at().map(time),
            cancelled_by: self.cancelled().map(str::to_owned),
            max_concurrency: accepted.max_concurrency,
            max_failures: accepted.max_failures,
            targets: u32::try_from(self.targets().len()).unwrap_or(u32::MAX),
            counts: self.counts(),
        }
    }

    /// The job with its machines, and their answers where they are wanted.
    pub fn whole(&self, results: bool) -> Whole {
        let machines = self.targets().iter().map(|target| row(target, results)).collect();
        Whole { summary: self.summary(), machines }
    }
}

/// What a message is, without its parameters.
fn outline(message: &Map<String, Value>) -> Map<String, Value> {
    let mut outline: Map<_, _> =
        message.get_key_value("type").map(|(k, v)| (k.clone(), v.clone())).into_iter().collect();
    if let Some(action) = message.get("command_type").and_then(|it| it.get("action")) {
        outline.insert("command_type".to_owned(), json!({ "action": action }));
    }
    outline
}

fn row(target: &Target, results: bool) -> Row {
    let result = target.result.as_ref().filter(|_| results);
    Row {
        vm: target.name.clone(),
        state: target.state_name().to_owned(),
        code: target.code.clone(),
        text: target.text.clone(),
        ended_at: target.ended_at.map(time),
        result: result.and_then(|text| RawValue::from_string(text.clone()).ok()),
    }
}

fn time(ms: u64) -> String {
    let moment = UNIX_EPOCH.checked_add(Duration::from_millis(ms));
    rfc3339_millis(moment.unwrap_or(UNIX_EPOCH))
}

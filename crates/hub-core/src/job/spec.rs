//! What somebody asks for when he starts a job, and what of it is accepted.

use super::message::Checked;
use super::wrong::{Wrong, wrong};
use super::{CONCURRENCY, MAX_ID_CHARS, MAX_NOT_AFTER_SECS, MAX_TARGETS, NOT_AFTER_SECS, message};
use crate::ledger::Accepted;
use infiniservice_protocol::clock::Now;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A number of machines, or a part of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Count(u32),
    /// So many of a hundred; at most 100.
    Percent(u32),
}

impl Share {
    /// Reads `20` or `5%`.
    ///
    /// # Errors
    /// Where it is neither; the sentence says what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("must be a whole number or a percentage such as 5%, not {text:.40}");
        match text.strip_suffix('%') {
            Some(part) => match part.parse() {
                Ok(part @ 0..=100) => Ok(Self::Percent(part)),
                _ => Err(wrong()),
            },
            None => text.parse().map(Self::Count).map_err(|_not_a_number| wrong()),
        }
    }

    /// How many that are, of so many; a part is rounded down.
    pub fn of(self, all: usize) -> u32 {
        let all = u64::try_from(all).unwrap_or(u64::MAX);
        match self {
            Self::Count(count) => count,
            Self::Percent(part) => u32::try_from(all * u64::from(part) / 100).unwrap_or(u32::MAX),
        }
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Share {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Percent(part) => serializer.serialize_str(&format!("{part}%")),
        }
    }
}

/// `20` or `"5%"`, for the schema.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only looked at by the schema's generator")]
enum NumberOrPercentage {
    Number(u32),
    Percentage(String),
}

/// The body of `POST /v1/jobs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Request {
    /// Chosen by the caller, so that a repeated request starts nothing anew; else the hub chooses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which machines: a selector.
    pub vms: String,
    /// The guest's message, without an id.
    pub message: Map<String, Value>,
    /// Machines at one time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<NumberOrPercentage>"))]
    pub max_concurrency: Option<Share>,
    /// With more failures than that, no further machine begins; absent, nothing stops the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<NumberOrPercentage>"))]
    pub max_failures: Option<Share>,
    /// In how many seconds each machine must have begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after_secs: Option<u64>,
    /// The command's own time in the guest, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

impl Request {
    /// Whether a job is what this asks for, which an earlier request of the same id may have begun.
    pub(super) fn is_of(&self, job: &Accepted) -> bool {
        let mut message = self.message.clone();
        message::set_timeout(&mut message, self.timeout);
        self.vms == job.selector && message == job.message
    }

    /// The job that it makes, over machines of these names, and what of it changes something by the names that rules have for
    /// it; `absent` are those of the machines that the hub does not have.
    ///
    /// # Errors
    /// Where a field is wrong.
    pub fn accept(
        self,
        now: Now,
        id: &str,
        actor: &str,
        targets: Vec<String>,
        absent: &dyn Fn(&str) -> bool,
    ) -> Result<(Accepted, Vec<String>), Wrong> {
        check_id(id)?;
        check_targets(&targets)?;
        let Checked { message, changes, patience_secs } = message::check(self.message, self.timeout)?;
        let not_after = now_after(now, self.not_after_secs)?;
        let concurrency = self.max_concurrency.unwrap_or(Share::Count(CONCURRENCY));
        if concurrency == Share::Count(0) || concurrency == Share::Percent(0) {
            return Err(wrong("max_concurrency", "`max_concurrency` must be at least 1, or 1%"));
        }
        let absent = targets.iter().enumerate().filter(|(_, name)| absent(name));
        let absent = absent.filter_map(|(n, _)| u32::try_from(n).ok()).collect();
        let accepted = Accepted {
            id: id.to_owned(),
            actor: actor.to_owned(),
            at: now.wall_ms(),
            absent,
            max_concurrency: concurrency.of(targets.len()).max(1),
            max_failures: self.max_failures.map(|share| share.of(targets.len())),
            selector: self.vms,
            targets,
            message,
            change: !changes.is_empty(),
            patience_secs,
            not_after,
        };
        Ok((accepted, changes))
    }
}

fn check_id(id: &str) -> Result<(), Wrong> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || id.len() > MAX_ID_CHARS || !id.bytes().all(plain) {
        let error = format!("`id` must be 1 to {MAX_ID_CHARS} letters, digits, `-`, `_` and `.`");
        return Err(wrong("id", error));
    }
    Ok(())
}

pub(super) fn check_targets(targets: &[String]) -> Result<(), Wrong> {
    if targets.is_empty() {
        return Err(wrong("vms", "`vms` selects no machine"));
    }
    if targets.len() > MAX_TARGETS {
        let error = format!("`vms` selects {} machines; one job has at most {MAX_TARGETS}", targets.len());
        return Err(wrong("vms", error));
    }
    let mut seen = BTreeSet::new();
    match targets.iter().find(|name| !seen.insert(name.as_str())) {
        Some(twice) => Err(wrong("vms", format!("`vms` selects the machine {twice:.80} twice"))),
        None => Ok(()),
    }
}

fn now_after(now: Now, secs: Option<u64>) -> Result<u64, Wrong> {
    let secs = secs.unwrap_or(NOT_AFTER_SECS);
    if secs == 0 || secs > MAX_NOT_AFTER_SECS {
        let error = format!("`not_after_secs` must be 1 to {MAX_NOT_AFTER_SECS}, not {secs}");
        return Err(wrong("not_after_secs", error));
    }
    Ok(now.wall_ms() + secs * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;
    use serde_json::json;

    fn request(body: Value) -> Request {
        serde_json::from_value(body).unwrap()
    }

    fn accept(mut body: Value, targets: &[&str]) -> Result<Accepted, Wrong> {
        let list = json!({"type": "SafeCommand", "command_type": {"action": "ServiceList"}});
        let members = body.as_object_mut().unwrap();
        members.entry("vms").or_insert(json!("*"));
        members.entry("message").or_insert(list);
        let targets = targets.iter().map(|&name| name.to_owned()).collect();
        request(body).accept(at(0), "j-1", "uid:0", targets, &|name| name == "gone").map(|(job, _)| job)
    }

    #[test]
    fn shares_are_numbers_or_percentages() {
        assert_eq!(Share::parse("20"), Ok(Share::Count(20)));
        assert_eq!(Share::parse("5%").map(|share| share.of(59)), Ok(2));
        for wrong in ["", "%", "-1", "101%", "1.5", "many"] {
            assert!(Share::parse(wrong).unwrap_err().contains("such as 5%"), "{wrong}");
        }
        let body = json!({"vms": "*", "message": {}, "max_failures": "10%", "max_concurrency": 3});
        assert_eq!(request(body.clone()).max_failures, Some(Share::Percent(10)));
        assert_eq!(serde_json::to_value(request(body.clone())).unwrap(), body);
    }

    #[test]
    fn what_is_absent_in_the_request_has_a_default_and_what_is_not_there_is_known() {
        let job = accept(json!({}), &["a", "gone", "c"]).unwrap();
        assert_eq!((job.max_concurrency, job.max_failures, job.change), (50, None, false));
        assert_eq!(job.not_after - job.at, NOT_AFTER_SECS * 1000);
        assert_eq!(job.absent, [1]);
        let job = accept(json!({"max_concurrency": "1%", "max_failures": "50%"}), &["a", "b", "c"]).unwrap();
        assert_eq!((job.max_concurrency, job.max_failures), (1, Some(1)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field() {
        let field = |body, targets: &[&str]| accept(body, targets).unwrap_err().field;
        assert_eq!(field(json!({}), &[]), "vms");
        assert_eq!(field(json!({}), &["a", "a"]), "vms");
        assert_eq!(field(json!({"max_concurrency": 0}), &["a"]), "max_concurrency");
        assert_eq!(field(json!({"not_after_secs": 0}), &["a"]), "not_after_secs");
        assert_eq!(field(json!({"not_after_secs": 604_801}), &["a"]), "not_after_secs");
        let many: Vec<String> = (0..=MAX_TARGETS).map(|n| n.to_string()).collect();
        assert!(check_targets(&many).is_err());
        for id in ["", "a/b", "a b", &"x".repeat(65)] {
            assert_eq!(check_id(id).unwrap_err().field, "id", "{id}");
        }
    }
}

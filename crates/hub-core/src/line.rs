//! A guest's line, read only as far as the hub needs it.
//!
//! A typed reading of all lists costs four to ten times as much (docs/benchmarks.md), and nobody looks at most of them:
//! the envelope and `data.system` are typed, lists stay the text that they are.

use crate::sample::{Lists, Sample};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::guest::{BreakerState, Hello};
use infiniservice_protocol::metrics::{Collection, System};
use infiniservice_protocol::parse::SEALED;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a guest said.
#[derive(Debug)]
pub enum Said<'a> {
    /// Its figures.
    Metrics {
        /// The request that it answers, if one was made.
        request: Option<Cow<'a, str>>,
        /// The figures.
        sample: Box<Sample>,
    },
    /// A heartbeat, or the answer to a ping of that number.
    KeepAlive {
        /// Comes back in the answer.
        sequence_number: u64,
    },
    /// Who the agent is.
    Hello(Box<Hello>),
    /// The one answer to a command.
    Answer(Answer<'a>),
    /// Text of a program that runs.
    Output {
        /// The command's id.
        id: Cow<'a, str>,
    },
    /// A sample of a subscription.
    Stream {
        /// Its number.
        subscription: u64,
    },
    /// The breaker of the guest's link changed its state.
    Breaker(BreakerState),
    /// A line that belongs to no command was refused.
    Error {
        /// In a sentence.
        error: Cow<'a, str>,
    },
    /// A line that only who asked can open. It may be the answer, or output before it.
    Sealed {
        /// The request's id, where it stands in the open.
        id: Option<Cow<'a, str>>,
    },
    /// Another message; agents may be newer than this hub.
    Other,
}

/// The answer to a command: `response`, or `batch_result`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'a> {
    /// The command's id.
    pub id: Cow<'a, str>,
    /// The action's name; `Batch` for a batch.
    pub action: Cow<'a, str>,
    /// The stable code of a failure; `None` for a success.
    pub code: Option<Cow<'a, str>>,
    /// A subscription that began.
    pub subscription: Option<u64>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    request_id: Option<Cow<'a, str>>,
    #[serde(default)]
    sequence_number: Option<u64>,
    #[serde(default)]
    subscription: Option<u64>,
    #[serde(default)]
    success: Option<bool>,
    #[serde(default, borrow)]
    command_type: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    error_code: Option<Cow<'a, str>>,
    #[serde(default)]
    state: Option<BreakerState>,
    #[serde(default, borrow)]
    agent_version: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
    #[serde(default, borrow)]
    collection: Option<&'a RawValue>,
}

/// With the figures, or with their text.
#[derive(Deserialize)]
#[serde(bound(deserialize = "S: Default + Deserialize<'de>"))]
struct Data<'a, S> {
    #[serde(default)]
    system: S,
    #[serde(default, borrow)]
    processes: Option<&'a RawValue>,
    #[serde(default, borrow)]
    ports: Option<&'a RawValue>,
    #[serde(default, borrow)]
    services: Option<&'a RawValue>,
    #[serde(default, borrow)]
    plugins: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Subscribed {
    subscription: Option<u64>,
}

/// How the lines begin that are long and come all the time.
const METRICS_START: &str = r#"{"type":"system_metrics","#;

/// Such a line, read in one go: by way of the envelope, `data` would be looked through twice.
#[derive(Deserialize)]
struct Metrics<'a> {
    #[serde(default, borrow)]
    request_id: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    agent_version: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Data<'a, System>,
    #[serde(default)]
    collection: Collection,
}

/// Longest text, in bytes, that is read as figures, or as who an agent is. An honest one has some thousands; in memory a text
/// of empty interfaces takes seventy times its length until most of them are dropped.
const MAX_TYPED_BYTES: usize = 256 << 10;

/// Reads a line.
///
/// # Errors
/// Where it is no message; the sentence says why.
pub fn read(line: &str, now: Now) -> Result<Said<'_>, String> {
    // Of a line that is wrong the longer way says what is; of a very long one it looks first at how long its parts are.
    let at_once = line.len() <= MAX_TYPED_BYTES && line.starts_with(METRICS_START);
    if let Some(said) = at_once.then(|| in_one_go(line, now)).flatten() {
        return Ok(said);
    }
    let envelope: Envelope =
        serde_json::from_str(line).map_err(|error| format!("the line is no message: {error}"))?;
    let kind = envelope.kind.clone();
    message(envelope, line, now).map_err(|error| format!("the line of type {kind:.40} is wrong: {error}"))
}

fn message<'a>(envelope: Envelope<'a>, line: &'a str, now: Now) -> Result<Said<'a>, String> {
    Ok(match &*envelope.kind {
        "system_metrics" => metrics(envelope, now)?,
        "keep_alive" => {
            Said::KeepAlive { sequence_number: present(envelope.sequence_number, "sequence_number")? }
        }
        "hello" => {
            let mut hello: Box<Hello> =
                serde_json::from_str(typed(line, "the line")?).map_err(|error| error.to_string())?;
            keep(&mut hello.capabilities);
            keep(&mut hello.channels);
            Said::Hello(hello)
        }
        "response" | "batch_result" => Said::Answer(answer(envelope)?),
        SEALED => Said::Sealed { id: envelope.id },
        "output" => Said::Output { id: present(envelope.id, "id")? },
        "stream" => Said::Stream { subscription: present(envelope.subscription, "subscription")? },
        "circuit_breaker_state" => Said::Breaker(present(envelope.state, "state")?),
        "error" => Said::Error { error: present(envelope.error, "error")? },
        _ => Said::Other,
    })
}

/// A part of a line that is short enough to be read as what it says that it is.
fn typed<'a>(part: &'a str, name: &str) -> Result<&'a str, String> {
    let too_long = || format!("{name} has {} bytes, and at most {MAX_TYPED_BYTES} are read", part.len());
    if part.len() > MAX_TYPED_BYTES { Err(too_long()) } else { Ok(part) }
}

fn present<T>(field: Option<T>, name: &str) -> Result<T, String> {
    field.ok_or_else(|| format!("`{name}` is missing"))
}

/// Elements of a list that are kept of a machine's figures: more than any honest one has, and a guest that makes them up fills
/// no memory.
const MAX_ELEMENTS: usize = 1024;

fn bound(system: &mut System, collection: &mut Collection) {
    for interface in &mut system.network.interfaces {
        keep(&mut interface.ip_addresses);
    }
    keep(&mut system.network.interfaces);
    keep(&mut system.disk.usage_stats);
    keep(&mut system.disk.devices);
    keep(&mut system.cpu.cores_usage);
    keep(&mut system.cpu.core_ids);
    keep(&mut collection.failed);
    while collection.truncated.len() > MAX_ELEMENTS && collection.truncated.pop_last().is_some() {}
    while collection.age_ms.len() > MAX_ELEMENTS && collection.age_ms.pop_last().is_some() {}
}

fn keep<T>(list: &mut Vec<T>) {
    list.truncate(MAX_ELEMENTS);
    list.shrink_to_fit();
}

fn answer(envelope: Envelope<'_>) -> Result<Answer<'_>, String> {
    let failed = !present(envelope.success, "success")?;
    let code = || envelope.error_code.clone().unwrap_or(Cow::Borrowed("EXECUTION_FAILED"));
    // Only the answer to a `Subscribe` has it, and that is short: others are not read for it.
    let of_subscribe = envelope.command_type.as_deref() == Some("Subscribe");
    let data = envelope.data.filter(|_| of_subscribe);
    let subscribed = data.and_then(|data| serde_json::from_str::<Subscribed>(data.get()).ok());
    Ok(Answer {
        code: failed.then(code),
        action: envelope.command_type.unwrap_or(Cow::Borrowed("Batch")),
        subscription: subscribed.and_then(|data| data.subscription),
        id: present(envelope.id, "id")?,
    })
}

fn in_one_go(line: &str, now: Now) -> Option<Said<'_>> {
    let metrics: Metrics = serde_json::from_str(line).ok()?;
    sampled(metrics, now).ok()
}

fn metrics(envelope: Envelope<'_>, now: Now) -> Result<Said<'_>, String> {
    let data: Data<'_, Option<&RawValue>> = serde_json::from_str(present(envelope.data, "data")?.get())
        .map_err(|error| format!("in `data`: {error}"))?;
    let Data { system, processes, ports, services, plugins } = data;
    let data = Data { system: part(system, "data.system")?, processes, ports, services, plugins };
    let collection = part(envelope.collection, "collection")?;
    let Envelope { request_id, agent_version, timestamp, .. } = envelope;
    sampled(Metrics { request_id, agent_version, timestamp, data, collection }, now)
}

fn part<T: Default + DeserializeOwned>(raw: Option<&RawValue>, name: &str) -> Result<T, String> {
    let Some(raw) = raw else { return Ok(T::default()) };
    serde_json::from_str(typed(raw.get(), &format!("`{name}`"))?)
        .map_err(|error| format!("in `{name}`: {error}"))
}

fn sampled(metrics: Metrics<'_>, now: Now) -> Result<Said<'_>, String> {
    let (mut data, mut collection) = (metrics.data, metrics.collection);
    bound(&mut data.system, &mut collection);
    let lists =
        [data.processes, data.ports, data.services, data.plugins].map(|list| list.map_or("", RawValue::get));
    let sample = Sample {
        received: now,
        timestamp: metrics.timestamp.map(Cow::into_owned),
        agent_version: metrics.agent_version.map(Cow::into_owned).unwrap_or_default(),
        services: crate::sample::services(lists[2])?,
        system: data.system,
        collection,
        lists: Lists::keep(lists),
    };
    Ok(Said::Metrics { request: metrics.request_id, sample: Box::new(sample) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    const METRICS: &str = include_str!("../../protocol/golden/system_metrics.jsonl");
    const GUEST: &str = include_str!("../../protocol/golden/guest.jsonl");

    #[test]
    fn every_golden_line_of_a_guest_is_understood() {
        for line in METRICS.lines().chain(GUEST.lines()) {
            let said = read(line, at(0)).unwrap();
            // The hub has no bulk port, where this line is the first.
            let is_of_bulk_port = line.starts_with(r#"{"type":"channel""#);
            assert_eq!(matches!(said, Said::Other), is_of_bulk_port, "{line:.80}");
        }
    }

    #[test]
    fn a_guest_that_makes_up_interfaces_without_end_keeps_a_thousand_and_of_a_million_none() {
        let line = |count: usize| {
            let made_up = vec!["{}"; count].join(",");
            format!(
                r#"{{"type":"system_metrics","data":{{"system":{{"network":{{"interfaces":[{made_up}]}}}}}}}}"#
            )
        };
        let error = read(&line(1_000_000), at(0)).unwrap_err();
        assert!(error.contains("`data.system` has 3000028 bytes, and at most 262144 are read"), "{error}");
        let line = line(80_000);
        let Said::Metrics { sample, .. } = read(&line, at(0)).unwrap() else { panic!() };
        assert_eq!(sample.system.network.interfaces.len(), MAX_ELEMENTS);
        assert!(sample.system.network.interfaces.capacity() < 2 * MAX_ELEMENTS);
    }

    #[test]
    fn a_long_line_of_an_honest_guest_is_read_whatever_its_lists_are() {
        let line = METRICS.lines().next().unwrap();
        let many = vec![r#"{"name":"x","pid":1}"#; 50_000].join(",");
        let long = line.replacen(r#""processes":["#, &format!(r#""processes":[{many},"#), 1);
        assert!(long.len() > 3 * MAX_TYPED_BYTES);
        let Said::Metrics { sample, .. } = read(&long, at(0)).unwrap() else { panic!() };
        assert_eq!(sample.system.memory.total_kb, 2_014_980);
        assert!(sample.lists.texts().unwrap()[0].starts_with(&format!("[{many}")));
    }

    #[test]
    fn a_line_whose_type_does_not_come_first_is_read_the_same() {
        for line in METRICS.lines() {
            let later = line.replacen(r#""type":"system_metrics","#, "", 1);
            let later = format!(r#"{},"type":"system_metrics"}}"#, later.strip_suffix('}').unwrap());
            let [at_once, longer] = [line, &later].map(|line| match read(line, at(0)).unwrap() {
                Said::Metrics { request, sample } => (request.map(Cow::into_owned), format!("{sample:?}")),
                other => panic!("{other:?}"),
            });
            assert_eq!(at_once, longer);
        }
    }

    #[test]
    fn figures_are_typed_and_lists_come_back_byte_for_byte() {
        let line = METRICS.lines().next().unwrap();
        let Said::Metrics { request, sample } = read(line, at(7)).unwrap() else { panic!("{line:.40}") };
        assert_eq!(request.as_deref(), Some("m-1"));
        assert_eq!(sample.system.memory.total_kb, 2_014_980);
        let [processes, ports, services, plugins] = sample.lists.texts().unwrap();
        for list in [&processes, &ports, &services, &plugins] {
            assert!(line.contains(list.as_str()) && list.len() > 2, "{list:.60}");
        }
    }

    #[test]
    fn an_answer_has_its_code_only_where_it_failed() {
        let read = |line| match read(line, at(0)).unwrap() {
            Said::Answer(answer) => (answer.id.into_owned(), answer.code.map(Cow::into_owned)),
            other => panic!("{other:?}"),
        };
        let ok = r#"{"type":"response","id":"a","success":true,"command_type":"ServiceList","data":[]}"#;
        assert_eq!(read(ok), ("a".into(), None));
        let failed = r#"{"type":"response","id":"b","success":false,"error_code":"BUSY","data":{}}"#;
        assert_eq!(read(failed), ("b".into(), Some("BUSY".into())));
        let old = r#"{"type":"response","id":"c","success":false}"#;
        assert_eq!(read(old), ("c".into(), Some("EXECUTION_FAILED".into())));
    }

    #[test]
    fn what_is_no_message_is_told_with_what_is_wrong() {
        let wrong = |line| read(line, at(0)).unwrap_err();
        assert!(wrong("{").contains("no message"));
        assert!(wrong(r#"{"type":"keep_alive"}"#).contains("`sequence_number` is missing"));
        assert!(wrong(r#"{"type":"response","success":true}"#).contains("`id` is missing"));
        assert!(wrong(r#"{"type":"system_metrics","data":{"system":7}}"#).contains("in `data.system`"));
        assert!(wrong(r#"{"type":"system_metrics","data":7}"#).contains("in `data`"));
        assert!(read(r#"{"type":"from_the_future","id":{}}"#, at(0)).is_err());
        assert!(matches!(read(r#"{"type":"from_the_future"}"#, at(0)), Ok(Said::Other)));
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_guest_writes_is_more_than_an_error(line in "\\PC{0,300}") {
            let _either = read(&line, at(0));
        }

        #[test]
        fn a_torn_line_is_an_error_or_a_message(cut in 0_usize..3000) {
            let line = METRICS.lines().next().unwrap();
            if let Some(torn) = line.get(..cut) {
                proptest::prop_assert!(read(torn, at(0)).is_err());
            }
        }
    }
}

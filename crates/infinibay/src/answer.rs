//! From the agent's answer to the host's: section 6 of the contract, which holds for each of them.

use crate::policy::is_host_action;
use crate::profile::Profile;
use crate::route::Shape;
use crate::shape;
use infiniservice_protocol::action::UNSAFE_COMMAND;
use infiniservice_protocol::{ErrorCode, Response};
use serde_json::{Map, Value, json};

/// Longest `data` of an answer that the host stores, as JSON.
const DATA_MAX_BYTES: usize = 500_000;
/// Actions whose answers the host only hands on: what a line may hold is their bound.
const NOT_STORED: [&str; 4] = ["ProcessList", "ProcessTop", "PackageList", "PackageSearch"];
/// Words for which the host searches a refusal, and what it is told instead.
const AVOIDED: [(&str, &str); 5] = [
    ("timeouts", "time limits"),
    ("timeout", "time limit"),
    ("not connected", "without a connection"),
    ("No connection", "Without a connection"),
    ("closed", "shut"),
];
/// What the host is told of a change that goes on.
const GOES_ON: &str = "still running; list packages later";

/// An answer in the host's shape.
#[derive(Debug)]
pub struct Answered(pub Response);

impl Profile {
    /// The answer as the host wants it.
    pub fn answer(&mut self, response: Response) -> Answered {
        let Some(note) = self.recall(&response.id) else { return finished(response) };
        let mut response = response;
        response.command_type.clone_from(&note.name);
        // The host knows it, and this agent does not have it yet.
        let known = note.shape != Shape::Plain || is_host_action(&note.name);
        if known && response.error_code == Some(ErrorCode::UnknownAction) {
            response.error_code = Some(ErrorCode::Unsupported);
            response.error = Some(format!("{} is not available: this agent does not have it yet", note.name));
        }
        let shaped = shape::lay_out(self, &note.shape, response);
        finished(shaped)
    }
}

/// A refusal of what never began.
pub(crate) fn refuse(id: &str, name: &str, code: ErrorCode, why: &str) -> Answered {
    finished(Response::failed(id, name, code, why))
}

/// A success that needed no program.
pub(crate) fn succeed(id: &str, name: &str, data: Value, said: String) -> Answered {
    let mut response = Response::ok(id, name, data);
    response.stdout = said;
    finished(response)
}

/// What holds for each answer.
fn finished(mut response: Response) -> Answered {
    if let Value::Object(data) = &mut response.data {
        data.retain(|_, value| !value.is_null());
        if !NOT_STORED.contains(&response.command_type.as_str()) {
            cut(data);
        }
    }
    if !response.success {
        let code = response.error_code.unwrap_or(ErrorCode::ExecutionFailed);
        let goes_on = response.data.get("still_running") == Some(&Value::Bool(true));
        let why = response.error.take().unwrap_or_else(|| "it failed".to_owned());
        let why = if goes_on { GOES_ON.to_owned() } else { avoid(&why) };
        response.error = Some(format!("{code}: {why}"));
        response.exit_code.get_or_insert(1);
        response.data = if response.command_type == "ServiceList" { json!([]) } else { json!({}) };
    }
    // The host takes `data` before `stdout`, so that any would lose the output of a raw command.
    if response.command_type == UNSAFE_COMMAND {
        response.data = Value::Null;
    }
    Answered(response)
}

/// The same of an answer that the link gave itself.
pub(crate) fn finish_once(response: &Response) -> Option<Response> {
    let code = response.error_code.filter(|_| !response.success)?;
    let done = response.error.as_deref().is_some_and(|error| error.starts_with(&format!("{code}: ")));
    (!done).then(|| finished(response.clone()).0)
}

fn avoid(text: &str) -> String {
    AVOIDED.iter().fold(text.to_owned(), |text, (word, instead)| text.replace(word, instead))
}

/// Cuts the longest lists from their ends, and tells how long they were.
fn cut(data: &mut Map<String, Value>) {
    let bytes = |value: &Value| serde_json::to_vec(value).map_or(0, |json| json.len());
    while let over @ 1.. = data.values().map(bytes).sum::<usize>().saturating_sub(DATA_MAX_BYTES) {
        let lists = data.iter_mut().filter_map(|(name, value)| Some((name.clone(), value.as_array_mut()?)));
        let longest = lists.max_by_key(|(_, list)| list.iter().map(bytes).sum::<usize>());
        let Some((name, list)) = longest.filter(|(_, list)| !list.is_empty()) else { return };
        let (total, mut gone) = (list.len(), 0);
        while gone < over + 64 {
            let Some(item) = list.pop() else { break };
            gone += bytes(&item) + 1;
        }
        let note = data.entry("truncated").or_insert_with(|| json!({}));
        if let Value::Object(note) = note {
            note.entry(name).or_insert_with(|| total.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_begins_with_its_code_and_holds_no_word_that_makes_the_host_try_again() {
        let why = "timeout: not connected; No connection; closed";
        let Answered(response) = refuse("1", "X", ErrorCode::Busy, why);
        let error = response.error.unwrap();
        assert!(error.starts_with("BUSY: "), "{error}");
        for word in ["timeout", "closed", "not connected", "No connection"] {
            assert!(!error.contains(word), "{error}");
        }
        assert_eq!((response.exit_code, response.data), (Some(1), json!({})));
    }

    #[test]
    fn no_null_stands_at_the_top_of_data_and_long_lists_are_cut_and_counted() {
        let items: Vec<_> = (0..20_000).map(|n| json!({"name": format!("{n:060}")})).collect();
        let data = json!({"gone": null, "list": items, "deep": {"kept": null}});
        let Answered(response) = succeed("1", "X", data, String::new());
        let data = response.data.as_object().unwrap();
        assert!(!data.contains_key("gone") && data["deep"]["kept"].is_null());
        assert_eq!(data["truncated"]["list"], 20_000);
        assert!(serde_json::to_vec(&response.data).unwrap().len() <= DATA_MAX_BYTES + 200);
    }
}

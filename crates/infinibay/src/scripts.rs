//! Scripts that the host keeps for this machine: none is run, and each is completed at once with the reason, as the host would
//! else show it as running for two hours.

use infiniservice_link::Line;
use serde::Deserialize;
use serde_json::json;

/// The exit code of what may not be run, as shells have it.
const NOT_RUN: i32 = 126;
/// Scripts of one line that are completed.
const SCRIPTS_MAX: usize = 256;
/// Longest id that is sent back, in bytes.
const ID_MAX: usize = 256;

#[derive(Deserialize)]
struct Pending {
    #[serde(default)]
    scripts: Vec<Script>,
}

#[derive(Deserialize)]
struct Script {
    execution_id: String,
}

/// One completion for each script of a `pending_scripts_response`; none for what cannot be read.
pub fn refused(line: &str) -> Vec<Line> {
    let Ok(Pending { scripts }) = serde_json::from_str(line) else { return Vec::new() };
    let known = scripts.iter().filter(|script| (1..=ID_MAX).contains(&script.execution_id.len()));
    known.take(SCRIPTS_MAX).map(completion).collect()
}

fn completion(script: &Script) -> Line {
    let why = "this agent does not run scripts: it was not run";
    let line = json!({
        "type": "script_completion", "execution_id": script.execution_id, "exit_code": NOT_RUN, "stdout": "",
        "stderr": why,
    });
    line.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_is_completed_at_once_and_nothing_of_its_text_comes_back() {
        let script = |id| json!({"execution_id": id, "script_content": "echo k1", "input_values": {"p": "k2"}, "run_as": null});
        let line = json!({"type": "pending_scripts_response", "timestamp": "t", "scripts": [script("a"), script("b")]});
        let told = refused(&line.to_string());
        assert_eq!(told.len(), 2);
        assert_eq!((&told[1]["execution_id"], &told[1]["exit_code"]), (&json!("b"), &json!(126)));
        assert!(!format!("{told:?}").contains("k1") && !format!("{told:?}").contains("k2"));
        assert!(refused(r#"{"type":"pending_scripts_response","scripts":[]}"#).is_empty());
        assert!(refused("{").is_empty());
    }
}

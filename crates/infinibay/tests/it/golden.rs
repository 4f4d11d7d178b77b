//! What stands on the wire for each row of the contract's tables (sections 7 and 8), on both platforms, where the agent's own action
//! answers as `crates/protocol/golden` has it. `BLESS=1 cargo test -p infiniservice-infinibay` writes the lines anew: a difference
//! is a change of what the host reads.

use infiniservice_infinibay::{Answered, HOST_ACTIONS, Platform, Profile, Speech, Step, Switches};
use infiniservice_link::dialect::Dialect;
use infiniservice_protocol::host::{SafeCommand, UnsafeCommand};
use infiniservice_protocol::{
    ActionName, ErrorCode, GuestLine, GuestMessage, HostMessage, Response, parse_guest_line,
};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;

const RESPONSES: &str = include_str!("../../../protocol/golden/responses.jsonl");
const METRICS: &str = include_str!("../../../protocol/golden/system_metrics.jsonl");

/// Actions that are the agent's own by their names, and those that need more to be answered than their name.
const ROWS: [(&str, &str); 29] = [
    ("ServiceList", "{}"),
    ("ServiceControl", r#"{"service": "ssh", "operation": "status"}"#),
    ("RestartServices", r#"{"service_name": "ssh"}"#),
    ("ProcessList", "{}"),
    ("ProcessTop", r#"{"limit": 1, "sort_by": "memory"}"#),
    ("ProcessKill", r#"{"pid": 4711}"#),
    ("PackageList", "{}"),
    ("PackageSearch", r#"{"query": "nano"}"#),
    ("PackageInstall", r#"{"package": "vim"}"#),
    ("PackageInstall", r#"{"package": "vim; reboot"}"#),
    ("PackageRemove", r#"{"package": "vim"}"#),
    ("PackageUpdate", r#"{"package": "vim"}"#),
    ("UserList", "{}"),
    ("RunHealthCheck", r#"{"check_name": "disk_space"}"#),
    ("RunHealthCheck", r#"{"check_name": "firewall_status"}"#),
    ("RunHealthCheck", r#"{"check_name": "bogus"}"#),
    ("CheckDiskSpace", r#"{"warning_threshold": 80}"#),
    ("DiskCleanup", "{}"),
    ("DiskCleanup", r#"{"targets": ["recycle_bin", "browser_cache"]}"#),
    ("DiskCleanup", r#"{"drive": "D:"}"#),
    ("UpdateSystemSoftware", r#"{"package": "vim"}"#),
    ("RebootSystem", r#"{"force": true}"#),
    ("ExecutePowerShellScript", r#"{"script": "Get-Date", "script_type": "inline"}"#),
    ("ExecutePowerShellScript", r#"{"script": "x", "script_type": "file"}"#),
    (
        "PrepareGoldenImage",
        r#"{"cleanup_level": "standard", "sanitize_user_data": null, "shutdown_after": true}"#,
    ),
    ("JoinDomain", r#"{"domain": "lab.example", "username": "ops", "password": "p"}"#),
    ("JoinDomain", r#"{"domain": "lab.example", "username": "CN=ops,DC=lab", "password": "p"}"#),
    ("Autochecks", "{}"),
    ("Bogus", "{}"),
];

fn known(text: &str) -> GuestMessage {
    match parse_guest_line(text) {
        Ok(GuestLine::Known(message)) => message,
        other => panic!("{other:?}: {text}"),
    }
}

/// A profile that has measured once.
fn profile(platform: Platform, unsafe_commands: bool) -> Profile {
    let os = "Debian GNU/Linux 12 (bookworm)".to_owned();
    let mut profile =
        Profile::new(Switches { platform, unsigned: false, locked: false, os, unsafe_commands });
    let Some(GuestMessage::SystemMetrics(metrics)) = METRICS.lines().next().map(known) else {
        panic!("no metrics")
    };
    let _ = profile.measure(Duration::ZERO, metrics);
    profile
}

/// What the agent itself answers; an action that it does not have is unknown to it.
fn native(asked: &HostMessage) -> Response {
    let (id, name) = match asked {
        HostMessage::SafeCommand(command) => (&command.id, command.action.as_str()),
        HostMessage::UnsafeCommand(command) => {
            let stdout = "Monday\n".to_owned();
            return Response {
                stdout,
                exit_code: Some(0),
                ..Response::ok(&command.id, "UnsafeCommand", json!({}))
            };
        }
        other => panic!("{other:?}"),
    };
    let recorded = RESPONSES.lines().map(known).find_map(|message| match message {
        GuestMessage::Response(response) if response.command_type == name => Some(response),
        _ => None,
    });
    match recorded {
        Some(response) => Response { id: id.clone(), timestamp: None, ..response },
        None => Response::failed(id, name, ErrorCode::UnknownAction, "there is no such action"),
    }
}

fn answer(profile: &mut Profile, platform: Platform, asked: HostMessage) -> Value {
    let Answered(response) = match profile.ask(asked) {
        Step::Run(own, _) => profile.answer(native(&own)),
        Step::Answer(answer) | Step::AnswerAndMeasure(answer) | Step::Reboot { answer, .. } => *answer,
    };
    let (version, vm_id) = ("1.2.3".to_owned(), String::new());
    let speech = Speech { version, platform, vm_id, locked: false, max_line_bytes: 16 << 20 };
    Value::Object(speech.spell(&GuestMessage::Response(response)))
}

fn command(action: &str, params: &str) -> HostMessage {
    let params: Map<String, Value> = serde_json::from_str(params).expect("an object");
    let (id, action) = (format!("cmd-{action}"), action.to_owned());
    HostMessage::SafeCommand(SafeCommand { id, action, params, timeout: Some(60), progress: false })
}

/// Every row with its parameters, then every name of the host's own bare; last a raw command.
fn answers(platform: Platform) -> Vec<Value> {
    let mut profile = profile(platform, true);
    let bare = HOST_ACTIONS.iter().map(|action| (*action, "{}"));
    let rows = ROWS.into_iter().chain(bare).map(|(action, params)| command(action, params));
    let raw = UnsafeCommand { id: "cmd-raw".into(), raw_command: "date".into(), ..UnsafeCommand::default() };
    let all: Vec<_> = rows.chain([HostMessage::UnsafeCommand(raw)]).collect();
    all.into_iter().map(|asked| answer(&mut profile, platform, asked)).collect()
}

#[test]
fn each_row_s_answer_stands_on_the_wire_as_it_always_did() {
    for (platform, name) in [(Platform::Linux, "linux.jsonl"), (Platform::Windows, "windows.jsonl")] {
        let answers = answers(platform);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
        if std::env::var_os("BLESS").is_some() {
            let lines = answers
                .iter()
                .fold(String::new(), |lines, answer| lines + answer.to_string().as_str() + "\n");
            std::fs::write(&path, lines).expect("written");
        }
        // As values: the order of members is what other crates of a build ask of serde_json.
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        let stored: Vec<Value> =
            stored.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for (number, (stored, got)) in stored.iter().zip(&answers).enumerate() {
            assert_eq!(stored, got, "{name}, line {}", number + 1);
        }
        assert_eq!(stored.len(), answers.len(), "{name} has other lines than the code gives");
    }
}

/// Section 6, which holds for every answer.
#[test]
fn each_answer_has_the_host_s_name_and_no_null_at_the_top_and_an_error_begins_with_its_code() {
    for platform in [Platform::Linux, Platform::Windows] {
        for answer in answers(platform) {
            let id = answer["id"].as_str().expect("an id");
            if id != "cmd-raw" {
                assert_eq!(answer["command_type"], id.trim_start_matches("cmd-"), "{answer}");
                let top = answer["data"].as_object().map(|data| data.values().any(Value::is_null));
                assert_ne!(top, Some(true), "{answer}");
            }
            if answer["success"] == false {
                let code = answer["error_code"].as_str().expect("a code");
                let error = answer["error"].as_str().expect("an error");
                assert!(error.starts_with(&format!("{code}: ")), "{answer}");
                for word in ["timeout", "closed", "not connected", "No connection"] {
                    assert!(!error.contains(word), "{answer}");
                }
            }
        }
    }
}

#[test]
fn the_agent_s_own_actions_are_reached_by_one_row_each() {
    let told: Vec<_> = answers(Platform::Linux);
    for action in ["ServiceList", "ProcessList", "PackageList", "PackageSearch", "UserList"] {
        assert!(ActionName::from_name(action).is_some());
        let of_it = told.iter().find(|answer| answer["command_type"] == action);
        assert_eq!(of_it.map(|answer| &answer["success"]), Some(&json!(true)), "{action}");
    }
}

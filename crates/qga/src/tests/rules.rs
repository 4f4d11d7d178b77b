//! The table, the policy, the freeze, and what is checked of arguments.

use super::guest::Guest;
use crate::table::{self, Kind, Platform};
use crate::{Action, FreezeState, Policy, Request, Switch, bytes::Bytes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn info(guest: &mut Guest) -> BTreeMap<String, bool> {
    guest.answers();
    guest.send("{\"execute\":\"guest-info\"}\n");
    let answer: Value = serde_json::from_str(&guest.answers()).unwrap();
    let commands = answer["return"]["supported_commands"].as_array().unwrap();
    let pair = |one: &Value| (one["name"].as_str().unwrap().to_owned(), one["enabled"].as_bool().unwrap());
    commands.iter().map(pair).collect()
}

fn on(commands: &BTreeMap<String, bool>) -> BTreeSet<&str> {
    commands.iter().filter(|(_, on)| **on).map(|(name, _)| name.as_str()).collect()
}

#[test]
fn each_command_is_there_once_and_all_that_qemu_ga_11_has_are() {
    let names: Vec<&str> = table::rows().map(|row| row.name).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!((names.len(), unique.len()), (44, 44));
    let recorded =
        super::replay::recordings().into_iter().find(|one| one.case == "info with allow list").unwrap();
    let theirs: Value = serde_json::from_str(&recorded.rx).unwrap();
    for command in theirs["return"]["supported_commands"].as_array().unwrap() {
        let row = table::find(command["name"].as_str().unwrap()).unwrap();
        assert_eq!(Some(row.success_response), command["success-response"].as_bool(), "{}", row.name);
    }
}

#[test]
fn each_command_but_the_session_s_own_has_its_typed_request() {
    for row in table::rows().filter(|row| row.kind != Kind::Session) {
        let text =
            serde_json::from_value::<Request>(Value::String(row.name.to_owned())).map_err(|e| e.to_string());
        let unknown = text.as_ref().is_err_and(|error| error.starts_with("unknown variant"));
        assert!(!unknown, "{}", row.name);
        assert_eq!(row.arguments.is_empty(), text.is_ok(), "{}", row.name);
    }
}

#[test]
fn programs_files_and_credentials_are_off_until_their_switch_is_on() {
    let mut guest = Guest::with(Policy::safe(Platform::Linux));
    let safe = info(&mut guest);
    let off: BTreeSet<&str> = safe.iter().filter(|(_, on)| !**on).map(|(name, _)| name.as_str()).collect();
    let guarded =
        table::rows().filter(|row| matches!(row.kind, Kind::Program | Kind::File | Kind::Credential));
    assert_eq!(off, guarded.map(|row| row.name).collect());
    let mut guest = Guest::with(Policy::safe(Platform::Linux).with(Switch::Exec));
    assert!(info(&mut guest)["guest-exec-status"] && !info(&mut guest)["guest-file-open"]);
}

#[test]
fn a_refusal_is_one_for_the_audit() {
    let mut guest = Guest::with(Policy::safe(Platform::Linux));
    guest.send("{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sh\"}}\n");
    let wanted = "Command guest-exec has been disabled: the command is not allowed";
    assert!(guest.answers().contains(wanted));
    let refused = |action: &Action| matches!(action, Action::Refused(row) if row.name == "guest-exec");
    assert_eq!(guest.actions.iter().filter(|action| refused(action)).count(), 1);
    assert!(guest.running.is_empty());
}

#[test]
fn lists_narrow_and_never_widen_and_leave_the_basics() {
    let mut policy = Policy::safe(Platform::Linux);
    assert_eq!(
        policy.allow_only(["guest-get-time", " guest-exec ", "guest-get-load", "guest-x"]),
        ["guest-x"]
    );
    assert!(policy.allow_only(["guest-get-time", "guest-exec"]).is_empty());
    assert!(policy.block(["guest-ping", "guest-fstrim"]).is_empty());
    let mut guest = Guest::with(policy);
    let basics = ["guest-get-time", "guest-info", "guest-ping", "guest-sync", "guest-sync-delimited"];
    assert_eq!(on(&info(&mut guest)), BTreeSet::from(basics));
}

#[test]
fn the_three_commands_for_ssh_keys_are_on_together_or_not_at_all() {
    let count = |policy: Policy| {
        let commands = info(&mut Guest::with(policy));
        on(&commands).iter().filter(|name| name.starts_with("guest-ssh-")).count()
    };
    assert_eq!(count(Policy::safe(Platform::Linux).with(Switch::Ssh)), 3);
    let mut blocked = Policy::all(Platform::Linux);
    assert!(blocked.block(["guest-ssh-add-authorized-keys"]).is_empty());
    assert_eq!(count(blocked), 0);
    let mut allowed = Policy::all(Platform::Linux);
    assert!(allowed.allow_only(["guest-ssh-get-authorized-keys", "guest-get-time"]).is_empty());
    assert_eq!(count(allowed), 0);
}

#[test]
fn a_command_that_a_system_does_not_have_is_unknown_there() {
    let mut guest = Guest::with(Policy::all(Platform::Windows).without(["guest-get-load"]));
    let commands = info(&mut guest);
    assert!(commands.contains_key("guest-get-devices") && !commands.contains_key("guest-fsfreeze-freeze"));
    for name in ["guest-get-load", "guest-set-vcpus", "guest-fsfreeze-status"] {
        guest.send(&format!("{{\"execute\":\"{name}\"}}\n"));
        assert!(guest.answers().contains(&format!("The command {name} has not been found")), "{name}");
    }
}

#[test]
fn six_commands_work_while_writes_are_held() {
    for state in [FreezeState::Freezing, FreezeState::Frozen, FreezeState::Thawing] {
        let mut guest = Guest::new();
        guest.freeze(state);
        let six = [
            "guest-fsfreeze-status",
            "guest-fsfreeze-thaw",
            "guest-info",
            "guest-ping",
            "guest-sync",
            "guest-sync-delimited",
        ];
        assert_eq!(on(&info(&mut guest)), BTreeSet::from(six));
        guest.send("{\"execute\":\"guest-get-time\"}\n{\"execute\":\"guest-fsfreeze-freeze\"}\n");
        assert_eq!(guest.answers().matches("CommandNotFound").count(), 2);
        assert!(
            !guest.actions.iter().any(|action| matches!(action, Action::Refused(_))),
            "nothing for the audit"
        );
    }
}

#[test]
fn after_the_longest_freeze_all_works_again_and_the_status_still_says_frozen() {
    let mut guest = Guest::new();
    guest.freeze(FreezeState::Expired);
    guest.send("{\"execute\":\"guest-fsfreeze-status\"}\n{\"execute\":\"guest-get-time\"}\n");
    assert_eq!((guest.answers().as_str(), guest.running.len()), ("{\"return\":\"frozen\"}\n", 1));
}

fn asked(arguments: &str) -> Result<Request, String> {
    let mut guest = Guest::new();
    guest.send(&format!("{{\"execute\":{arguments}}}\n"));
    let request = guest.running.pop().map(|(_, request)| request);
    request.ok_or_else(|| {
        let answer: Value = serde_json::from_str(&guest.answers()).unwrap();
        answer["error"]["desc"].as_str().unwrap().to_owned()
    })
}

#[test]
fn base64_may_be_wrapped_and_needs_no_padding() {
    let written = |text: &str| {
        asked(&format!("\"guest-file-write\",\"arguments\":{{\"handle\":1,\"buf-b64\":\"{text}\"}}"))
    };
    let wanted = Request::FileWrite { handle: 1, bytes: Bytes(b"ab".to_vec()), count: None };
    for text in ["YWI=", "YWI", "YW\\nI=\\n"] {
        assert_eq!(written(text), Ok(wanted.clone()), "{text}");
    }
    assert_eq!(written("YWI=\\r\\n"), Err("Base64 data contains invalid characters".to_owned()));
}

#[test]
fn values_are_checked_before_anything_is_handed_on() {
    let wrong = [
        ("\"guest-set-time\",\"arguments\":{\"time\":3155760000000000000}", "Invalid time"),
        (
            "\"guest-set-vcpus\",\"arguments\":{\"vcpus\":[{\"logical-id\":0,\"online\":1}]}",
            "Invalid parameter type for 'vcpus[0].online', expected: boolean",
        ),
        (
            "\"guest-set-vcpus\",\"arguments\":{\"vcpus\":[{\"logical-id\":0,\"online\":true,\"x\":1}]}",
            "Parameter 'vcpus[0].x' is unexpected",
        ),
        (
            "\"guest-set-memory-blocks\",\"arguments\":{\"mem-blks\":[{\"phys-index\":-1,\"online\":true}]}",
            "Invalid parameter type for 'mem-blks[0].phys-index', expected: integer",
        ),
        (
            "\"guest-ssh-add-authorized-keys\",\"arguments\":{\"username\":\"a\",\"keys\":[\"k\\nk\"]}",
            "invalid OpenSSH public key: 'k\nk'",
        ),
    ];
    for (request, text) in wrong {
        assert_eq!(asked(request), Err(text.to_owned()));
    }
    let keys =
        asked("\"guest-ssh-add-authorized-keys\",\"arguments\":{\"username\":\"a\",\"keys\":[\"k\",\"\"]}");
    assert_eq!(keys, Ok(Request::SshAddKeys { username: "a".into(), keys: vec!["k".into()], reset: false }));
}

#[test]
fn a_request_shows_no_password_no_content_and_no_input() {
    let request = asked(
        "\"guest-set-user-password\",\"arguments\":{\"username\":\"a\",\"password\":\"c2VjcmV0\",\"crypted\":false}",
    );
    let text = format!("{request:?}");
    assert!(text.contains("6 bytes") && !text.contains("secret") && !text.contains("c2VjcmV0"), "{text}");
}

#[test]
fn names_that_a_host_made_up_are_quoted_in_part() {
    let mut guest = Guest::new();
    guest.send(&format!("{{\"execute\":\"{}\"}}\n", "é".repeat(5000)));
    assert!(guest.answers().len() < 2000);
}

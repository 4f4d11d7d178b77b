//! What the long commands promise, over a guest that is made up: tables, sentences, output passed on, fixes asked for.

use crate::command::{code, err, on, out};
use crate::support::{FakeGuest, answers};
use serde_json::{Value, json};

/// A guest that answers each command with the same fields.
fn answering(fields: Value) -> FakeGuest {
    let script = move |message: &Value| {
        let action = message["command_type"]["action"].as_str().unwrap_or("UnsafeCommand");
        vec![answers::response(message["id"].as_str().unwrap_or_default(), action, fields.clone())]
    };
    FakeGuest::scripted(b"\n".to_vec(), Box::new(script))
}

/// What the guest was asked for, in order.
fn asked(guest: &FakeGuest) -> Vec<Value> {
    let lines = guest.lines();
    let messages = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    messages.map(|message| message["command_type"].clone()).collect()
}

#[test]
fn each_command_asks_for_its_action_with_its_parameters() {
    let cases: &[(&[&str], Value)] = &[
        (
            &["service", "logs", "ssh", "--lines", "5", "--priority", "err", "--since", "2h"],
            json!({"action": "ServiceLogs", "service": "ssh", "lines": 5, "priority": "err", "since": "2h"}),
        ),
        (&["users", "--limit", "3"], json!({"action": "UserList", "limit": 3})),
        (
            &["seal", "--level", "deep", "--power-off", "--yes"],
            json!({"action": "PrepareGoldenImage", "cleanup_level": "deep", "sanitize_user_data": false, "shutdown_after": true}),
        ),
        (&["config", "reload"], json!({"action": "ConfigReload"})),
        (&["package", "list", "--filter", "ssh"], json!({"action": "PackageList", "filter": "ssh"})),
        (
            &["package", "search", "web", "server", "--limit", "3"],
            json!({"action": "PackageSearch", "query": "web server", "limit": 3}),
        ),
        (&["package", "install", "nginx"], json!({"action": "PackageInstall", "package": "nginx"})),
        (&["package", "update", "nginx"], json!({"action": "PackageUpdate", "package": "nginx"})),
        (&["package", "remove", "nginx"], json!({"action": "PackageRemove", "package": "nginx"})),
        (&["package", "status", "--id", "x"], json!({"action": "PackageChangeStatus", "id": "x"})),
        (&["update", "history", "--limit", "5"], json!({"action": "UpdateHistory", "limit": 5})),
        (&["update", "check"], json!({"action": "UpdateCheck"})),
        (
            &["update", "install", "--security-only"],
            json!({"action": "UpdateInstall", "security_only": true}),
        ),
        (&["apps", "--limit", "3"], json!({"action": "ApplicationInventory", "limit": 3})),
        (
            &["autochecks", "--check", "memory", "--warning-percent", "70"],
            json!({"action": "Autochecks", "checks": ["memory"], "warning_percent": 70.0}),
        ),
        (
            &["script", "run", "--detach", "--id", "e-1", "--shell", "bash", "--run-for", "60", "Cargo.toml"],
            json!({"action": "ScriptRun", "execution_id": "e-1", "shell": "bash", "timeout_secs": 60,
                "script": include_str!("../../Cargo.toml")}),
        ),
        (&["script", "list"], json!({"action": "ScriptStatus"})),
        (&["script", "status", "e-1"], json!({"action": "ScriptStatus", "execution_id": "e-1"})),
        (&["script", "remove", "e-1"], json!({"action": "ScriptRemove", "execution_id": "e-1"})),
        (&["power", "shutdown"], json!({"action": "Shutdown"})),
        (&["power", "reboot"], json!({"action": "Reboot"})),
        (
            &["cleanup", "--dry-run", "--target", "temp", "--target", "logs", "--older-than-days", "7"],
            json!({"action": "DiskCleanup", "dry_run": true, "targets": ["temp", "logs"], "older_than_days": 7}),
        ),
    ];
    for (args, command) in cases {
        let guest = FakeGuest::proper();
        on(&guest, args);
        assert_eq!(asked(&guest), std::slice::from_ref(command), "{args:?}");
    }
}

#[test]
fn a_raw_command_is_sent_with_all_that_was_said_of_it() {
    let guest = answering(json!({"success": true, "data": {}, "exit_code": 0, "stdout": "hi\n"}));
    let args =
        ["exec", "echo $A", "--shell", "sh", "--run-as", "nobody", "--working-dir", "/tmp", "--env", "A=hi"];
    let output = on(&guest, &[&args[..], &["--timeout", "7"]].concat());
    assert_eq!((code(&output), out(&output).as_str(), err(&output).as_str()), (0, "hi\n", ""));
    let message: Value = serde_json::from_str(&guest.lines()[0]).unwrap();
    let want = json!({
        "type": "UnsafeCommand", "id": message["id"], "raw_command": "echo $A", "shell": "sh", "timeout": 7,
        "working_dir": "/tmp", "env_vars": {"A": "hi"}, "run_as": "nobody",
    });
    assert_eq!(message, want);
}

#[test]
fn a_raw_command_that_fails_shows_its_output_and_its_exit_code_and_exits_1() {
    let guest = answering(json!({
        "success": false, "data": {}, "exit_code": 3, "stdout": "some", "stderr": "\u{1b}[31mbad\u{9b}\n",
        "error": "the command ended with exit code 3", "error_code": "EXECUTION_FAILED",
        "stdout_truncated": true, "stdout_bytes": 99,
    }));
    let output = on(&guest, &["exec", "false"]);
    assert_eq!((code(&output), out(&output).as_str()), (1, "some"));
    assert_eq!(
        err(&output),
        "\\u{1b}[31mbad\\u{9b}\ninfinictl: the guest truncated the command's standard output; it had 99 bytes\n\
         infinictl: UnsafeCommand failed: the command ended with exit code 3 (EXECUTION_FAILED, exit code 3)\n"
    );
}

#[test]
fn a_package_that_fails_tells_the_tools_own_words() {
    let guest = answering(json!({
        "success": false, "data": {}, "exit_code": 100, "stderr": "E: no such frobnicator\n",
        "error": "a package's script failed", "error_code": "EXECUTION_FAILED",
    }));
    let output = on(&guest, &["package", "install", "x"]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        err(&output),
        "infinictl: PackageInstall failed: a package's script failed (EXECUTION_FAILED, exit code 100)\n  \
         E: no such frobnicator\n"
    );
}

#[test]
fn fixing_without_a_terminal_refuses_to_ask_and_sends_nothing() {
    let guest = FakeGuest::proper();
    let output = on(&guest, &["autochecks", "--fix"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("no terminal to ask on; --yes runs them"), "{}", err(&output));
    assert_eq!(guest.lines(), Vec::<String>::new());
    assert_eq!(code(&on(&guest, &["autochecks", "--yes"])), 2, "--yes alone means nothing");
}

#[test]
fn fixing_with_yes_sends_each_remediation_once_and_a_failure_exits_1() {
    let guest = FakeGuest::proper();
    let output = on(&guest, &["autochecks", "--fix", "--yes"]);
    assert_eq!(code(&output), 1);
    let restart = json!({"action": "ServiceControl", "service": "cron.service", "operation": "restart"});
    let absent = json!({"action": "ServiceControl", "service": "absent", "operation": "restart"});
    let again = json!({"action": "Autochecks", "checks": ["failed_units", "again"]});
    assert_eq!(asked(&guest)[1..], [restart, again, absent]);
    assert!(
        out(&output).contains(
            "done: ServiceControl operation=restart service=cron.service (for failed_units, again)"
        ),
        "{}",
        out(&output)
    );
    assert!(
        err(&output).contains("there is no absent.service")
            && err(&output).contains("1 of 2 remediations failed"),
        "{}",
        err(&output)
    );
}

#[test]
fn fixing_for_programs_prints_one_document_a_command() {
    let guest = FakeGuest::proper();
    let output = on(&guest, &["--json", "autochecks", "--fix", "--yes"]);
    let kinds: Vec<Value> = out(&output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["command_type"].clone())
        .collect();
    assert_eq!(kinds, ["Autochecks", "ServiceControl", "Autochecks", "ServiceControl"]);
}

#[test]
fn a_guest_that_has_no_rates_yet_is_asked_once_more() {
    let mut count = 0;
    let script = move |message: &Value| {
        count += 1;
        let mut metrics: Value = serde_json::from_str(&answers::metrics(message["id"].as_str())).unwrap();
        metrics["agent_version"] = json!(format!("sample {count}"));
        if count == 1 {
            metrics["collection"]["failed"] = json!([{"collector": "cpu", "error": "warming_up"}]);
        }
        vec![metrics.to_string()]
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    let output = on(&guest, &["metrics"]);
    assert!(out(&output).contains("sample 2") && !out(&output).contains("warming_up"), "{}", out(&output));
    let again = on(&guest, &["--json", "metrics"]);
    assert_eq!((guest.lines().len(), out(&again).lines().count()), (3, 1));
}

/// Escape sequences, C1 controls, reordering, newlines.
const EVIL: &str = "\u{1b}]52;c;aGk=\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\r\nfake";

/// Every text of a proper answer replaced by a hostile one, but for words of a fixed choice.
fn poison(value: &mut Value, evil: &str) {
    match value {
        Value::String(text)
            if !["Warning", "passed", "failed", "warning", "skipped", "err"].contains(&text.as_str()) =>
        {
            evil.clone_into(text);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, evil)),
        Value::Object(fields) => {
            let fixed = ["action", "operation"];
            fields
                .iter_mut()
                .filter(|(name, _)| !fixed.contains(&name.as_str()))
                .for_each(|(_, v)| poison(v, evil));
        }
        _ => {}
    }
}

fn hostile(evil: String) -> FakeGuest {
    let script = move |message: &Value| {
        let mut answer: Value = serde_json::from_str(&answers::proper(message)[0]).unwrap();
        poison(&mut answer["data"], &evil);
        answer["stdout"] = json!(evil);
        answer["stderr"] = json!(evil);
        vec![answer.to_string()]
    };
    FakeGuest::scripted(b"\n".to_vec(), Box::new(script))
}

#[test]
fn a_hostile_guest_reaches_no_terminal_raw_by_any_of_them() {
    let commands: &[&[&str]] = &[
        &["service", "logs", "x"],
        &["package", "list"],
        &["package", "search", "x"],
        &["users"],
        &["script", "list"],
        &["script", "status", "x"],
        &["seal", "--yes"],
        &["config", "reload"],
        &["package", "install", "x"],
        &["update", "check"],
        &["update", "history"],
        &["update", "install"],
        &["apps"],
        &["autochecks"],
        &["autochecks", "--fix", "--yes"],
        &["cleanup"],
        &["exec", "x"],
    ];
    for (evil, longest) in [(EVIL.to_owned(), 3000), (EVIL.repeat(2_000), 3000)] {
        let guest = hostile(evil);
        for args in commands {
            let output = on(&guest, args);
            let shown = out(&output) + &err(&output);
            let obeyed = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{2066}'));
            assert!(!shown.contains(obeyed), "{args:?}: {shown:.300?}");
            assert!(shown.contains("\\u{1b}]52"), "{args:?} shows nothing of it: {shown:.300}");
            if args[0] == "exec" {
                continue; // its lines are passed on as they are long
            }
            assert!(!shown.contains("\nfake"), "{args:?}: {shown:.300}");
            assert!(shown.lines().all(|line| line.chars().count() < longest), "{args:?}: a line without end");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_survived() {
    let guest = FakeGuest::scripted(b"\n\xff\xfe{\xc3\n".to_vec(), Box::new(answers::proper));
    assert_eq!(code(&on(&guest, &["package", "list"])), 0);
}

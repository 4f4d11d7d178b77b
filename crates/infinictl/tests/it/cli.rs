//! What the command promises: exit codes, JSON for programs, sentences for people.

use crate::command::{code, err, infinictl, on, out};
use crate::support::{FakeGuest, answers};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The stand-in for the agent, which cargo builds with the tests.
fn fake_agent() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_infinictl")).parent().unwrap();
    target.join("examples/fake_agent")
}

#[test]
fn metrics_are_a_page_for_people_and_one_document_for_programs() {
    let guest = FakeGuest::proper();
    let page = on(&guest, &["metrics"]);
    assert_eq!(code(&page), 0, "{}", err(&page));
    for expected in
        ["db1 (Debian GNU/Linux 12)", "/var/lib/postgresql", "192.168.122.41", "postgres", "there are 163"]
    {
        assert!(out(&page).contains(expected), "{expected} is missing in\n{}", out(&page));
    }
    for args in [["--json", "metrics"], ["metrics", "--json"]] {
        let output = on(&guest, &args);
        assert_eq!(out(&output).lines().count(), 1);
        let document: Value = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!(document["type"], "system_metrics");
    }
}

#[test]
fn services_and_processes_are_tables() {
    let guest = FakeGuest::proper();
    let services = on(&guest, &["service", "list"]);
    assert!(out(&services).contains("cron.service  failed"), "{}", out(&services));
    let status = on(&guest, &["service", "restart", "ssh"]);
    assert!(out(&status).contains("Status       running"), "{}", out(&status));
    let processes = on(&guest, &["process", "list", "--sort", "memory", "--limit", "2"]);
    assert!(out(&processes).contains("postgres"), "{}", out(&processes));
    let killed = on(&guest, &["process", "kill", "77"]);
    assert_eq!(out(&killed), "process 77 (sleep) has ended after SIGTERM\n");
    let asked = guest.lines().join("\n");
    assert!(asked.contains(r#""sort_by":"memory""#) && asked.contains(r#""operation":"restart""#), "{asked}");
}

#[test]
fn a_failed_command_exits_1_with_the_guests_sentence_and_its_document() {
    let guest = FakeGuest::proper();
    let output = on(&guest, &["--json", "service", "start", "absent"]);
    assert_eq!(code(&output), 1);
    assert_eq!(err(&output), "infinictl: ServiceControl failed: there is no absent.service (NOT_FOUND)\n");
    assert_eq!(serde_json::from_str::<Value>(&out(&output)).unwrap()["error_code"], "NOT_FOUND");
}

#[test]
fn wrong_usage_exits_2() {
    let nowhere = infinictl(&["metrics"]).output().unwrap();
    assert_eq!(code(&nowhere), 2);
    assert!(err(&nowhere).contains("no guest is given: use --vm NAME"), "{}", err(&nowhere));
    for wrong in
        [&["frobnicate"][..], &["metrics", "--timeout", "0"], &["--local", "--socket", "/s", "metrics"]]
    {
        assert_eq!(code(&infinictl(wrong).output().unwrap()), 2, "{wrong:?}");
    }
}

#[test]
fn no_connection_exits_3_and_names_the_socket() {
    let output = infinictl(&["--socket", "/nonexistent/agent.sock", "metrics"]).output().unwrap();
    assert_eq!(code(&output), 3);
    assert_eq!(
        err(&output),
        "infinictl: cannot reach the guest through the socket /nonexistent/agent.sock: there is no such socket; is the machine running, and is this its channel's path?\n"
    );
}

#[test]
fn silence_exits_4_and_says_what_to_check() {
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(|_| Vec::new()));
    let output = on(&guest, &["hello", "--timeout", "0.1"]);
    assert_eq!(code(&output), 4);
    assert!(err(&output).contains("check that infiniservice runs in it"), "{}", err(&output));
    assert_eq!(code(&on(&guest, &["ping", "-c", "1", "--timeout", "0.1"])), 4);
}

#[test]
fn the_socket_may_come_from_the_environment() {
    let guest = FakeGuest::proper();
    let output = infinictl(&["hello"]).env("INFINICTL_SOCKET", &guest.path).output().unwrap();
    assert_eq!(code(&output), 0);
    assert!(out(&output).contains("allow_unsafe_commands is off"), "{}", out(&output));
}

#[test]
fn pings_are_counted() {
    let guest = FakeGuest::proper();
    let output = on(&guest, &["--json", "ping", "--count", "3", "--interval", "0.001"]);
    let document: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((&document["sent"], &document["received"]), (&json!(3), &json!(3)));
    assert_eq!(document["round_trip_ms"].as_array().unwrap().len(), 3);
}

#[test]
fn a_raw_line_is_sent_as_it_is_and_its_answer_printed() {
    let guest = FakeGuest::proper();
    let line = r#"{"type":"SafeCommand", "id":"x-1", "command_type":{"action":"ServiceList"}}"#;
    let output = on(&guest, &["send", line]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(serde_json::from_str::<Value>(&out(&output)).unwrap()["id"], "x-1");
    assert_eq!(guest.lines(), [line]);
    let noise = on(&guest, &["send", "noise"]);
    assert_eq!(code(&noise), 1);
    assert!(out(&noise).contains("INVALID_JSON"));
}

#[test]
fn lines_from_standard_input_are_all_answered() {
    let guest = FakeGuest::proper();
    let mut child = infinictl(&["send", "-", "--socket"])
        .arg(&guest.path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = "{\"type\":\"Hello\"}\n\n{\"type\":\"keep_alive_request\",\"sequence_number\":9}\n{\"type\":\"Metrics\",\"id\":\"m\"}\n";
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let kinds: Vec<Value> = out(&output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone())
        .collect();
    assert_eq!(kinds, ["hello", "keep_alive", "system_metrics"]);
}

#[test]
fn a_hostile_guest_reaches_neither_terminal_nor_program_raw() {
    let evil = "\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{202e}\n\rx";
    let script = move |message: &Value| {
        let id = message["id"].as_str().unwrap_or_default();
        let service = json!({
            "name": evil, "display_name": evil, "description": evil, "status": evil, "startup_type": evil,
            "can_start": true, "can_stop": true, "can_restart": true,
        });
        match message["command_type"]["action"].as_str() {
            Some("ServiceList") => vec![answers::ok(id, "ServiceList", &json!([service]))],
            _ => vec![answers::failed(id, evil, "NOT_FOUND", evil)],
        }
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    let clean = |text: &str| !text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r']);
    for args in [&["service", "list"][..], &["--json", "service", "list"], &["service", "stop", "x"]] {
        let output = on(&guest, args);
        assert!(clean(&out(&output)) && clean(&err(&output)), "{args:?}: {output:?}");
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty());
    }
}

#[test]
fn a_local_agent_is_started_spoken_to_and_ended() {
    let agent = fake_agent();
    let agent = agent.to_str().unwrap();
    for args in [&["--local", "--json", "metrics"][..], &["--local", "--json", "service", "list"]] {
        let output = infinictl(args).args(["--agent", agent]).output().unwrap();
        assert_eq!(code(&output), 0, "{}", err(&output));
        assert!(serde_json::from_str::<Value>(&out(&output)).unwrap()["type"].is_string());
    }
}

#[test]
fn an_agent_that_does_not_start_is_no_connection_and_its_last_words_are_told() {
    let output = infinictl(&["--local", "--agent", "/nonexistent/agent", "metrics"]).output().unwrap();
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("the agent /nonexistent/agent does not start"), "{}", err(&output));
    // mktemp(1) does not know --console, says so and exits 1.
    let output = infinictl(&["--local", "--agent", "/usr/bin/mktemp", "metrics"]).output().unwrap();
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("the agent ended (exit status: 1)"), "{}", err(&output));
    assert!(err(&output).contains(", with the message: "), "{}", err(&output));
}

#[test]
fn completions_and_the_manual_page_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&infinictl(&["completions", shell]).output().unwrap()).contains("INFINICTL_COMPLETE"));
    }
    let mut asked = infinictl(&["--", "infinictl", "serv"]);
    asked.envs([("INFINICTL_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", "1"), ("_CLAP_IFS", "\n")]);
    assert_eq!(out(&asked.output().unwrap()).trim(), "service");
    let page = infinictl(&["man"]).output().unwrap();
    assert!(out(&page).contains(".TH infinictl 1"));
    let dir = tempfile::tempdir().unwrap();
    let written = infinictl(&["man", "--dir"]).arg(dir.path()).output().unwrap();
    assert_eq!(code(&written), 0);
    assert!(dir.path().join("infinictl-process-kill.1").is_file());
}

#[test]
fn a_closed_output_is_no_failure() {
    let guest = FakeGuest::proper();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = infinictl(&["metrics", "--socket"]).arg(&guest.path).stdout(writer).output().unwrap();
    assert_eq!((code(&output), err(&output).as_str()), (0, ""));
}

#[test]
fn watch_without_a_terminal_is_a_stream_for_programs_or_wrong_usage() {
    let guest = FakeGuest::proper();
    let output = on(&guest, &["watch"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("use --json for a stream"), "{}", err(&output));
    let mut child = infinictl(&["watch", "--json", "--interval", "0.001", "--socket"])
        .arg(&guest.path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    for line in lines.take(3) {
        assert_eq!(serde_json::from_str::<Value>(&line.unwrap()).unwrap()["type"], "system_metrics");
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_secret_is_read_from_its_file_and_a_missing_or_empty_one_is_wrong_usage() {
    let script = |envelope: &Value| {
        answers::proper(&serde_json::from_str(envelope["payload"].as_str().unwrap()).unwrap())
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    let secret_option = secret.to_str().unwrap();
    assert_eq!(code(&on(&guest, &["hello", "--secret-file", secret_option])), 2);
    std::fs::write(&secret, "\n").unwrap();
    assert_eq!(code(&on(&guest, &["hello", "--secret-file", secret_option])), 2);
    std::fs::write(&secret, "s3cret\n").unwrap();
    let output = on(&guest, &["hello", "--secret-file", secret_option]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(guest.lines().iter().all(|line| line.contains(r#""type":"signed""#)), "{:?}", guest.lines());
}

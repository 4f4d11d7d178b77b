//! What the command promises to those who run hosts: patience, Ctrl-C, Nagios, bug reports.

use crate::command::{code, err, infinictl, on, out};
use crate::support::FakeGuest;
use serde_json::Value;
use std::process::Stdio;

#[test]
fn a_package_change_is_not_cut_short_by_an_impatient_host() {
    let guest = FakeGuest::proper();
    let output = on(&guest, &["package", "install", "nginx", "--timeout", "5"]);
    let sent = guest.lines().into_iter().find(|line| line.contains("PackageInstall")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&sent).unwrap()["timeout"], 600);
    assert!(err(&output).contains("the guest gets 600 s"), "{}", err(&output));
    let listing = FakeGuest::proper();
    let _listed = on(&listing, &["process", "list", "--timeout", "5"]);
    assert!(listing.lines().join("\n").contains(r#""timeout":5"#), "{:?}", listing.lines());
}

#[test]
fn the_clients_patience_is_its_own_and_the_guest_is_told_nothing_of_it() {
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(|_| Vec::new()));
    let output = on(&guest, &["package", "install", "nginx", "--wait", "0.1"]);
    assert_eq!(code(&output), 4);
    let said = err(&output);
    assert!(said.contains("the guest continues: "), "{said}");
    let sent = guest.lines().join("\n");
    assert!(sent.contains("PackageInstall") && !sent.contains("timeout"), "{sent}");
}

#[test]
fn ctrl_c_says_what_goes_on_in_the_guest() {
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(|_| Vec::new()));
    let mut command = infinictl(&["package", "install", "nginx", "--socket"]);
    let child = command.arg(&guest.path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !guest.lines().join("").contains("PackageInstall") {
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130);
    assert!(err(&output).contains("interrupted; the guest continues: "), "{}", err(&output));
}

#[test]
fn a_bug_report_is_an_archive_that_tar_reads_and_holds_no_secret() {
    let guest = FakeGuest::proper();
    let archive = guest.path.with_file_name("report.tar.gz");
    let output =
        infinictl(&["bugreport", "--output"]).arg(&archive).arg("--socket").arg(&guest.path).output();
    let output = output.unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("infinictl-bugreport/metrics.json ("), "{}", out(&output));
    let tar = std::process::Command::new("tar").arg("-xzOf").arg(&archive).output().unwrap();
    assert!(tar.status.success(), "{tar:?}");
    let text = String::from_utf8(tar.stdout).unwrap();
    assert!(text.contains("system_metrics") && !text.contains("postgres: checkpointer"), "{text}");
    let again = infinictl(&["bugreport", "--output"]).arg(&archive).arg("--socket").arg(&guest.path).output();
    assert_eq!(code(&again.unwrap()), 1);
}

#[test]
fn what_keeps_checks_from_being_made_is_unknown_to_nagios() {
    let output = infinictl(&["--socket", "/nonexistent/s", "autochecks", "--nagios"]).output().unwrap();
    assert_eq!(code(&output), 3);
    assert!(out(&output).starts_with("INFINISERVICE UNKNOWN - cannot reach the guest"), "{}", out(&output));
}

#[test]
fn a_guest_that_wants_a_secret_is_told_at_once_with_the_option_for_it() {
    let refuse = |_: &Value| {
        let error = "the line is not signed, but shared_secret is set: only signed lines are accepted";
        vec![
            serde_json::json!({"type": "error", "error": error, "error_code": "SIGNATURE_INVALID"})
                .to_string(),
        ]
    };
    for command in [&["hello"][..], &["ping", "--count", "2"], &["process", "list"]] {
        let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(refuse));
        // Far longer than the test may take: the answer does not wait for it.
        let output = on(&guest, &[command, &["--wait", "3600"]].concat());
        assert_eq!(code(&output), 1, "{command:?}");
        let said = err(&output);
        assert!(said.contains("only signed lines are accepted (SIGNATURE_INVALID)"), "{said}");
        assert!(said.contains("--secret-file, which names the file"), "{said}");
    }
}

#[test]
fn a_refusal_of_a_predecessors_line_spoils_no_answer() {
    let script = |message: &Value| {
        let mut lines = crate::support::answers::proper(message);
        lines.insert(0, r#"{"type":"error","error":"not signed","error_code":"SIGNATURE_INVALID"}"#.into());
        lines
    };
    let guest = FakeGuest::scripted(b"\n".to_vec(), Box::new(script));
    assert_eq!(code(&on(&guest, &["hello"])), 0);
}

/// A guest whose change outlives its time: `TIMEOUT` first, and when asked for it the last time in `states`, one by one.
fn slow_change(states: &'static [&'static str]) -> FakeGuest {
    let mut left = states.iter();
    FakeGuest::scripted(
        b"\n".to_vec(),
        Box::new(move |message: &Value| {
            let id = message["id"].as_str().unwrap_or_default();
            if message["command_type"]["action"] != "PackageChangeStatus" {
                let mut answer: Value = serde_json::from_str(&crate::support::answers::failed(
                    id,
                    "PackageInstall",
                    "TIMEOUT",
                    "still running",
                ))
                .unwrap();
                answer["data"] = serde_json::json!({"still_running": true, "id": id});
                return vec![answer.to_string()];
            }
            let state = left.next().copied().unwrap_or("running");
            let asked = message["command_type"]["id"].as_str().unwrap_or_default();
            let mut change = serde_json::json!({
                "id": asked, "command_type": "PackageInstall", "package": "nginx", "state": state,
                "started_at": "2026-11-29T00:00:00.000Z", "seconds": 700, "outlived_timeout": true,
            });
            match state {
                "succeeded" => {
                    change["result"] = serde_json::json!({
                        "package": "nginx", "manager": "apt", "version_after": "2", "changed": true,
                        "reboot_required": false,
                    });
                }
                "failed" => change["error"] = "its script failed".into(),
                _ => {}
            }
            vec![crate::support::answers::ok(
                id,
                "PackageChangeStatus",
                &serde_json::json!({"running": state == "running", "changes": [change]}),
            )]
        }),
    )
}

#[test]
fn wait_stays_with_a_change_that_outlives_its_time() {
    let guest = slow_change(&["running", "succeeded"]);
    let output = on(&guest, &["package", "install", "nginx", "--wait", "3600"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(out(&output), "nginx 2 is now installed\n");
    let sent = guest.lines();
    let install: Value = serde_json::from_str(&sent[0]).unwrap();
    let question: Value = serde_json::from_str(&sent[1]).unwrap();
    assert_eq!(question["command_type"]["id"], install["id"], "it asks for its own change");
    let failed = on(&slow_change(&["failed"]), &["package", "install", "nginx", "--wait", "3600"]);
    assert_eq!((code(&failed), err(&failed).contains("its script failed")), (1, true), "{}", err(&failed));
}

#[test]
fn a_change_that_outlives_its_time_is_told_with_the_way_to_look_after_it() {
    for patience in [&[][..], &["--wait", "0.3"]] {
        let guest = slow_change(&[]);
        let output = on(&guest, &[&["package", "install", "nginx"], patience].concat());
        assert_eq!(code(&output), 4);
        let install: Value = serde_json::from_str(&guest.lines()[0]).unwrap();
        let look = format!("`infinictl package status --id {}`", install["id"].as_str().unwrap());
        assert!(err(&output).contains(&look), "{}", err(&output));
    }
}

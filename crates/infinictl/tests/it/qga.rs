//! What `infinictl qga` promises, against a fake `qemu-ga` that may be slow, silent, noisy or hostile.

use crate::command::{code, err, infinictl, out};
use crate::support::qga::{FakeQga, Script, line, serve};
use infinictl::client::{Endpoint, pty};
use infinictl::qga::{Guest, QgaError, Request, Silence};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixListener;
use std::process::Output;
use std::sync::Mutex;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// The command on an agent, to its end.
fn on(agent: &FakeQga, args: &[&str]) -> Output {
    infinictl(&["--socket", agent.path.to_str().unwrap(), "qga"]).args(args).output().unwrap()
}

fn failure(class: &str, desc: &str) -> FakeQga {
    FakeQga::writing(&line(&json!({ "error": { "class": class, "desc": desc } })))
}

#[test]
fn each_command_asks_for_its_own_with_its_arguments_and_shows_the_answer() {
    let execute = |name: &str| json!({ "execute": name });
    let with = |name: &str, arguments: Value| json!({ "execute": name, "arguments": arguments });
    let address = json!([{"ip-address": "192.0.2.7", "ip-address-type": "ipv4", "prefix": 24}]);
    let cases: Vec<(&[&str], Value, Value, &str)> = vec![
        (&["ping"], execute("guest-ping"), json!({}), "answer from the socket"),
        (
            &["info"],
            execute("guest-info"),
            json!({"version": "11.1.0", "supported_commands": [{"name": "guest-exec", "enabled": false}]}),
            "11.1.0",
        ),
        (
            &["osinfo"],
            execute("guest-get-osinfo"),
            json!({"pretty-name": "Debian GNU/Linux 13", "future": {}}),
            "Debian GNU/Linux 13",
        ),
        (
            &["interfaces"],
            execute("guest-network-get-interfaces"),
            json!([{"name": "eth0", "ip-addresses": address}]),
            "192.0.2.7/24",
        ),
        (
            &["fsinfo"],
            execute("guest-get-fsinfo"),
            json!([{"name": "vda1", "mountpoint": "/srv", "type": "xfs", "disk": []}]),
            "/srv",
        ),
        (
            &["users"],
            execute("guest-get-users"),
            json!([{"user": "ann", "login-time": 1.5}]),
            "1970-01-01 00:00:01",
        ),
        (
            &["time"],
            execute("guest-get-time"),
            json!(1_000_000_000_000_000_000_i64),
            "2001-09-09 01:46:40 UTC",
        ),
        (&["fsfreeze", "status"], execute("guest-fsfreeze-status"), json!("frozen"), "frozen"),
        (&["fsfreeze", "freeze"], execute("guest-fsfreeze-freeze"), json!(3), "3 file systems are frozen"),
        (
            &["fsfreeze", "freeze", "--mountpoint", "/srv", "--mountpoint", "/home"],
            with("guest-fsfreeze-freeze-list", json!({"mountpoints": ["/srv", "/home"]})),
            json!(2),
            "2 file systems are frozen",
        ),
        (&["fsfreeze", "thaw"], execute("guest-fsfreeze-thaw"), json!(1), "1 file system was thawed"),
        (
            &["fstrim", "--minimum", "4096"],
            with("guest-fstrim", json!({"minimum": 4096})),
            json!({"paths": [{"path": "/", "trimmed": 1536}]}),
            "1.5 KiB",
        ),
        (
            &["raw", r#"{"execute":"guest-get-load","id":7}"#],
            json!({"execute": "guest-get-load", "id": 7}),
            json!(4),
            "4",
        ),
    ];
    for (args, request, result, shown) in cases {
        let agent = FakeQga::returning(result.clone());
        let output = on(&agent, args);
        assert_eq!((code(&output), err(&output).as_str()), (0, ""), "{args:?}");
        assert!(out(&output).contains(shown), "{args:?}: {}", out(&output));
        assert!(agent.requests().iter().all(|asked| *asked == request), "{args:?}: {:?}", agent.requests());
        let document = on(&agent, &[&["--json"][..], args].concat());
        let document: Value = serde_json::from_str(&out(&document)).unwrap();
        assert_eq!(document, json!({ "return": result }), "{args:?}");
    }
}

#[test]
fn what_stood_in_the_port_before_is_passed_over() {
    let stale =
        b"{\"return\": {\"version\": \"stale\"}}\n{\"error\": {}}\n\xff{\"return\": 7}\n\n\0half a li";
    let script: Script =
        Box::new(|_| Some(b"\r\n{\"event\": \"x\"}\n{\"return\": {\"version\": \"fresh\"}}\r\n".to_vec()));
    let output = on(&FakeQga::new(stale, script), &["info"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("fresh") && !out(&output).contains("stale"), "{}", out(&output));
}

#[test]
fn a_refusal_is_told_by_its_class_and_shown_unchanged_to_programs() {
    let off = failure("CommandNotFound", "Command guest-exec has been disabled");
    let output = on(&off, &["exec", "/bin/true"]);
    assert_eq!(code(&output), 1);
    assert!(err(&output).contains("the guest does not carry out guest-exec: Command guest-exec has been"));
    assert!(err(&output).contains("infinictl qga info shows what is on"), "{}", err(&output));
    let failed = failure("GenericError", "failed to open /x: Permission denied");
    let output = on(&failed, &["fsfreeze", "freeze"]);
    assert_eq!(code(&output), 1);
    assert_eq!(
        err(&output),
        "infinictl: guest-fsfreeze-freeze failed: failed to open /x: Permission denied (GenericError)\n"
    );
    let raw: &[&str] = &["raw", r#"{"execute":"guest-fsfreeze-freeze"}"#];
    for args in [&["--json", "fsfreeze", "freeze"][..], raw, &["--json", "shutdown"]] {
        let output = on(&failed, args);
        let document: Value = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!((code(&output), &document["error"]["class"]), (1, &json!("GenericError")), "{args:?}");
    }
}

#[test]
fn silence_exits_4_and_says_whether_an_agent_is_there() {
    let nobody = tempfile::tempdir().unwrap();
    let path = nobody.path().join("qga.sock");
    let _deaf = UnixListener::bind(&path).unwrap();
    let output = infinictl(&["qga", "ping", "--wait", "0.1", "--socket"]).arg(&path).output().unwrap();
    assert_eq!(code(&output), 4);
    assert!(err(&output).contains("received nothing; check that infiniservice"), "{}", err(&output));
    let deaf = FakeQga::writing(b"");
    let output = on(&deaf, &["--wait", "0.5", "fsfreeze", "freeze"]);
    assert_eq!(code(&output), 4);
    assert!(err(&output).contains("no answer to guest-fsfreeze-freeze"), "{}", err(&output));
    assert!(err(&output).contains("the agent is alive and may still carry it out"), "{}", err(&output));
}

#[test]
fn a_channel_of_another_protocol_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"{\"type\":\"error\",\"error_code\":\"INVALID_UTF8\"}\n").unwrap();
        std::io::copy(&mut stream, &mut std::io::sink())
    });
    let output = infinictl(&["qga", "ping", "--wait", "0.5", "--socket"]).arg(&path).output().unwrap();
    assert_eq!(code(&output), 4);
    assert!(err(&output).contains("bytes came that are no answer"), "{}", err(&output));
}

#[test]
fn an_endless_line_and_one_that_is_no_answer_are_refused() {
    // Without a mark all is dropped as it comes, until the time is over.
    for (before, exit, said) in [(&b""[..], 4, "are no answer"), (&b"\xff"[..], 1, "has more than 10 MiB")] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("qga.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let before = before.to_vec();
        let flood = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&before).unwrap();
            while stream.write_all(&[b'x'; 8 << 10]).is_ok() {}
        });
        let output = infinictl(&["qga", "ping", "--wait", "1", "--socket"]).arg(&path).output().unwrap();
        assert_eq!(code(&output), exit, "{}", err(&output));
        assert!(err(&output).contains(said), "{}", err(&output));
        flood.join().unwrap();
    }
    let many = format!("{{\"return\": [{}]}}\n", vec!["{}"; 400_000].join(","));
    for wrong in ["hello\n", "[true]\n", "{\"return\": \n", "{\"return\": \"\u{fffd}\n", &many] {
        let output = on(&FakeQga::writing(wrong.as_bytes()), &["interfaces"]);
        assert_eq!(code(&output), 1, "{}", err(&output));
        assert!(err(&output).contains("cannot be parsed"), "{}", err(&output));
    }
    let other = on(&FakeQga::returning(json!({"version": 5})), &["info"]);
    assert_eq!(code(&other), 1);
    assert!(err(&other).contains("--json shows it unchanged"), "{}", err(&other));
}

#[test]
fn a_connection_that_ends_exits_3_but_is_what_a_shutdown_wants() {
    let leaving = FakeQga::new(b"", Box::new(|_| None));
    let output = on(&leaving, &["info"]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("ended before the answer to guest-info"), "{}", err(&output));
    let output = on(&leaving, &["shutdown", "--mode", "reboot"]);
    assert_eq!((code(&output), err(&output).as_str()), (0, ""));
    assert!(out(&output).contains("the connection ended"), "{}", out(&output));
    let asked = leaving.requests();
    assert_eq!(asked[1], json!({"execute": "guest-shutdown", "arguments": {"mode": "reboot"}}));
    let staying = FakeQga::writing(b"");
    let output = on(&staying, &["--json", "--wait", "0.2", "raw", r#"{"execute":"guest-suspend-ram"}"#]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let document: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(document["connection_ended"], false);
    assert_eq!(code(&on(&failure("GenericError", "no"), &["shutdown"])), 1);
}

#[test]
fn a_programs_output_comes_out_where_it_wrote_it_and_its_failure_is_one() {
    let mut questions = 0;
    let ended = json!({"exited": true, "exitcode": 3, "out-data": "aGkbWzJKCg==", "err-data": "ZXJyCg==",
        "err-truncated": true});
    let script: Script = Box::new(move |asked| {
        questions += 1;
        let result = match questions {
            1 => json!({"pid": 1001}),
            2 | 3 => json!({"exited": false}),
            _ => ended.clone(),
        };
        assert_eq!(asked["execute"] == "guest-exec", questions == 1);
        Some(line(&json!({ "return": result })))
    });
    let agent = FakeQga::new(b"", script);
    let output = on(&agent, &["exec", "--env", "A=b", "/bin/ls", "--json", "-l"]);
    assert_eq!((code(&output), out(&output).as_str()), (1, "hi\\u{1b}[2J\n"));
    assert_eq!(
        err(&output),
        "err\ninfinictl: the guest truncated the program's standard error\ninfinictl: /bin/ls ended with exit code 3\n"
    );
    let asked = agent.requests();
    let wanted = json!({"path": "/bin/ls", "arg": ["--json", "-l"], "env": ["A=b"], "capture-output": true});
    assert_eq!(asked[0]["arguments"], wanted);
    assert_eq!((asked.len(), &asked[3]["arguments"]), (4, &json!({"pid": 1001})));
}

#[test]
fn a_program_that_does_not_end_is_left_alone_and_named() {
    let script: Script = Box::new(|_| Some(line(&json!({ "return": {"pid": 1001, "exited": false} }))));
    let output = on(&FakeQga::new(b"", script), &["--wait", "0.3", "exec", "/bin/sleep", "9"]);
    assert_eq!(code(&output), 4);
    assert!(err(&output).contains("/bin/sleep continues in the guest"), "{}", err(&output));
    assert!(err(&output).contains("\"pid\":1001"), "{}", err(&output));
}

#[test]
fn a_hostile_agent_reaches_neither_terminal_nor_program_raw() {
    let evil = "\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{202e}\n\rx";
    let clean = |text: &str| !text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r']);
    let told = FakeQga::returning(json!([{"name": evil, "user": evil, "mountpoint": evil, "type": evil}]));
    let refused = failure(evil, evil);
    for agent in [&told, &refused] {
        for args in
            [&["interfaces"][..], &["users"], &["fsinfo"], &["--json", "users"], &["fsfreeze", "status"]]
        {
            let output = on(agent, args);
            assert!(clean(&out(&output)) && clean(&err(&output)), "{args:?}: {output:?}");
            assert!(!output.stdout.is_empty() || !output.stderr.is_empty());
        }
    }
}

#[test]
fn wrong_usage_exits_2_and_a_missing_socket_3() {
    let agent = FakeQga::returning(json!({}));
    let wrong: [&[&str]; 6] = [
        &["raw", "guest-ping"],
        &["raw", r#"{"execute":"guest-ping""#],
        &["shutdown", "--mode", "sleep"],
        &["fstrim", "--minimum", "-1"],
        &["exec"],
        &["ping", "--secret-file", "/dev/null"],
    ];
    for args in wrong {
        assert_eq!(code(&on(&agent, args)), 2, "{args:?}");
    }
    assert_eq!(code(&infinictl(&["--local", "qga", "ping"]).output().unwrap()), 2);
    assert!(agent.requests().is_empty(), "nothing of that was sent");
    let output = infinictl(&["--socket", "/nonexistent/qga.sock", "qga", "ping"]).output().unwrap();
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("there is no such socket"), "{}", err(&output));
}

#[tokio::test]
async fn a_guest_on_a_pseudo_terminal_is_synced_again_after_a_late_answer() {
    let pair = pty::open().unwrap();
    let port = File::options().read(true).write(true).open(&pair.path).unwrap();
    let mut count = 0;
    let mut script: Script = Box::new(move |_| {
        count += 1;
        // The first answer never comes as a whole; its rest comes before the second sync's.
        Some(if count == 1 { b"{\"return\": ".to_vec() } else { line(&json!({ "return": count })) })
    });
    std::thread::spawn(move || {
        let writer = port.try_clone().unwrap();
        let _host_gone = serve(port, writer, b"1}\n", &mut script, &Mutex::default());
    });
    let mut guest = Guest::connect(Endpoint::Pty(pair.master), LONG).await.unwrap();
    let request = Request::new("guest-get-time", Value::Null);
    let late = guest.call(&request, Duration::from_millis(100)).await;
    assert!(matches!(late, Err(QgaError::TimedOut { .. })), "{late:?}");
    assert_eq!(guest.call(&request, LONG).await.unwrap().read::<i64>(), Ok(2));
    assert_eq!(guest.tell(&request, LONG).await.unwrap(), Silence::Kept);
}

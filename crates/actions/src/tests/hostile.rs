//! What no host should send: each parameter of each action with text that would mean something to a program, a shell or a
//! path, with numbers out of range, and with values of other types. All of it is refused by name before anything is begun.

use super::*;

/// Parameters that hold a name, with what else the action needs.
const NAMES: [(&str, &str, &str); 10] = [
    ("ServiceList", "state", "{}"),
    ("ServiceControl", "operation", r#"{"service":"cron"}"#),
    ("PackageInstall", "package", "{}"),
    ("PackageUpdate", "package", "{}"),
    ("PackageRemove", "package", "{}"),
    ("ProcessList", "sort_by", "{}"),
    ("Autochecks", "checks", "{}"),
    ("DiskCleanup", "targets", "{}"),
    ("WindowsUpdateInstall", "kb_articles", "{}"),
    ("WindowsDefenderScan", "scan_type", "{}"),
];
/// Of these the parameter is an array of names.
const LISTS: [&str; 3] = ["checks", "targets", "kb_articles"];
/// Options, shells' characters, paths, control characters, look-alikes.
const HOSTILE: [&str; 24] = [
    "",
    " ",
    "-oAPT::Update::Pre-Invoke::=id",
    "--root=/tmp/x",
    "-y",
    "cron;id",
    "cron&&id",
    "cron|id",
    "$(id)",
    "`id`",
    "${IFS}id",
    "cron>x",
    "cron*",
    "'cron'",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    "cron/../ssh",
    "cron ssh",
    "cron\nssh",
    "cron\0",
    "\u{1b}[2Jcron",
    "\u{202e}norc",
    "\u{441}ron",
];
/// Parameters that hold yes or no, with what else the action needs.
const FLAGS: [(&str, &str, &str); 3] = [
    ("ProcessKill", "force", r#"{"pid":7}"#),
    ("UpdateInstall", "security_only", "{}"),
    ("DiskCleanup", "dry_run", "{}"),
];
/// Parameters that hold a number.
const NUMBERS: [(&str, &str); 6] = [
    ("ProcessKill", "pid"),
    ("PackageList", "limit"),
    ("ProcessList", "limit"),
    ("ApplicationInventory", "limit"),
    ("Autochecks", "warning_percent"),
    ("DiskCleanup", "older_than_days"),
];

fn with(rest: &str, parameter: &str, value: Value) -> Value {
    let mut params: Value = serde_json::from_str(rest).unwrap();
    params[parameter] = value;
    params
}

impl PackageSession {
    /// The refusal names the parameter, and nothing was begun. What exists on the other system only is refused as that.
    async fn assert_refused(&mut self, action: &str, parameter: &str, params: &Value) {
        let shown: String = params.to_string().chars().take(200).collect();
        // An id of its own, or an earlier answer would be given again.
        self.ask(&format!("{action} {shown}"), action, params, None);
        let answer = self.answer().await;
        let error = answer.error.unwrap_or_default();
        let elsewhere = if std::env::consts::OS == "windows" { "Update" } else { "Windows" };
        if action.starts_with(elsewhere) && answer.error_code == Some(ErrorCode::Unsupported) {
            return;
        }
        assert_eq!(answer.error_code, Some(ErrorCode::InvalidParameter), "{action} {shown}: {error}");
        assert!(error.contains(parameter), "{action} {shown}: {error:?} does not name {parameter}");
        assert!(error.len() < 1500 && !error.contains(char::is_control), "{action} {shown}: {error:?}");
        let begun = (self.machine.begun.load(Ordering::SeqCst), self.machine.scans.load(Ordering::SeqCst));
        assert_eq!(begun, (0, 0), "{action} {shown}");
        let requests = self.machine.requests.lock().unwrap();
        assert!(requests.is_empty(), "{action} {shown} ran {requests:?}");
    }

    /// A good command after all of them.
    async fn assert_well(&mut self) {
        self.list("good");
        assert!(self.answer().await.success);
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_a_program_a_shell_or_a_path_would_take_otherwise_are_refused() {
    let mut desk = PackageSession::open();
    let long = "x".repeat(10_000);
    for (action, parameter, rest) in NAMES {
        for hostile in HOSTILE.into_iter().chain([long.as_str()]) {
            let value = if LISTS.contains(&parameter) { json!(["x", hostile]) } else { json!(hostile) };
            desk.assert_refused(action, parameter, &with(rest, parameter, value)).await;
        }
    }
    desk.assert_well().await;
}

/// What the service manager's side checks itself: other systems have other alphabets.
#[cfg(target_os = "linux")]
#[test]
fn the_same_are_no_names_of_units() {
    for hostile in HOSTILE {
        let refused = infiniservice_platform::systemd::name::UnitName::parse(hostile)
            .map(|name| name.as_str().to_owned());
        assert!(refused.is_err(), "{hostile:?} became {refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn values_of_other_types_are_refused() {
    let mut desk = PackageSession::open();
    let service = ("ServiceControl", "service", r#"{"operation":"start"}"#);
    for (action, parameter, rest) in NAMES.into_iter().chain([service]).chain(FLAGS) {
        for wrong in [json!(7), json!(-1), json!(1e308), json!({}), json!({"x": []}), json!([[]]), json!([7])]
        {
            desk.assert_refused(action, parameter, &with(rest, parameter, wrong)).await;
        }
    }
    desk.assert_well().await;
}

#[tokio::test(start_paused = true)]
async fn numbers_out_of_range_are_refused() {
    let mut desk = PackageSession::open();
    for (action, parameter) in NUMBERS {
        for wrong in [
            json!(-1),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e308),
            json!("7"),
            json!([7]),
            json!({"n": 7}),
        ] {
            desk.assert_refused(action, parameter, &with("{}", parameter, wrong)).await;
        }
    }
    desk.assert_well().await;
}

#[tokio::test(start_paused = true)]
async fn variables_that_come_with_a_safe_command_reach_no_program() {
    let mut desk = PackageSession::open();
    let evil = json!({"PATH": "/tmp/evil", "LD_PRELOAD": "/tmp/evil/x.so"});
    desk.ask("a", "PackageList", &json!({"env_vars": evil, "PATH": "/tmp/evil"}), None);
    desk.answer().await;
    let requests = desk.machine.requests.lock().unwrap().concat();
    assert!(requests.contains("dpkg-query") && !requests.contains("evil"), "{requests}");
}

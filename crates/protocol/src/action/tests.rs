//! What the reading of actions promises.

use super::*;
use crate::ErrorCode;
use proptest::prelude::*;
use serde_json::{Value, json};

fn parse(name: &str, params: &Value) -> Result<Action, ParamError> {
    Action::parse(name, params.as_object().expect("test parameters are an object"))
}

#[test]
fn every_action_is_read_with_all_its_parameters() {
    let cases = [
        ("ServiceList", json!({"state": "RUNNING"}), json!({"state": "running"})),
        (
            "ServiceControl",
            json!({"service": "ssh.service", "operation": "Restart"}),
            json!({"service": "ssh.service", "operation": "restart"}),
        ),
        (
            "ServiceLogs",
            json!({"service": " Service Control Manager ", "lines": 5, "priority": "ERR", "since": "1h 30min", "until": ""}),
            json!({"service": "Service Control Manager", "lines": 5, "priority": "err", "since": "1h 30min"}),
        ),
        ("PackageList", json!({"limit": 10.0, "filter": "vim"}), json!({"limit": 10, "filter": "vim"})),
        (
            "PackageSearch",
            json!({"query": " web server ", "limit": 20}),
            json!({"query": "web server", "limit": 20}),
        ),
        ("PackageInstall", json!({"package": "vim"}), json!({"package": "vim"})),
        ("PackageUpdate", json!({"package": "vim:amd64"}), json!({"package": "vim:amd64"})),
        (
            "PackageRemove",
            json!({"package": "vim=2:9.0", "cascade": true}),
            json!({"package": "vim=2:9.0", "cascade": true}),
        ),
        ("PackageChangeStatus", json!({"id": "cmd-7"}), json!({"id": "cmd-7"})),
        ("ProcessList", json!({"sort_by": "name", "filter": ""}), json!({"sort_by": "name"})),
        ("ProcessKill", json!({"pid": 4_000, "force": true}), json!({"pid": 4_000, "force": true})),
        ("UserList", json!({"limit": 3, "filter": "ada"}), json!({"limit": 3, "filter": "ada"})),
        (
            "ScriptRun",
            json!({"execution_id": " e-1 ", "script": "\r\nid\n", "shell": "BASH", "timeout_secs": 60}),
            json!({"execution_id": "e-1", "script": "\r\nid\n", "shell": "bash", "timeout_secs": 60}),
        ),
        ("ScriptStatus", json!({"execution_id": "e-1"}), json!({"execution_id": "e-1"})),
        ("ScriptRemove", json!({"execution_id": "e-1"}), json!({"execution_id": "e-1"})),
        ("UpdateCheck", json!({}), json!({})),
        ("UpdateInstall", json!({}), json!({"security_only": false})),
        ("UpdateHistory", json!({"limit": 20}), json!({"limit": 20})),
        ("WindowsUpdateCheck", json!({"unknown": 1}), json!({})),
        (
            "WindowsUpdateInstall",
            json!({"kb_articles": ["kb5034441", "5034442"]}),
            json!({"kb_articles": ["KB5034441", "KB5034442"]}),
        ),
        ("WindowsDefenderStatus", json!({}), json!({})),
        ("WindowsDefenderScan", json!({}), json!({"scan_type": "quick"})),
        ("ApplicationInventory", json!({"limit": null}), json!({})),
        (
            "Autochecks",
            json!({"checks": ["disk_space"], "warning_percent": 80}),
            json!({"checks": ["disk_space"], "warning_percent": 80.0}),
        ),
        (
            "DiskCleanup",
            json!({"targets": ["temp"], "older_than_days": 0}),
            json!({"targets": ["temp"], "older_than_days": 0, "dry_run": false}),
        ),
        (
            "PrepareGoldenImage",
            json!({"cleanup_level": "DEEP", "shutdown_after": true}),
            json!({"cleanup_level": "deep", "sanitize_user_data": false, "shutdown_after": true}),
        ),
        (
            "JoinDomain",
            json!({"domain": "lab.example", "username": "LAB\\ops", "password": "p w", "ou": ""}),
            json!({"domain": "lab.example", "username": "LAB\\ops", "password": "p w", "restart_after": false}),
        ),
        ("ConfigReload", json!({}), json!({})),
        ("Shutdown", json!({}), json!({})),
        ("Reboot", json!({"unknown": true}), json!({})),
    ];
    for (name, params, expected) in &cases {
        let action = parse(name, params).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut expected = expected.clone();
        expected["action"] = json!(name);
        assert_eq!(serde_json::to_value(&action).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Action>(expected).unwrap(), action);
        assert_eq!(action.name().name(), *name);
    }
    assert_eq!(cases.len(), ActionName::ALL.len());
}

#[test]
fn a_wrong_parameter_is_named_with_what_it_got_and_what_is_allowed() {
    let cases = [
        ("ServiceList", json!({"state": "happy"}), "`state` must be one of running, stopped"),
        ("ServiceControl", json!({"operation": "start"}), "`service` is missing"),
        (
            "ServiceControl",
            json!({"service": "ssh"}),
            "`operation` is missing; it must be one of start, stop",
        ),
        ("ServiceControl", json!({"service": "ssh", "operation": "kill"}), "not the string \"kill\""),
        (
            "ServiceControl",
            json!({"service": 5, "operation": "start"}),
            "`service` must be a string, not the number 5",
        ),
        ("ServiceLogs", json!({"lines": 5}), "`service` is missing; it must be a string"),
        ("ServiceLogs", json!({"service": " "}), "`service` must not be empty"),
        ("ServiceLogs", json!({"service": "a\nb"}), "`service` must not contain control characters"),
        ("ServiceLogs", json!({"service": "a", "lines": 1001}), "`lines` must be an integer from 1 to 1000"),
        ("ServiceLogs", json!({"service": "a", "priority": "bad"}), "`priority` must be one of emerg, alert"),
        ("ServiceLogs", json!({"service": "a", "since": "today"}), "`since` must be a time such as 2026"),
        ("ServiceLogs", json!({"service": "a", "until": 5}), "`until` must be a string, not the number 5"),
        ("PackageSearch", json!({"limit": 1}), "`query` is missing; it must be a string"),
        ("PackageSearch", json!({"query": "a\u{7}"}), "`query` must not contain control characters"),
        ("PackageSearch", json!({"query": "x".repeat(257)}), "at most 256 characters long, not 257"),
        ("PackageSearch", json!({"query": "a", "limit": 201}), "`limit` must be an integer from 1 to 200"),
        ("PackageInstall", json!({"package": ""}), "`package` must not be empty"),
        ("PackageInstall", json!({"package": "-o=x"}), "`package` must not start with -"),
        ("PackageInstall", json!({"package": "a b"}), "must not contain white space"),
        ("PackageInstall", json!({"package": "a\u{0}b"}), "control characters, not \"a\\u{0}b\""),
        ("PackageInstall", json!({"package": "../etc"}), "must not contain /"),
        ("PackageInstall", json!({"package": "x".repeat(257)}), "at most 256 characters long, not 257"),
        ("PackageInstall", json!({"package": ["vim"]}), "`package` must be a string, not an array"),
        ("PackageList", json!({"limit": 0}), "`limit` must be an integer from 1 to 100000, not the number 0"),
        ("PackageList", json!({"limit": -1}), "not the number -1"),
        ("PackageList", json!({"limit": u64::MAX}), "not the number 18446744073709551615"),
        ("PackageList", json!({"limit": 1e308}), "`limit` must be an integer"),
        ("PackageList", json!({"limit": "10"}), "not the string \"10\""),
        ("PackageList", json!({"filter": "a\u{1b}[2J"}), "`filter` must not contain control characters"),
        ("ProcessKill", json!({}), "`pid` is missing; it must be an integer from 1 to 2147483647"),
        ("ProcessKill", json!({"pid": 0}), "`pid` must be an integer from 1"),
        ("ProcessKill", json!({"pid": 1, "force": "yes"}), "`force` must be true or false"),
        (
            "WindowsUpdateInstall",
            json!({"kb_articles": []}),
            "must have 1 to 100 items; omit it for all, not 0",
        ),
        (
            "WindowsUpdateInstall",
            json!({"kb_articles": ["KB1;x"]}),
            "`kb_articles` must contain only letters",
        ),
        ("WindowsUpdateInstall", json!({"kb_articles": ["KBx"]}), "such as KB5034441"),
        ("WindowsDefenderScan", json!({"scan_type": "custom"}), "one of quick, full"),
        ("Autochecks", json!({"warning_percent": 0}), "a number greater than 0 and at most 100"),
        (
            "Autochecks",
            json!({"warning_percent": 90, "critical_percent": 80}),
            "be greater than `warning_percent` (90)",
        ),
        ("DiskCleanup", json!({"targets": "temp"}), "`targets` must be a list of strings"),
        ("DiskCleanup", json!({"older_than_days": 3651}), "from 0 to 3650"),
        ("DiskCleanup", json!({"dry_run": 1}), "`dry_run` must be true or false"),
        ("UpdateInstall", json!({"security_only": "true"}), "`security_only` must be true or false"),
    ];
    for (name, params, text) in cases {
        let error = parse(name, &params).expect_err(name);
        assert_eq!(error.code, ErrorCode::InvalidParameter);
        assert!(error.message.contains(text), "{name} {params}: {error}");
        assert!(error.message.contains(error.parameter.unwrap()));
    }
}

#[test]
fn an_unknown_action_is_named_beside_the_known_ones() {
    let error = parse("FormatDisk\u{1b}", &json!({})).unwrap_err();
    assert_eq!((error.code, error.parameter), (ErrorCode::UnknownAction, None));
    assert!(
        error.message.contains("\"FormatDisk\\u{1b}\"") && error.message.contains("DiskCleanup"),
        "{error}"
    );
}

#[test]
fn what_only_tells_changes_nothing() {
    for name in ActionName::ALL {
        assert!(!(name.is_read_only() && name.changes_packages()), "{name}");
        assert!((1..=3600).contains(&name.default_timeout_secs()), "{name}");
        assert_eq!(ActionName::from_name(name.name()), Some(name));
        assert_eq!(name.name().starts_with("Windows"), name.platforms() == Platforms::Windows);
    }
    let status = parse("ServiceControl", &json!({"service": "a", "operation": "status"})).unwrap();
    let dry_run = parse("DiskCleanup", &json!({"dry_run": true})).unwrap();
    let cleanup = parse("DiskCleanup", &json!({})).unwrap();
    assert!(status.is_read_only() && dry_run.is_read_only() && !cleanup.is_read_only());
}

proptest! {
    #[test]
    fn no_accepted_name_can_be_an_option_a_path_or_two_words(name in any::<String>()) {
        if let Ok(Action::PackageInstall { package, .. }) = parse("PackageInstall", &json!({"package": name})) {
            prop_assert!(!package.is_empty() && !package.starts_with('-') && !package.contains('/'));
            prop_assert!(!package.chars().any(|c| c.is_whitespace() || c.is_control()));
            prop_assert_eq!(package, name);
        }
    }
}

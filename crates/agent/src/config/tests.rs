//! What the layers promise together.

use super::field::{Apply, Value};
use super::*;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct World {
    directory: TempDir,
    sources: Sources,
}

/// Sources with nothing in them but a directory for files.
fn world() -> World {
    let directory = tempfile::tempdir().expect("a directory");
    let default_file = directory.path().join("config.toml");
    let sources = Sources { default_file, config_flag: None, environment: Vec::new(), flags: Vec::new() };
    World { directory, sources }
}

impl World {
    fn file(self, text: &str) -> Self {
        fs::write(&self.sources.default_file, text).expect("written");
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, flag: &str, name: &str, text: &str) -> Self {
        self.sources.flags.push(FlagValue { flag: flag.into(), name: name.into(), text: text.into() });
        self
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    fn loaded(&self) -> Loaded {
        self.sources.load().unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// The messages, with the directory's name taken out.
    fn errors(&self) -> Vec<String> {
        let errors = self.sources.load().expect_err("something is wrong");
        let directory = self.directory.path().join("").display().to_string();
        errors.0.iter().map(|error| error.to_string().replace(&directory, "")).collect()
    }
}

#[test]
fn every_declaration_has_a_valid_default_of_its_type() {
    let loaded = world().loaded();
    assert_eq!(loaded.settings.min_backoff_secs, 5);
    assert!(FIELDS.iter().all(|field| *loaded.merged.origin(field.name) == Origin::Default));
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let settings = world().loaded().settings;
    assert_eq!(settings.limits(), infiniservice_protocol::limits::Limits::default());
    assert_eq!((settings.min_backoff_secs, settings.max_backoff_secs), (5, 300));
    assert_eq!((settings.connection_timeout_secs, settings.read_timeout_ms), (10, 500));
    assert_eq!((settings.keep_alive_interval_secs, settings.keep_alive_timeout_secs), (30, 60));
    assert_eq!((settings.collection_interval_secs, settings.degraded_interval_secs), (30, 120));
    assert_eq!((settings.health_check_interval_secs, settings.initial_collection_tries), (60, 5));
    assert_eq!((settings.circuit_breaker_failure_threshold, settings.circuit_breaker_open_secs), (15, 60));
    assert_eq!(
        (settings.circuit_breaker_half_open_calls, settings.circuit_breaker_success_threshold),
        (5, 2)
    );
    assert!(!settings.allow_unsafe_commands && !settings.require_virtio && settings.device_path.is_none());
}

#[test]
fn a_later_source_overrides_an_earlier_one() {
    let all = world()
        .file("max_ports = 1\nmax_processes = 1\nvm_id = \"from-file\"\n")
        .variable("INFINISERVICE_MAX_PROCESSES", "2")
        .variable("INFINISERVICE_VM_ID", "from-variable")
        .flag("--vm-id", "vm_id", "from-flag");
    let loaded = all.loaded();
    assert_eq!((loaded.settings.max_ports, loaded.settings.max_processes), (1, 2));
    assert_eq!(loaded.settings.vm_id.as_deref(), Some("from-flag"));
    assert_eq!(*loaded.merged.origin("max_ports"), Origin::File { path: all.path(), line: 1 });
    assert_eq!(loaded.merged.origin("max_processes").to_string(), "variable INFINISERVICE_MAX_PROCESSES");
    assert_eq!(loaded.merged.origin("vm_id").to_string(), "flag --vm-id");
}

#[test]
fn the_machines_name_also_comes_from_infinibay_but_its_own_variable_is_stronger() {
    let infinibay = world().variable("INFINIBAY_VM_ID", "a");
    assert_eq!(infinibay.loaded().settings.vm_id.as_deref(), Some("a"));
    assert_eq!(infinibay.loaded().merged.origin("vm_id").to_string(), "variable INFINIBAY_VM_ID");
    let both = world().variable("INFINISERVICE_VM_ID", "b").variable("INFINIBAY_VM_ID", "a");
    assert_eq!(both.loaded().settings.vm_id.as_deref(), Some("b"));
}

#[test]
fn tags_come_from_each_source_and_an_empty_list_takes_them_back() {
    let tags = |world: World| {
        let tags = world.loaded().settings.tags;
        tags.map(|tags| tags.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())
    };
    let file = || world().file("tags = [\"env=prod\", \"note=a, b\"]\n");
    assert_eq!(tags(world()), None);
    assert_eq!(tags(file()), Some(vec!["env=prod".into(), "note=a, b".into()]));
    let variable = file().variable("INFINISERVICE_TAGS", "tier=web, role=db");
    assert_eq!(tags(variable), Some(vec!["role=db".into(), "tier=web".into()]));
    assert_eq!(tags(file().flag("--set", "tags", "env=test")), Some(vec!["env=test".into()]));
    assert_eq!(tags(file().variable("INFINISERVICE_TAGS", "")), Some(vec![]));
}

#[test]
fn a_wrong_tag_is_told_with_its_source_and_what_is_allowed() {
    for (list, problem) in [
        ("[\"env\"]", "must be a list of NAME=VALUE, but \"env\" is not NAME=VALUE"),
        ("[\"a=1\", \"a=2\"]", "must be a list of NAME=VALUE, but the tag a is there twice"),
        (
            "[7]",
            "must be a list of at most 32 texts NAME=VALUE: a name has 1 to 64 letters of ASCII, digits, \"_\", \".\" \
          and \"-\", a letter first, a value 1 to 128 bytes without control characters",
        ),
    ] {
        let errors = world().file(&format!("tags = {list}\n")).errors();
        assert_eq!(errors, [format!("config.toml:1: tags = {list}: {problem}")]);
    }
}

#[test]
fn a_wrong_value_names_its_source_itself_and_what_is_allowed() {
    let wrong = world()
        .file("# a comment\nread_timeout_ms = \"500\"\nrequire_virtio = 1\n\nmax_ports = -1\n")
        .variable("INFINISERVICE_MIN_BACKOFF_SECS", "5s")
        .flag("--log-level", "log_level", "loud");
    assert_eq!(
        wrong.errors(),
        [
            "config.toml:2: read_timeout_ms = \"500\": must be a whole number of milliseconds from 10 to 60000, without quotes",
            "config.toml:3: require_virtio = 1: must be true or false",
            "config.toml:5: max_ports = -1: must be a whole number from 0 to 100000",
            "variable INFINISERVICE_MIN_BACKOFF_SECS: min_backoff_secs = \"5s\": must be a whole number of seconds from 1 to 3600",
            "flag --log-level: log_level = \"loud\": must be one of error, warn, info, debug, trace",
        ]
    );
}

#[test]
fn a_wrong_value_is_reported_even_where_a_stronger_source_overrides_it() {
    let wrong = world().file("max_ports = \"many\"\n").flag("--set", "max_ports", "5");
    assert_eq!(wrong.errors().len(), 1);
}

#[test]
fn an_unknown_name_is_refused_with_the_likely_one() {
    let wrong = world()
        .file("min_backof_secs = 5\n[link]\nvm_id = \"x\"\n")
        .variable("INFINISERVICE_VMID", "x")
        .flag("--set", "colour", "red");
    assert_eq!(
        wrong.errors(),
        [
            "config.toml:1: unknown setting \"min_backof_secs\"; did you mean min_backoff_secs?",
            "config.toml:2: unknown setting \"link\"",
            "variable INFINISERVICE_VMID: unknown setting \"INFINISERVICE_VMID\"; did you mean vm_id?",
            "flag --set: unknown setting \"colour\"",
        ]
    );
}

#[test]
fn every_fault_of_syntax_is_named_with_its_line() {
    let errors = world().file("max_ports = 5\nmax_ports = 6\nvm_id = \"open\n").errors();
    assert!(errors.iter().any(|error| error.starts_with("config.toml:3: is not TOML")), "{errors:?}");
}

#[test]
fn the_same_key_twice_is_refused() {
    let errors = world().file("max_ports = 5\nmax_ports = 6\n").errors();
    assert!(errors.iter().any(|error| error.starts_with("config.toml:2: is not TOML")), "{errors:?}");
}

#[test]
fn the_default_file_may_be_missing_but_a_named_one_not() {
    assert_eq!(world().loaded().file, None);
    let mut flag = world();
    flag.sources.config_flag = Some(flag.directory.path().join("named.toml"));
    assert_eq!(flag.errors(), ["named.toml: does not exist"]);
    let variable = world().variable("INFINISERVICE_CONFIG", "/nonexistent/named.toml");
    assert_eq!(variable.errors(), ["/nonexistent/named.toml: does not exist"]);
}

#[test]
fn a_file_that_is_none_or_too_long_or_not_text_is_refused() {
    let mut directory = world();
    directory.sources.config_flag = Some(directory.directory.path().into());
    assert!(directory.sources.load().is_err_and(|e| e.to_string().ends_with("is not a regular file")));
    assert_eq!(world().file(&"#".repeat(2 << 20)).errors(), ["config.toml: is longer than 1048576 bytes"]);
    let bytes = world();
    fs::write(bytes.path(), b"vm_id = \"\xff\"").expect("written");
    assert_eq!(bytes.errors(), ["config.toml: is not UTF-8 at byte 9"]);
}

#[test]
fn settings_that_do_not_go_together_are_refused_with_both_sources() {
    let backoff = world().file("min_backoff_secs = 400\n");
    assert_eq!(
        backoff.errors(),
        ["min_backoff_secs = 400 (config.toml:1) must not exceed max_backoff_secs = 300 (default): \
          the delay grows from the first to the second"]
    );
    let heartbeat = world().variable("INFINISERVICE_KEEP_ALIVE_TIMEOUT_SECS", "10");
    assert!(heartbeat.errors()[0].contains("keep_alive_interval_secs = 30 (default) must not exceed"));
    let virtio = world().flag("--no-virtio", "no_virtio", "true").file("require_virtio = true\n");
    assert!(
        virtio.errors()[0]
            .starts_with("require_virtio (config.toml:1) and no_virtio (flag --no-virtio) exclude")
    );
}

#[test]
fn a_setting_already_reported_is_not_reported_again_as_a_conflict() {
    let wrong = world().file("min_backoff_secs = 99999\nmax_backoff_secs = 3\n");
    assert_eq!(wrong.errors().len(), 1);
}

#[test]
fn aggressive_retry_shortens_the_backoff_unless_told_otherwise_at_least_as_strongly() {
    let backoff = |world: World| {
        let settings = world.loaded().settings;
        (settings.min_backoff_secs, settings.max_backoff_secs)
    };
    let aggressive = |world: World| world.flag("--aggressive-retry", "aggressive_retry", "true");
    assert_eq!(backoff(aggressive(world())), (2, 30));
    assert_eq!(
        backoff(aggressive(world().file("max_backoff_secs = 200\n"))),
        (2, 30),
        "the flag is stronger"
    );
    assert_eq!(backoff(world().file("aggressive_retry = true\nmax_backoff_secs = 20\n")), (2, 20));
    let origin = aggressive(world()).loaded().merged.origin("min_backoff_secs").to_string();
    assert_eq!(origin, "aggressive_retry (flag --aggressive-retry)");
}

#[test]
fn a_misspelt_action_in_a_policy_is_refused_for_it_would_block_nothing() {
    let wrong =
        world().file("blocked_actions = [\"PackageInstal\"]\n").variable("INFINISERVICE_ALLOWED_ACTIONS", "");
    let errors = wrong.errors();
    assert!(
        errors[0].contains("names \"PackageInstal\", which is not an action; did you mean PackageInstall?"),
        "{errors:?}"
    );
    let metrics = world().file("blocked_actions = [\"Metrics\"]\n").errors();
    for wanted in [
        "\"Metrics\", which is not an action (it is always answered)",
        "the actions are ServiceList, ",
        ", UnsafeCommand",
    ] {
        assert!(metrics[0].contains(wanted), "{metrics:?}");
    }
    assert!(errors[1].contains("must name at least one action"), "{errors:?}");
    let right = world().variable("INFINISERVICE_ALLOWED_ACTIONS", "ServiceList, ProcessList");
    assert_eq!(
        right.loaded().settings.allowed_actions,
        Some(vec!["ServiceList".into(), "ProcessList".into()])
    );
}

#[test]
fn the_secret_is_shown_nowhere() {
    let secret = "correct-horse-battery";
    let loaded = world().variable("INFINISERVICE_SHARED_SECRET", secret).loaded();
    assert_eq!(loaded.settings.shared_secret.as_ref().map(Secret::expose), Some(secret));
    let shown = [render::print_text(&loaded), render::print_json(&loaded), format!("{:?}", loaded.settings)];
    assert!(shown.iter().all(|text| !text.contains(secret)));
    let short = world().variable("INFINISERVICE_SHARED_SECRET", "hunter2").errors();
    assert_eq!(
        short,
        [
            "variable INFINISERVICE_SHARED_SECRET: shared_secret = (not shown): must be 16 to 1024 printable ASCII characters without spaces"
        ]
    );
}

#[test]
fn a_reload_takes_over_what_may_change_and_names_the_rest() {
    let world = world().file("collection_interval_secs = 30\n");
    let mut loaded = world.loaded();
    fs::write(world.path(), "collection_interval_secs = 10\nmax_line_bytes = 5000\nlog_level = \"debug\"\n")
        .expect("written");
    let reloaded = loaded.reload().expect("valid");
    assert_eq!(reloaded.applied, ["collection_interval_secs", "log_level"]);
    assert_eq!(reloaded.names_waiting(), ["max_line_bytes"]);
    assert_eq!((loaded.settings.collection_interval_secs, loaded.settings.max_line_bytes), (10, 1 << 20));
    assert_eq!(*loaded.merged.origin("max_line_bytes"), Origin::Default, "what is shown is what holds");
}

#[test]
fn what_goes_with_a_setting_that_waits_waits_with_it() {
    let world = world().file("");
    let mut loaded = world.loaded();
    let small = "max_outgoing_line_bytes = 1048576\noutbox_max_bytes = 1048576\n";
    fs::write(world.path(), small).expect("written");
    let reloaded = loaded.reload().expect("valid");
    assert_eq!(reloaded.names_waiting(), ["max_outgoing_line_bytes", "outbox_max_bytes"]);
    assert!(reloaded.applied.is_empty());
    fs::write(world.path(), "outbox_max_bytes = 8388608\n").expect("written");
    assert_eq!(loaded.reload().expect("valid").applied, ["outbox_max_bytes"]);
}

#[test]
fn whatever_must_be_in_order_changes_together_or_is_held_together() {
    let is_live = |name: &str| FIELDS.iter().any(|field| field.name == name && field.apply == Apply::Live);
    for (low, high, _) in table::ORDERED {
        let held = (*low, *high) == ("max_outgoing_line_bytes", "outbox_max_bytes");
        assert!(held || (is_live(low) && is_live(high)), "{low} and {high}: see Settings::held_back");
    }
}

#[test]
fn a_reload_of_something_wrong_changes_nothing() {
    let world = world().file("collection_interval_secs = 20\n");
    let mut loaded = world.loaded();
    fs::write(world.path(), "collection_interval_secs = 0\n").expect("written");
    assert!(loaded.reload().is_err());
    assert_eq!(loaded.settings.collection_interval_secs, 20);
}

#[test]
fn the_printed_configuration_is_a_configuration_file_that_means_the_same() {
    let first = world()
        .file("vm_id = \"a\"\ntags = [\"a=\\\"b\\\", c\"]\nblocked_actions = [\"DiskCleanup\"]\ndevice_path = \"/dev/\\\"q\\\"\"\n")
        .loaded();
    let second = world().file(&render::print_text(&first)).loaded();
    assert_eq!(first.settings, second.settings);
    assert!(render::print_text(&first).contains("config.toml:3\n"));
}

#[test]
fn the_printed_json_has_every_setting_with_its_origin() {
    let text = render::print_json(&world().variable("INFINISERVICE_MAX_PORTS", "9").loaded());
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let settings = json["settings"].as_array().expect("an array");
    assert_eq!(settings.len(), FIELDS.len());
    let ports = settings.iter().find(|setting| setting["name"] == "max_ports").expect("there");
    assert_eq!(
        (ports["value"].as_u64(), ports["origin"]["name"].as_str()),
        (Some(9), Some("INFINISERVICE_MAX_PORTS"))
    );
}

#[test]
fn names_carry_their_unit_and_documentation_is_sentences() {
    for field in FIELDS {
        assert!(field.doc.trim().ends_with('.'), "{}", field.name);
        assert_eq!(field.variable(), format!("INFINISERVICE_{}", field.name.to_uppercase()));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_of_a_file_or_variable_makes_the_reader_fail_otherwise_than_by_a_message(text in ".{0,200}") {
        let _ = file::parse(Path::new("x"), &text);
        for field in FIELDS {
            match field.parse(&text) {
                Ok(Value::Integer(number)) => proptest::prop_assert!(field.integer(number).is_ok()),
                Ok(_) => {}
                Err(problem) => proptest::prop_assert!(problem.starts_with("must") || problem.starts_with("names")),
            }
        }
        let environment = [(OsString::from("INFINISERVICE_X"), OsString::from(&text))];
        proptest::prop_assert_eq!(environment::read(&environment).errors.len(), 1);
    }
}

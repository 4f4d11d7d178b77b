//! Every setting of the table, changed while the agent runs: the part that it concerns has the new value, or the answer says that it
//! waits for a restart, and why. A new setting has to be entered here.

use super::agent::{Agent, Turn};
use super::qga::Plan;
use super::settling::Cause;
use super::wiring;
use crate::config::field::{Apply, Value};
use crate::config::{FIELDS, Sources, own_files};
use infiniservice_channel::transport::NoTransport;
use infiniservice_link::{Action, Event, PortEvent};
use infiniservice_platform::clock::{Clock, Now};
use infiniservice_protocol::data::ConfigReloadData;
use infiniservice_protocol::envelope::Signer;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

/// A clock that stands still.
#[derive(Clone)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Duration::from_secs(60), wall: UNIX_EPOCH + Duration::from_secs(1_700_000_000) }
    }
}

type Subject = Agent<NoTransport, Still>;
/// What a part says of itself.
type Part = fn(&mut Subject) -> String;

const LINK_SETTINGS: Part = |agent| format!("{:?}", agent.link.settings());
/// All parts of the link, without the settings that they were made from.
const LINK: Part = |agent| {
    let all = format!("{:?}", agent.link);
    all.split_once(", connection: ").map(|(_, parts)| parts.to_owned()).expect("its first part")
};
const SIGNED: Part = |agent| {
    let line = Signer::new(NEW_SECRET).sign(1_700_000_000_000, "n", r#"{"type":"Hello"}"#) + "\n";
    let mut actions = Vec::new();
    for event in [PortEvent::Opened { path: "p", host: Some(true) }, PortEvent::Read(line.as_bytes())] {
        agent.link.handle(Still.now(), Event::Port(event), &mut actions);
    }
    actions.iter().any(|action| matches!(action, Action::Deliver(_))).to_string()
};
const SCHEDULE: Part = |agent| format!("{:?}", agent.schedule);
const ADAPTIVE: Part = |agent| format!("{:?}", agent.adaptive);
const COLLECTOR: Part = |agent| format!("{:?}", agent.sources.collector().bounds());
const COMMANDS: Part = |agent| format!("{:?}", agent.executor.settings());
const HELLO: Part = |agent| format!("{:?}", agent.hello());
const PLUGINS: Part = |agent| format!("{:?} {:?}", agent.plugins_capability(), agent.plugin_limits());
const QGA: Part = |agent| agent.qga.as_ref().map(|qga| qga.shown()).unwrap_or_default();
const LOG: Part = |_| log::max_level().to_string();
const WATCH: Part = |agent| agent.reloading.watches().to_string();
const END: Part = |agent| format!("{:?}", agent.config.settings.shutdown_timeout());
/// A setting without effect is at least told as it is.
const TOLD: Part = |agent| agent.config.settings.read_timeout_ms.to_string();

/// What becomes of a change.
enum Effect {
    Seen(&'static [Part]),
    Waits,
}

use Effect::{Seen, Waits};

/// Each setting, another value of it, and what becomes of that. `DIR` stands for the test's directory.
const EFFECTS: &[(&str, &str, Effect)] = &[
    ("device_path", "\"/dev/vport9p9\"", Waits),
    ("bulk", "false", Waits),
    ("bulk_port", "\"/dev/vport9p7\"", Waits),
    ("require_virtio", "true", Waits),
    ("no_virtio", "true", Waits),
    ("min_backoff_secs", "7", Seen(&[LINK])),
    ("max_backoff_secs", "200", Seen(&[LINK])),
    ("aggressive_retry", "true", Seen(&[LINK])),
    ("connection_timeout_secs", "11", Seen(&[LINK_SETTINGS])),
    ("read_timeout_ms", "501", Seen(&[TOLD])),
    ("keep_alive_interval_secs", "20", Seen(&[LINK])),
    ("keep_alive_timeout_secs", "90", Seen(&[LINK])),
    ("disable_device_monitoring", "true", Waits),
    ("validate_connection", "true", Seen(&[LINK_SETTINGS])),
    ("compression", "false", Waits),
    ("circuit_breaker_failure_threshold", "3", Seen(&[LINK])),
    ("circuit_breaker_open_secs", "61", Seen(&[LINK])),
    ("circuit_breaker_half_open_calls", "4", Seen(&[LINK])),
    ("circuit_breaker_success_threshold", "3", Seen(&[LINK])),
    ("collection_interval_secs", "20", Seen(&[SCHEDULE])),
    ("degraded_interval_secs", "100", Seen(&[SCHEDULE])),
    ("adaptive_collection", "true", Seen(&[ADAPTIVE])),
    ("adaptive_min_secs", "6\nadaptive_collection = true", Seen(&[ADAPTIVE])),
    ("adaptive_max_secs", "100\nadaptive_collection = true", Seen(&[ADAPTIVE])),
    ("initial_collection_tries", "3", Seen(&[SCHEDULE])),
    ("initial_collection_interval_secs", "3", Seen(&[SCHEDULE])),
    ("health_check_interval_secs", "61", Seen(&[SCHEDULE])),
    ("shutdown_timeout_secs", "16", Seen(&[END])),
    ("max_line_bytes", "4096", Waits),
    ("max_outgoing_line_bytes", "1048576", Waits),
    ("outbox_max_bytes", "8388608", Seen(&[LINK, COMMANDS, HELLO])),
    ("max_output_bytes", "1024", Waits),
    ("max_command_timeout_secs", "3601", Seen(&[COMMANDS, HELLO])),
    ("max_queued_commands", "65", Seen(&[COMMANDS, HELLO])),
    ("max_concurrent_commands", "9", Seen(&[COMMANDS, HELLO])),
    ("max_processes", "7", Seen(&[COLLECTOR, HELLO])),
    ("max_ports", "7", Seen(&[COLLECTOR, HELLO])),
    ("max_interfaces", "7", Seen(&[COLLECTOR])),
    ("max_file_systems", "7", Seen(&[COLLECTOR])),
    ("max_cmd_line_bytes", "7", Seen(&[COLLECTOR])),
    ("network_mount_timeout_ms", "7", Seen(&[COLLECTOR])),
    ("replay_window_secs", "601", Seen(&[COMMANDS, HELLO])),
    ("vm_id", "\"vm-2\"", Seen(&[HELLO])),
    ("tags", "[\"env=prod\"]", Seen(&[HELLO])),
    ("shared_secret", "\"fedcba9876543210\"", Seen(&[SIGNED])),
    ("shared_secret_file", "\"DIR/secret\"", Waits),
    ("controller_keys", "\"DIR/keys\"", Waits),
    ("sealed_key_file", "\"/x/sealed.key\"", Waits),
    ("plain_metrics", "false\ncontroller_keys = \"DIR/keys\"", Waits),
    ("plain_reads", "false\ncontroller_keys = \"DIR/keys\"", Waits),
    ("allow_unsafe_commands", "true", Seen(&[COMMANDS, HELLO])),
    ("allow_scripts", "true", Seen(&[COMMANDS, HELLO])),
    ("scripts_dir", "\"DIR/scripts\"", Waits),
    ("plugins_dir", "\"DIR/plugins\"", Seen(&[PLUGINS])),
    ("plugins_textfile_dir", "\"DIR/figures\"", Seen(&[PLUGINS])),
    ("allow_seal", "true", Seen(&[COMMANDS, HELLO])),
    ("allow_domain_join", "true", Seen(&[COMMANDS, HELLO])),
    ("allow_config_reload", "true", Seen(&[COMMANDS, HELLO])),
    ("reload_on_change", "true", Seen(&[WATCH])),
    ("allowed_actions", "[\"ServiceList\"]", Seen(&[COMMANDS, HELLO])),
    ("blocked_actions", "[\"ProcessKill\"]", Seen(&[COMMANDS, HELLO])),
    ("qga", "\"false\"", Waits),
    ("qga_port", "\"/dev/vport9p8\"", Waits),
    ("qga_commands", "\"all\"", Seen(&[QGA])),
    ("qga_allow_exec", "true", Seen(&[QGA])),
    ("qga_allow_files", "true", Seen(&[QGA])),
    ("qga_allow_passwords", "true", Seen(&[QGA])),
    ("qga_allow_ssh_keys", "true", Seen(&[QGA])),
    ("qga_block", "[\"guest-suspend-disk\"]", Seen(&[QGA])),
    ("qga_fsfreeze_hook", "\"/usr/local/bin/hook\"", Seen(&[QGA])),
    ("qga_freeze_max_secs", "601", Seen(&[QGA])),
    ("qga_max_request_bytes", "65536", Waits),
    ("wire_profile", "\"infinibay\"", Waits),
    ("allow_unsigned", "true", Waits),
    ("log_level", "\"warn\"", Seen(&[LOG])),
];

const NEW_SECRET: &str = "fedcba9876543210";

/// What the agent starts with.
const BASE: [(&str, &str); 3] =
    [("qga", "\"true\""), ("shared_secret", "\"0123456789abcdef\""), ("vm_id", "\"vm-1\"")];

/// What is wrong with the configuration is the process's to know, not an agent's: one of them is there at a time.
static ALONE: Mutex<()> = Mutex::new(());

struct World {
    directory: TempDir,
    agent: Subject,
    _alone: MutexGuard<'static, ()>,
}

fn private(path: &Path, text: &str) {
    let mut file = own_files::create_private(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

fn base_without(names: &[&str]) -> String {
    let kept = BASE.iter().filter(|(name, _)| !names.contains(name));
    kept.flat_map(|(name, value)| [name, " = ", value, "\n"]).collect()
}

impl World {
    /// An agent that has just started.
    fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = tempfile::tempdir().expect("a directory");
        private(&directory.path().join("config.toml"), &base_without(&[]));
        private(&directory.path().join("secret"), "fedcba9876543210\n");
        private(
            &directory.path().join("keys"),
            "ops-2 PR1CzlcMeICAzAXTD/RvIGPuzdoV76jJGMnz+uz6tUs= monitor\n",
        );
        let sources = Sources {
            default_file: directory.path().join("config.toml"),
            config_flag: None,
            environment: Vec::new(),
            flags: Vec::new(),
        };
        let loaded = sources.load().unwrap_or_else(|errors| panic!("{errors}"));
        let plan = Plan::of(&loaded.settings).map(|plan| (plan, NoTransport));
        let agent = wiring::agent(loaded, NoTransport, plan, None, Still).expect("an agent");
        Self { directory, agent, _alone: alone }
    }

    fn write(&self, text: &str) {
        let directory = self.directory.path().display().to_string();
        fs::write(self.directory.path().join("config.toml"), text.replace("DIR", &directory))
            .expect("written");
    }

    /// Has the configuration read again, as the command does; its answer.
    fn reload(&mut self) -> Result<ConfigReloadData, String> {
        let mut told = self.agent.reloading.asker();
        self.agent.reload(Cause::Asked);
        told.try_recv().expect("answered at once")
    }
}

#[tokio::test]
async fn each_setting_holds_at_once_or_is_said_to_wait_with_its_reason() {
    for (name, value, effect) in EFFECTS {
        let field = FIELDS.iter().find(|field| field.name == *name).unwrap_or_else(|| panic!("no {name}"));
        let mut world = World::new();
        let parts = if let Seen(parts) = effect { *parts } else { &[] };
        let before: Vec<_> = parts.iter().map(|part| part(&mut world.agent)).collect();
        let taken_out = if *name == "shared_secret_file" { "shared_secret" } else { name };
        world.write(&format!("{}{name} = {value}\n", base_without(&[taken_out])));
        let data = world.reload().unwrap_or_else(|why| panic!("{name}: {why}"));
        let reason =
            data.waiting.iter().find(|waiting| waiting.setting == *name).map(|it| it.reason.as_str());
        match field.apply {
            Apply::Live => {
                assert!(data.applied.iter().any(|applied| applied == name), "{name}: {data:?}");
                assert!(reason.is_none() && !parts.is_empty(), "{name}");
                for (part, before) in parts.iter().zip(before) {
                    assert!(part(&mut world.agent) != before, "{name} changes nothing of {before}");
                }
            }
            Apply::Restart(why) => {
                assert!(matches!(effect, Waits), "{name} is said to wait");
                assert_eq!(reason, Some(why), "{name}");
                assert!(!data.applied.iter().any(|applied| applied == name), "{name}");
            }
        }
    }
}

#[test]
fn every_setting_of_the_table_is_in_the_test_and_in_its_order() {
    let tested: Vec<_> = EFFECTS.iter().map(|(name, ..)| *name).collect();
    let declared: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
    assert_eq!(tested, declared);
}

#[tokio::test]
async fn a_wrong_value_of_any_setting_leaves_everything_as_it_was_and_the_answer_names_it() {
    let mut world = World::new();
    let all = [LINK_SETTINGS, LINK, SCHEDULE, COLLECTOR, COMMANDS, QGA, WATCH, END];
    let shown = |world: &mut World| all.map(|part| part(&mut world.agent));
    let before = shown(&mut world);
    for field in FIELDS {
        let rest = base_without(&[field.name]);
        world.write(&format!("{rest}max_processes = 7\n{} = [1.5]\n", field.name));
        if field.name == "max_processes" {
            world.write(&format!("{rest}max_ports = 7\nmax_processes = [1.5]\n"));
        }
        let why = world.reload().expect_err(field.name);
        assert!(why.contains(field.name) && why.contains("stays in force"), "{why}");
        assert_eq!(shown(&mut world), before, "{}", field.name);
        assert!(world.agent.hello().configuration_error.is_some());
    }
    world.write(&base_without(&[]));
    assert_eq!(world.reload(), Ok(ConfigReloadData::default()));
    assert!(world.agent.hello().configuration_error.is_none());
}

#[tokio::test]
async fn a_setting_that_waits_is_shown_as_it_is_in_force() {
    let mut world = World::new();
    world.write(&format!("{}max_line_bytes = 4096\n", base_without(&[])));
    world.reload().expect("valid");
    let shown = world.agent.config.merged.get("max_line_bytes");
    assert_eq!(shown, Some(&Value::Integer(1 << 20)));
    assert_eq!(world.reload().expect("valid").waiting.len(), 1, "it goes on waiting");
}

#[tokio::test]
async fn a_file_that_is_gone_for_a_moment_does_not_bring_the_defaults() {
    let mut world = World::new();
    fs::remove_file(world.directory.path().join("config.toml")).expect("removed");
    world.agent.reload(Cause::Changed);
    assert_eq!(world.agent.config.settings.vm_id.as_deref(), Some("vm-1"));
    // Who asks for it gets them.
    world.reload().expect("valid");
    assert_eq!(world.agent.config.settings.vm_id, None);
}

/// All that the agent has for its host now.
fn written(agent: &mut Subject) -> String {
    let mut all = Vec::new();
    loop {
        let bytes = agent.link.pending_write(Still.now()).to_vec();
        if bytes.is_empty() {
            return String::from_utf8(all).expect("text");
        }
        agent.link.handle(Still.now(), Event::Port(PortEvent::Wrote(bytes.len())), &mut Vec::new());
        all.extend(bytes);
    }
}

#[tokio::test]
async fn a_host_that_is_there_is_told_of_changed_tags_and_of_no_other_change() {
    let mut world = World::new();
    let opened = Event::Port(PortEvent::Opened { path: "p", host: Some(true) });
    world.agent.link.handle(Still.now(), opened, &mut Vec::new());
    written(&mut world.agent);
    let mut told_after = |more: &str| {
        world.write(&format!("{}{more}", base_without(&[])));
        world.reload().expect("valid");
        written(&mut world.agent)
    };
    assert_eq!(told_after("max_processes = 7\n"), "");
    let told = told_after("max_processes = 7\ntags = [\"env=prod\"]\n");
    assert!(told.starts_with(r#"{"type":"hello","#) && told.lines().count() == 1, "{told}");
    assert!(told.contains(r#""vm_id":"vm-1","tags":{"env":"prod"},"#), "{told}");
    assert!(!told_after("tags = []\n").contains("\"tags\""), "none of them is as if they were not set");
}

#[tokio::test]
async fn a_changed_file_is_read_without_being_asked_for_while_the_setting_is_on() {
    let mut world = World::new();
    assert!(!world.agent.reloading.watches());
    world.write(&format!("{}reload_on_change = true\n", base_without(&[])));
    world.reload().expect("valid");
    world.write(&format!("{}reload_on_change = true\nmax_ports = 7\n", base_without(&[])));
    let wanted = world.agent.reloading.wanted().await;
    world.agent.take(Turn::Reload(wanted));
    let due = world.agent.reloading.settling.deadline().expect("it settles");
    assert!(due > Still.now().mono && world.agent.config.settings.max_ports == 500);
    assert_eq!(
        world.agent.reloading.settling.take_due(Still.now().mono + Duration::from_secs(1)),
        Some(Cause::Changed)
    );
    world.agent.reload(Cause::Changed);
    assert_eq!(world.agent.config.settings.max_ports, 7);
    world.write(&base_without(&[]));
    world.agent.reload(Cause::Changed);
    assert!(!world.agent.reloading.watches());
}

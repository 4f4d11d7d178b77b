//! `infinictl fleet show`: one machine, or one hub with its machines.

use super::list;
use crate::cli::error::CliError;
use crate::cli::output::{Output, facts};
use crate::fleet::{Board, Seen};
use infiniservice_fleet::HubPresence;
use infiniservice_protocol::timestamp::rfc3339_millis;
use serde_json::json;
use std::time::{Duration, UNIX_EPOCH};

/// Whom.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// A machine, or a hub
    name: String,
}

/// Runs it.
pub(super) fn run(board: &Board, args: &Args, out: Output) -> Result<(), CliError> {
    let (vm, hub) = (board.find(&args.name), board.hubs().find(|(hub, _)| hub.hub == args.name));
    match (vm, hub) {
        (Some(seen), _) if out.json => out.document(&seen.document().to_string()),
        (Some(seen), _) => out.text(&machine(&seen)),
        (None, Some((hub, _))) if out.json => out.document(&json!(hub).to_string()),
        (None, Some((hub, _))) => {
            let machines: Vec<_> = board.of_hub(&args.name).collect();
            out.text(&format!("{}\n\n{}", of_hub(hub), list::table(&machines, out)))
        }
        (None, None) => Err(CliError::Failed(format!(
            "the fleet has no machine or hub named {}; `infinictl fleet list` shows all",
            args.name
        ))),
    }
}

fn machine(seen: &Seen<'_>) -> String {
    let vm = seen.vm;
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let percent = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0} %"));
    let mut all = vec![
        ("machine", vm.vm.clone()),
        ("hub", vm.hub.clone()),
        ("state", seen.state.to_owned()),
        ("since", time(vm.since_ms)),
        ("system", text(&vm.os)),
        ("version", text(&vm.os_version)),
        ("address", text(&vm.address)),
        ("agent", text(&vm.agent_version)),
        ("load5", vm.load5.map_or_else(|| "-".to_owned(), |load| format!("{load:.2}"))),
        ("memory", percent(vm.memory_used_percent)),
        ("fullest disk", percent(vm.fullest_disk_percent)),
        ("told", time(vm.at_ms)),
    ];
    if !vm.tags.is_empty() {
        let tags: Vec<_> = vm.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.push(("tags", tags.join(", ")));
    }
    match list::remark(seen) {
        remark if remark.is_empty() => {}
        remark => all.push(("remark", remark)),
    }
    facts(&all)
}

fn of_hub(hub: &HubPresence) -> String {
    facts(&[
        ("hub", hub.hub.clone()),
        ("role", hub.role.clone()),
        ("version", hub.version.clone()),
        ("since", time(hub.since_ms)),
        ("machines", hub.vms.to_string()),
        ("connected", hub.connected.to_string()),
    ])
}

fn time(at_ms: u64) -> String {
    rfc3339_millis(UNIX_EPOCH.checked_add(Duration::from_millis(at_ms)).unwrap_or(UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use infiniservice_fleet::VmPresence;

    #[test]
    fn a_machine_is_told_with_where_it_was_and_what_is_not_known_is_a_dash() {
        let tags = [("env".to_owned(), "prod".to_owned())].into();
        let vm = VmPresence {
            vm: "web".into(),
            hub: "host-2".into(),
            tags,
            load5: Some(1.0),
            ..VmPresence::default()
        };
        let seen = Seen { vm: &vm, state: "up", moved_from: Some("host-1"), claimed_by: None };
        let shown = machine(&seen);
        for wanted in [
            "state         up",
            "system        -",
            "load5         1.00",
            "tags          env=prod",
            "moved from host-1",
        ] {
            assert!(shown.contains(wanted), "{wanted}:\n{shown}");
        }
    }

    #[test]
    fn hostile_words_are_harmless() {
        let evil = || Some(EVIL.to_owned());
        let tags = [(EVIL.to_owned(), EVIL.to_owned())].into();
        let vm = VmPresence {
            vm: EVIL.into(),
            os: evil(),
            address: evil(),
            tags,
            at_ms: u64::MAX,
            ..VmPresence::default()
        };
        assert_harmless(&machine(&Seen { vm: &vm, state: EVIL, moved_from: Some(EVIL), claimed_by: None }));
    }
}

//! `infinictl fleet list`: the machines of all hosts, a line each, or the hubs.

use crate::cli::error::CliError;
use crate::cli::output::{Columns, Output, number, optional, state, text};
use crate::fleet::{Board, Seen};
use infiniservice_fleet::{HubPresence, VmPresence};
use infiniservice_hub_core::Which;
use infiniservice_hub_core::selector::{Found, TAG};
use serde_json::json;

/// What a hub tells of a machine: the selectors' keys that can be asked for here, beside those of tags.
const KNOWN: &[&str] = &["name", "os", "version", "agent", "state", "memory", "disk", "load5"];

/// Which machines, and how.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// Which machines: names with `*`, or a selector of name, os, version, agent, state, memory, disk, load5 and tags, such
    /// as os=debian,load5>4 or tag.env=prod. A job may use all keys of selectors: its hubs know more than they tell here
    #[arg(value_name = "SELECTOR", default_value = "all", value_parser = which)]
    selector: Which,
    /// List the hubs instead
    #[arg(long, conflicts_with = "names")]
    hubs: bool,
    /// Print only the names, one per line
    #[arg(long)]
    names: bool,
    /// Only machines of this hub
    #[arg(long = "on", id = "on_hub", value_name = "HUB")]
    hub: Option<String>,
}

/// Reads a selector of what is known here.
pub(super) fn which(text: &str) -> Result<Which, String> {
    let which = Which::parse(text)?;
    let is_known = |key: &&str| KNOWN.contains(key) || key.starts_with(TAG);
    match which.keys().into_iter().find(|key| !is_known(key)).map(str::to_owned) {
        Some(key) => Err(format!(
            "`{key}` is known to the hubs only; here there are {} and {TAG}NAME",
            KNOWN.join(", ")
        )),
        None => Ok(which),
    }
}

/// Whether a machine is meant.
pub(super) fn is_meant(which: &Which, seen: &Seen<'_>) -> bool {
    which.means(&seen.vm.vm, &|key| known(seen.vm, seen.state, key))
}

fn known<'a>(vm: &'a VmPresence, state: &'a str, key: &str) -> Found<'a> {
    let text = |text: &'a Option<String>| Found::text(text.as_deref().unwrap_or_default());
    match key {
        "name" => Found::text(&vm.vm),
        "os" => text(&vm.os),
        "version" => text(&vm.os_version),
        "agent" => text(&vm.agent_version),
        "state" => Found::text(state),
        "memory" => Found::number(vm.memory_used_percent),
        "disk" => Found::number(vm.fullest_disk_percent),
        "load5" => Found::number(vm.load5),
        _ => match key.strip_prefix(TAG).and_then(|tag| vm.tags.get(tag)) {
            Some(value) => Found::text(value),
            None => Found::Unknown,
        },
    }
}

/// Runs it.
pub(super) fn run(board: &Board, args: &Args, out: Output) -> Result<(), CliError> {
    if args.hubs {
        return hubs(board, out);
    }
    let is_on = |seen: &Seen<'_>| args.hub.as_ref().is_none_or(|hub| seen.vm.hub == *hub);
    let seen: Vec<_> = board.seen().filter(|seen| is_on(seen) && is_meant(&args.selector, seen)).collect();
    if args.names {
        return out.text(&seen.iter().map(|seen| seen.vm.vm.as_str()).collect::<Vec<_>>().join("\n"));
    }
    if out.json {
        return seen.iter().try_for_each(|seen| out.document(&seen.document().to_string()));
    }
    let up = seen.iter().filter(|seen| seen.state == "up").count();
    let hubs = board.hubs().count();
    out.text(&format!(
        "{}\n{up} of {} machines are up; {}{}",
        table(&seen, out),
        seen.len(),
        counted(hubs, "hub"),
        odd(board)
    ))
}

/// What nobody could read.
fn odd(board: &Board) -> String {
    match board.unreadable() {
        0 => String::new(),
        count => format!("; {count} entries cannot be read, or stand in another hub's place"),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Machines as a table.
pub(super) fn table(seen: &[Seen<'_>], out: Output) -> String {
    let headings =
        ["name", "hub", "state", "address", "os", "load5", "memory", "fullest disk", "agent", "remark"];
    let mut table = Columns::new(out, &headings);
    for seen in seen {
        let vm = seen.vm;
        table.row([
            text(&vm.vm),
            text(&vm.hub),
            state(seen.state),
            text(word(vm.address.as_ref())),
            text(&system(vm)),
            optional(vm.load5.map(|load| format!("{load:.2}"))),
            number(percent(vm.memory_used_percent)),
            number(percent(vm.fullest_disk_percent)),
            text(word(vm.agent_version.as_ref())),
            text(&remark(seen)),
        ]);
    }
    table.finish()
}

/// What became of a machine's place.
pub(super) fn remark(seen: &Seen<'_>) -> String {
    match (seen.moved_from, seen.claimed_by) {
        (_, Some(hub)) => format!("{hub} has it, too"),
        (Some(hub), None) => format!("moved from {hub}"),
        (None, None) => String::new(),
    }
}

fn system(vm: &VmPresence) -> String {
    let parts = [vm.os.as_deref(), vm.os_version.as_deref()];
    let known: Vec<_> = parts.into_iter().flatten().collect();
    if known.is_empty() { "-".to_owned() } else { known.join(" ") }
}

fn word(text: Option<&String>) -> &str {
    text.map(String::as_str).filter(|text| !text.is_empty()).unwrap_or("-")
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.0} %"))
}

fn hubs(board: &Board, out: Output) -> Result<(), CliError> {
    if out.json {
        return board.hubs().try_for_each(|(hub, _)| out.document(&json!(hub).to_string()));
    }
    let mut table = Columns::new(out, &["hub", "role", "machines", "connected", "version"]);
    let mut count = 0;
    for (HubPresence { hub, role, vms, connected, version, .. }, _) in board.hubs() {
        count += 1;
        table.row([text(hub), text(role), number(vms), number(connected), text(version)]);
    }
    out.text(&format!("{}\n{}{}", table.finish(), counted(count, "hub"), odd(board)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};

    fn vm(name: &str) -> VmPresence {
        VmPresence {
            hub: "host-1".into(),
            vm: name.into(),
            state: "up".into(),
            os: Some("Debian GNU/Linux".into()),
            os_version: Some("12.5".into()),
            load5: Some(4.25),
            memory_used_percent: Some(50.0),
            fullest_disk_percent: Some(93.4),
            tags: [("env".to_owned(), "prod".to_owned())].into(),
            ..VmPresence::default()
        }
    }

    fn seen(vm: &VmPresence) -> Seen<'_> {
        Seen { vm, state: &vm.state, moved_from: None, claimed_by: None }
    }

    #[test]
    fn a_selector_means_what_it_means_on_a_hub() {
        let vm = vm("web-1");
        for (text, means) in [
            ("web-*", true),
            ("os=debian,version=12,disk>90", true),
            ("load5>4,memory<=50%", true),
            ("state!=up", false),
            ("agent=", true),
            ("name~^db", false),
            ("tag.env=prod,tag.tier=", true),
            ("tag.env!=prod", false),
            ("tag.tier!=web", false),
        ] {
            assert_eq!(is_meant(&which(text).unwrap(), &seen(&vm)), means, "{text}");
        }
        assert!(which("cpu>50").unwrap_err().contains("known to the hubs only"));
        assert!(which("nonsense=1").is_err() && which("").is_err());
    }

    #[test]
    fn a_machine_has_its_line_and_movement_is_told_as_such() {
        let vm = vm("web-1");
        let moved = Seen { moved_from: Some("host-2"), ..seen(&vm) };
        let shown = table(std::slice::from_ref(&moved), Output::default());
        assert!(shown.contains("Debian GNU/Linux 12.5") && shown.contains("93 %"), "{shown}");
        assert!(shown.ends_with("moved from host-2"), "{shown}");
        let twice = Seen { claimed_by: Some("host-3"), ..moved };
        assert_eq!(remark(&twice), "host-3 has it, too");
    }

    #[test]
    fn hostile_words_are_harmless() {
        let evil = || Some(EVIL.to_owned());
        let vm = VmPresence { hub: EVIL.into(), state: EVIL.into(), os: evil(), address: evil(), ..vm(EVIL) };
        let seen = Seen { moved_from: Some(EVIL), ..seen(&vm) };
        assert_harmless(&table(&[seen], Output::default()));
    }
}

//! Answers for people. Members that are not known are passed over, and those that may be missing are: agents differ.

use crate::cli::output::{Columns, Output, facts, number, optional, state, text};
use crate::text::{sanitize, units};
use serde::Deserialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The year 10000, in seconds since 1970: the text of a time has four digits for its year.
const END_OF_TIME_SECS: u64 = 253_402_300_800;

/// The answer to `guest-info`.
#[derive(Deserialize)]
pub(super) struct Info {
    version: String,
    #[serde(default)]
    supported_commands: Vec<SupportedCommand>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SupportedCommand {
    name: String,
    enabled: bool,
}

/// `guest-info`: the version, and the commands by their names.
pub(super) fn info(info: &Info, out: Output) -> String {
    let mut table = Columns::new(out, &["command", "enabled"]);
    let mut commands: Vec<_> = info.supported_commands.iter().collect();
    commands.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    for command in commands {
        table.row([text(&command.name), state(if command.enabled { "yes" } else { "no" })]);
    }
    format!("Version  {}\n\n{}", sanitize::brief(&info.version), table.finish())
}

/// The answer to `guest-get-osinfo`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct System {
    id: Option<String>,
    name: Option<String>,
    pretty_name: Option<String>,
    version: Option<String>,
    variant: Option<String>,
    kernel_release: Option<String>,
    kernel_version: Option<String>,
    machine: Option<String>,
}

/// `guest-get-osinfo`: what there is of it.
pub(super) fn system(system: &System, _out: Output) -> String {
    let rows = [
        ("System", system.pretty_name.as_ref().or(system.name.as_ref())),
        ("Id", system.id.as_ref()),
        ("Version", system.version.as_ref()),
        ("Variant", system.variant.as_ref()),
        ("Kernel", system.kernel_release.as_ref()),
        ("Build", system.kernel_version.as_ref()),
        ("Machine", system.machine.as_ref()),
    ];
    let known: Vec<_> =
        rows.into_iter().filter_map(|(name, value)| value.map(|value| (name, value.clone()))).collect();
    if known.is_empty() { "The guest tells nothing of its system.".into() } else { facts(&known) }
}

/// The answer to `guest-network-get-interfaces`.
#[derive(Deserialize)]
pub(super) struct Interfaces(Vec<Interface>);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Interface {
    name: String,
    hardware_address: Option<String>,
    #[serde(default)]
    ip_addresses: Vec<Address>,
    statistics: Option<Counters>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Address {
    ip_address: String,
    prefix: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Counters {
    rx_bytes: u64,
    tx_bytes: u64,
}

impl Address {
    fn shown(&self) -> String {
        match self.prefix {
            Some(prefix) => format!("{}/{prefix}", self.ip_address),
            None => self.ip_address.clone(),
        }
    }
}

/// `guest-network-get-interfaces`: a row each.
pub(super) fn interfaces(interfaces: &Interfaces, out: Output) -> String {
    let mut table = Columns::new(out, &["interface", "hardware address", "received", "sent", "addresses"]);
    for interface in &interfaces.0 {
        let counters = interface.statistics.as_ref();
        table.tall_row([
            text(&interface.name),
            text(interface.hardware_address.as_deref().unwrap_or("-")),
            optional(counters.map(|counters| units::bytes(counters.rx_bytes))),
            optional(counters.map(|counters| units::bytes(counters.tx_bytes))),
            text(&interface.ip_addresses.iter().map(Address::shown).collect::<Vec<_>>().join(" ")),
        ]);
    }
    table.finish()
}

/// The answer to `guest-get-fsinfo`.
#[derive(Deserialize)]
pub(super) struct FileSystems(Vec<FileSystem>);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FileSystem {
    name: String,
    mountpoint: String,
    #[serde(rename = "type")]
    kind: String,
    used_bytes: Option<u64>,
    total_bytes: Option<u64>,
}

/// `guest-get-fsinfo`: a row each.
pub(super) fn file_systems(systems: &FileSystems, out: Output) -> String {
    let mut table = Columns::new(out, &["mount point", "type", "device", "used", "size", "used %"]);
    for system in &systems.0 {
        let share = system.used_bytes.zip(system.total_bytes);
        table.row([
            text(&system.mountpoint),
            text(&system.kind),
            text(&system.name),
            optional(system.used_bytes.map(units::bytes)),
            optional(system.total_bytes.map(units::bytes)),
            optional(share.map(|(used, total)| units::percent(units::share(used as f64, total as f64)))),
        ]);
    }
    table.finish()
}

/// The answer to `guest-get-users`.
#[derive(Deserialize)]
pub(super) struct Users(Vec<User>);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    #[serde(rename = "user")]
    name: String,
    domain: Option<String>,
    login_time: Option<f64>,
}

/// `guest-get-users`: a row each.
pub(super) fn users(users: &Users, out: Output) -> String {
    if users.0.is_empty() {
        return "Nobody is logged in.".into();
    }
    let mut table = Columns::new(out, &["user", "domain", "since"]);
    for user in &users.0 {
        let since = user.login_time.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
        table.row([
            text(&user.name),
            text(user.domain.as_deref().unwrap_or("-")),
            text(&since.and_then(moment).unwrap_or_else(|| "-".into())),
        ]);
    }
    table.finish()
}

/// Time since 1970 to the second; `None` where no calendar of ours has it.
fn moment(since_1970: Duration) -> Option<String> {
    let time = UNIX_EPOCH.checked_add(since_1970).filter(|_| since_1970.as_secs() < END_OF_TIME_SECS)?;
    Some(units::moment(&humantime::format_rfc3339_seconds(time).to_string()))
}

/// `guest-get-time`: the clock, against ours before and after the question.
pub(super) fn clock(nanos: i64, before: SystemTime, after: SystemTime) -> String {
    let Some(told) = u64::try_from(nanos).ok().map(Duration::from_nanos) else {
        return format!("{nanos} ns since 1970");
    };
    let shown = moment(told).unwrap_or_else(|| format!("{nanos} ns since 1970"));
    let guests = UNIX_EPOCH + told;
    let difference = match (guests.duration_since(after), before.duration_since(guests)) {
        (Ok(ahead), _) if !ahead.is_zero() => format!("{} ahead of this machine's clock", apart(ahead)),
        (_, Ok(behind)) if !behind.is_zero() => format!("{} behind this machine's clock", apart(behind)),
        _ => "as this machine's clock".to_owned(),
    };
    format!("{shown}, {difference}")
}

fn apart(difference: Duration) -> String {
    if difference < Duration::from_mins(1) {
        units::millis(difference)
    } else {
        units::age(difference.as_secs())
    }
}

/// `guest-ping`.
pub(super) fn answered(endpoint: &str, trip: Duration) -> String {
    format!("answer from {}: {}", sanitize::brief(endpoint), units::millis(trip))
}

/// The answer to `guest-fsfreeze-status`: one word.
#[derive(Deserialize)]
pub(super) struct Word(String);

/// `guest-fsfreeze-status`.
pub(super) fn freeze_status(status: &Word, _out: Output) -> String {
    sanitize::brief(&status.0)
}

/// The answer to a freeze and to a thaw: how many file systems.
#[derive(Deserialize)]
pub(super) struct Count(i64);

/// `guest-fsfreeze-freeze`.
pub(super) fn frozen(count: &Count, _out: Output) -> String {
    match count.0 {
        0 => "No file system was frozen.".into(),
        count => format!("{} frozen until: infinictl qga fsfreeze thaw", counted(count, "is", "are")),
    }
}

/// `guest-fsfreeze-thaw`.
pub(super) fn thawed(count: &Count, _out: Output) -> String {
    match count.0 {
        0 => "No file system was frozen.".into(),
        count => format!("{} thawed.", counted(count, "was", "were")),
    }
}

fn counted(count: i64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 file system {one}"),
        _ => format!("{count} file systems {many}"),
    }
}

/// The answer to `guest-fstrim`.
#[derive(Deserialize)]
pub(super) struct Trimmed {
    #[serde(default)]
    paths: Vec<TrimmedPath>,
}

#[derive(Deserialize)]
struct TrimmedPath {
    path: String,
    trimmed: Option<u64>,
    error: Option<String>,
}

/// `guest-fstrim`: a row for each file system.
pub(super) fn trimmed(trimmed: &Trimmed, out: Output) -> String {
    let mut table = Columns::new(out, &["file system", "discarded", "failure"]);
    for path in &trimmed.paths {
        table.row([
            text(&path.path),
            number(path.trimmed.map_or_else(|| "-".to_owned(), units::bytes)),
            text(path.error.as_deref().unwrap_or("-")),
        ]);
    }
    table.finish()
}

/// A command without an answer: what can be said of it.
pub(super) fn not_refused(command: &str, ended: bool, waited: Duration) -> String {
    let command = sanitize::brief(command);
    if ended {
        return format!("The guest carries out {command}: the connection ended.");
    }
    format!("The guest was asked for {command}, and did not refuse it within {} s.", waited.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    fn shown<T: DeserializeOwned>(answer: Value, render: impl FnOnce(&T, Output) -> String) -> String {
        render(&serde_json::from_value(answer).unwrap(), Output::default())
    }

    #[test]
    fn nothing_that_a_guest_tells_is_obeyed_by_a_terminal() {
        for evil in [EVIL.to_owned(), EVIL.repeat(2000)] {
            let harmless = |text: String| {
                assert_harmless(&text);
                assert!(text.contains("\\u{1b}"), "{text:.300}");
            };
            let commands = json!([{"name": evil, "enabled": true, "success-response": true}]);
            harmless(shown(json!({"version": evil, "supported_commands": commands}), info));
            harmless(shown(json!({"pretty-name": evil, "kernel-version": evil}), system));
            let addresses = json!([{"ip-address": evil, "ip-address-type": evil, "prefix": -1}]);
            let interface = json!([{"name": evil, "hardware-address": evil, "ip-addresses": addresses}]);
            harmless(shown(interface, interfaces));
            harmless(shown(
                json!([{"name": evil, "mountpoint": evil, "type": evil, "disk": []}]),
                file_systems,
            ));
            harmless(shown(json!([{"user": evil, "domain": evil, "login-time": 1e300}]), users));
            harmless(shown(json!({"paths": [{"path": evil, "error": evil}]}), trimmed));
            harmless(shown(json!(evil), freeze_status));
            harmless(not_refused(&evil, false, Duration::ZERO));
        }
    }

    #[test]
    fn figures_have_their_units_and_what_is_not_told_is_a_dash() {
        let systems = json!([
            {"name": "vda1", "mountpoint": "/", "type": "ext4", "disk": [], "used-bytes": 512, "total-bytes": 1024},
            {"name": "vdb", "mountpoint": "/srv", "type": "xfs", "disk": []},
        ]);
        let table = shown(systems, file_systems);
        assert!(
            table.contains("50.0")
                && table.lines().any(|line| line.starts_with("/srv") && line.ends_with('-'))
        );
        let none: Value = json!([{"name": "lo", "ip-addresses": [{"ip-address": "::1", "prefix": 128}]}]);
        assert!(shown(none, interfaces).contains("::1/128"));
        assert_eq!(shown(json!([]), users), "Nobody is logged in.");
        assert_eq!(shown(json!(0), thawed), "No file system was frozen.");
        assert_eq!(shown(json!(1), thawed), "1 file system was thawed.");
        assert!(shown(json!(2), frozen).starts_with("2 file systems are frozen"));
    }

    #[test]
    fn a_clock_is_told_with_its_difference_whatever_it_shows() {
        let ours = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let at = |nanos| clock(nanos, ours, ours + Duration::from_millis(10));
        assert_eq!(at(1_000_000_000_005_000_000), "2001-09-09 01:46:40 UTC, as this machine's clock");
        assert!(at(1_000_000_000_510_000_000).ends_with("500.0 ms ahead of this machine's clock"));
        assert!(at(999_999_000_000_000_000).ends_with("16 min 40 s behind this machine's clock"));
        for odd in [i64::MIN, -1, 0, i64::MAX] {
            assert!(!at(odd).is_empty());
        }
    }
}

//! What was installed, updated and removed, out of the logs of package managers: dpkg.log(5), zypper's history, and dnf's list of
//! transactions. Pure. Their times are the guest's local ones, and have no offset.

use infiniservice_platform::sanitize::quote;
use infiniservice_protocol::data::UpdateHistoryEntry;
use std::collections::HashMap;

/// The result of what a log calls done.
const SUCCEEDED: &str = "Succeeded";
/// The same of what did not come to its end.
const FAILED: &str = "Failed";

/// The entries of dpkg.log, oldest first: `upgrade`, `install`, `remove` and `purge` begin one; it succeeded once a later line
/// gives the package the state that is wanted.
pub(super) fn dpkg(text: &str) -> Vec<UpdateHistoryEntry> {
    let (mut entries, mut open): (Vec<UpdateHistoryEntry>, HashMap<&str, usize>) =
        (Vec::new(), HashMap::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [day, time, operation @ ("install" | "upgrade" | "remove" | "purge"), package, before, after] => {
                open.insert(package, entries.len());
                entries.push(begun((day, time), operation, package, (before, after)));
            }
            [_, _, "status", state, package, _] => {
                let Some(entry) = open.get(package).and_then(|at| entries.get_mut(*at)) else { continue };
                if is_end(&entry.operation, state) {
                    SUCCEEDED.clone_into(&mut entry.result);
                }
            }
            _ => {}
        }
    }
    entries
}

fn begun(
    (day, time): (&str, &str),
    operation: &str,
    package: &str,
    (before, after): (&str, &str),
) -> UpdateHistoryEntry {
    let version = |text: &str| Some(quote(text)).filter(|text| text != "<none>" && !text.is_empty());
    let (before, after) = (version(before), version(after));
    let title = match (&before, &after, operation) {
        (_, Some(after), "install" | "upgrade") => format!("{package} {after}"),
        (Some(before), ..) => format!("{package} {before}"),
        _ => package.to_owned(),
    };
    let removes = matches!(operation, "remove" | "purge");
    UpdateHistoryEntry {
        time: format!("{}T{}", quote(day), quote(time)),
        operation: operation.to_owned(),
        title: quote(&title),
        package: Some(quote(package)),
        version_before: before,
        version_after: if removes { None } else { after },
        result: FAILED.to_owned(),
        ..UpdateHistoryEntry::default()
    }
}

fn is_end(operation: &str, state: &str) -> bool {
    match operation {
        "remove" => matches!(state, "config-files" | "not-installed"),
        "purge" => state == "not-installed",
        _ => state == "installed",
    }
}

/// The entries of `/var/log/zypp/history`, oldest first: fields between `|`, of which only what succeeded is logged.
pub(super) fn zypp(text: &str) -> Vec<UpdateHistoryEntry> {
    let of_line = |line: &str| {
        let mut fields = line.split('|').map(str::trim);
        let time = fields.next().filter(|time| !time.starts_with('#'))?;
        let operation = fields.next().filter(|word| matches!(*word, "install" | "remove"))?;
        let (package, version) = (fields.next()?, fields.next()?);
        let removes = operation == "remove";
        Some(UpdateHistoryEntry {
            time: quote(&time.replacen(' ', "T", 1)),
            operation: operation.to_owned(),
            title: quote(&format!("{package} {version}")),
            package: Some(quote(package)),
            version_before: removes.then(|| quote(version)),
            version_after: (!removes).then(|| quote(version)),
            result: SUCCEEDED.to_owned(),
            ..UpdateHistoryEntry::default()
        })
    };
    text.lines().filter_map(of_line).collect()
}

/// The transactions of `dnf history list`, newest first: columns between `|`, of which the fourth names what was done.
pub(super) fn dnf(text: &str) -> Vec<UpdateHistoryEntry> {
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [number, rest @ .., time, actions, altered] = columns.as_slice() else { return None };
        number.parse::<u64>().ok()?;
        // A command line may hold the sign between columns.
        let command = rest.join("|");
        // Two signs behind the number of packages: it was aborted, or had errors.
        let count: String = altered.chars().take_while(char::is_ascii_digit).collect();
        let result = match altered.trim_start_matches(|c: char| c.is_ascii_digit()).trim() {
            "" | "<" | ">" | "><" => SUCCEEDED,
            signs if signs.contains('*') => "Aborted",
            signs if signs.contains('#') => "Failed",
            _ => "SucceededWithErrors",
        };
        Some(UpdateHistoryEntry {
            time: quote(&time.replacen(' ', "T", 1)),
            operation: operation(actions).to_owned(),
            title: quote(&command),
            description: Some(format!("{count} packages")),
            result: result.to_owned(),
            ..UpdateHistoryEntry::default()
        })
    };
    text.lines().filter_map(of_line).collect()
}

/// One action is named in full, several by their first letters (dnf(8), "History Command").
fn operation(actions: &str) -> &'static str {
    let first = actions.split(',').next().unwrap_or_default().trim();
    match first {
        "Install" | "I" => "install",
        "Removed" | "Erase" | "E" => "remove",
        "Upgrade" | "Update" | "U" => "upgrade",
        "Downgrade" | "D" => "downgrade",
        "Reinstall" | "R" => "reinstall",
        _ => "change",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DPKG: &str = "2025-06-24 14:36:25 startup archives unpack\n\
        2025-06-24 14:36:25 upgrade libsystemd0:amd64 252.36-1~deb12u1 252.38-1~deb12u1\n\
        2025-06-24 14:36:25 status half-configured libsystemd0:amd64 252.36-1~deb12u1\n\
        2025-06-24 14:36:26 status installed libsystemd0:amd64 252.38-1~deb12u1\n\
        2025-06-24 14:37:00 install broken:all <none> 1.0\n\
        2025-06-24 14:37:00 status half-configured broken:all 1.0\n\
        2025-06-24 14:38:00 remove nano:amd64 7.2-1 <none>\n\
        2025-06-24 14:38:00 status config-files nano:amd64 7.2-1\n";

    #[test]
    fn a_change_of_dpkg_has_succeeded_once_the_package_has_the_wanted_state() {
        let entries = dpkg(DPKG);
        let told: Vec<_> = entries
            .iter()
            .map(|one| (one.operation.as_str(), one.title.as_str(), one.result.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("upgrade", "libsystemd0:amd64 252.38-1~deb12u1", "Succeeded"),
                ("install", "broken:all 1.0", "Failed"),
                ("remove", "nano:amd64 7.2-1", "Succeeded"),
            ]
        );
        assert_eq!(entries[0].time, "2025-06-24T14:36:25");
        assert_eq!(entries[0].version_before.as_deref(), Some("252.36-1~deb12u1"));
        assert_eq!(
            (entries[2].version_before.as_deref(), entries[2].version_after.as_deref()),
            (Some("7.2-1"), None)
        );
    }

    #[test]
    fn zypper_logs_packages_between_bars() {
        let text = "# comment\n2026-11-30 03:31:40|command|root@lab|'zypper' 'in' 'nano'|\n\
            2026-11-30 03:31:41|install|nano|7.2-1.1|x86_64|root@lab|main|00ff|\n\
            2026-11-30 03:32:41|remove |nano|7.2-1.1|x86_64|root@lab|\n";
        let entries = zypp(text);
        assert_eq!(entries.len(), 2);
        assert_eq!(
            (entries[0].title.as_str(), entries[0].time.as_str()),
            ("nano 7.2-1.1", "2026-11-30T03:31:41")
        );
        assert_eq!((entries[1].operation.as_str(), entries[1].version_after.as_deref()), ("remove", None));
    }

    #[test]
    fn dnf_tells_transactions_with_what_went_wrong_in_signs() {
        let text = "ID     | Command line             | Date and time    | Action(s)      | Altered\n\
            ------------------------------------------------------------------------------\n     \
            3 | install a|b              | 2026-11-30 03:31 | Install        |    2 EE\n     \
            2 | update                   | 2026-11-29 03:31 | I, U           |   12   \n     \
            1 |                          | 2026-11-28 03:31 | Install        |  120 *<\n";
        let told: Vec<_> = dnf(text).into_iter().map(|one| (one.title, one.operation, one.result)).collect();
        let of = |title: &str, operation: &str, result: &str| (title.into(), operation.into(), result.into());
        assert_eq!(
            told,
            [
                of("install a|b", "install", "SucceededWithErrors"),
                of("update", "install", "Succeeded"),
                of("", "install", "Aborted"),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_log_gives_entries_of_one_line(text in "([0-9 |a-z<>\n-]|install|upgrade|status){0,80}") {
            for entry in dpkg(&text).into_iter().chain(zypp(&text)).chain(dnf(&text)) {
                prop_assert!(!entry.title.contains('\n') && !entry.time.contains('\n'));
            }
        }
    }
}

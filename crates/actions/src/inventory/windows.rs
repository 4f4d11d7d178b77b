//! The uninstall keys of this machine's registry: of both views, and of every user whose hive is loaded.

use super::uninstall::{Entry, View, unique};
use crate::cleanup::StopFlag;
use infiniservice_platform::win32::registry_unsafe::bounded;
use infiniservice_protocol::data::Application;
use windows_registry::{Key, LOCAL_MACHINE, USERS};

const BELOW: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
/// Keys of one hive, more than any machine has.
const MAX_KEYS: usize = 20_000;
/// Hives of users that are looked at.
const MAX_HIVES: usize = 1_000;
/// What is kept of one hive: a user fills his own as he likes.
const MAX_HIVE_BYTES: usize = 4 << 20;
/// What is kept of all.
const MAX_BYTES: usize = 64 << 20;

/// All that is registered as an application, and what was not looked at whole. A key that may not be read is left out.
pub fn applications(stop: &StopFlag) -> (Vec<Application>, Vec<String>) {
    let mut reading = Reading { stop, bytes: 0, all: Vec::new(), incomplete: Vec::new() };
    reading.below(LOCAL_MACHINE, "SOFTWARE", View::Machine64);
    reading.below(LOCAL_MACHINE, r"SOFTWARE\WOW6432Node", View::Machine32);
    let users = USERS.keys().into_iter().flatten().filter(|sid| !sid.ends_with("_Classes"));
    for sid in users.take(MAX_HIVES) {
        reading.below(USERS, &format!(r"{sid}\SOFTWARE"), View::User);
    }
    (unique(reading.all), reading.incomplete)
}

struct Reading<'a> {
    stop: &'a StopFlag,
    /// Of what is kept.
    bytes: usize,
    all: Vec<Application>,
    incomplete: Vec<String>,
}

impl Reading<'_> {
    fn below(&mut self, root: &Key, hive: &str, view: View) {
        let Ok(uninstall) = root.open(format!(r"{hive}\{BELOW}")) else { return };
        let end = self.bytes.saturating_add(MAX_HIVE_BYTES).min(MAX_BYTES);
        for (at, name) in uninstall.keys().into_iter().flatten().enumerate() {
            if at >= MAX_KEYS || self.bytes >= end || self.stop.is_set() {
                self.incomplete.push(format!("{hive}: it contains more entries than the limit"));
                return;
            }
            let found = entry(&uninstall, name).and_then(|entry| entry.application(view));
            self.bytes += found.as_ref().map_or(0, size);
            self.all.extend(found);
        }
    }
}

fn size(found: &Application) -> usize {
    let texts = [&found.publisher, &found.install_location].into_iter().flatten().map(String::len);
    size_of::<Application>() + found.name.len() + found.version.len() + texts.sum::<usize>()
}

fn entry(uninstall: &Key, name: String) -> Option<Entry> {
    let key = uninstall.open(&name).ok()?;
    let text = |value: &str| bounded(&key, value).unwrap_or_default();
    let number = |value: &str| key.get_u32(value).ok();
    let flag = |value: &str| number(value).is_some_and(|number| number != 0);
    Some(Entry {
        display_name: text("DisplayName"),
        display_version: text("DisplayVersion"),
        publisher: text("Publisher"),
        install_date: text("InstallDate"),
        install_location: text("InstallLocation"),
        uninstall_string: text("UninstallString"),
        parent_key_name: text("ParentKeyName"),
        release_type: text("ReleaseType"),
        estimated_size_kib: number("EstimatedSize"),
        system_component: flag("SystemComponent"),
        windows_installer: flag("WindowsInstaller"),
        key: name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_registry::CURRENT_USER;

    #[test]
    fn what_is_registered_for_the_machine_and_for_a_user_is_found_and_what_is_hidden_is_not() {
        let places = [
            (LOCAL_MACHINE, format!(r"SOFTWARE\{BELOW}\infiniservice-test-64"), "Agent test 64"),
            (LOCAL_MACHINE, format!(r"SOFTWARE\WOW6432Node\{BELOW}\infiniservice-test-32"), "Agent test 32"),
            (CURRENT_USER, format!(r"SOFTWARE\{BELOW}\infiniservice-test-user"), "Agent test user"),
            (LOCAL_MACHINE, format!(r"SOFTWARE\{BELOW}\infiniservice-test-hidden"), "Agent test hidden"),
        ];
        for (root, path, name) in &places {
            let key = root.create(path).unwrap();
            key.set_string("DisplayName", name).unwrap();
            key.set_string("UninstallString", "x.exe").unwrap();
            key.set_u32("EstimatedSize", 1000).unwrap();
            key.set_u32("SystemComponent", u32::from(name.ends_with("hidden"))).unwrap();
        }
        let (all, incomplete) = applications(&StopFlag::default());
        assert_eq!(incomplete, [""; 0]);
        for (root, path, _) in &places {
            root.remove_tree(path).unwrap();
        }
        let mut found: Vec<_> = all.iter().filter(|one| one.name.starts_with("Agent test")).collect();
        found.sort_by_key(|one| one.name.clone());
        let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.architecture.as_deref())).collect();
        let want =
            [("Agent test 32", Some("x86")), ("Agent test 64", Some("x86_64")), ("Agent test user", None)];
        assert_eq!(told, want);
        assert_eq!(found[0].size_mb, Some(1.024));
    }
    #[test]
    fn a_string_of_a_megabyte_is_not_read() {
        let path = format!(r"SOFTWARE\{BELOW}\infiniservice-test-long");
        let key = CURRENT_USER.create(&path).unwrap();
        key.set_string("Short", "x").unwrap();
        key.set_string("Long", "x".repeat(1 << 20)).unwrap();
        let read = ["Short", "Long", "None"].map(|name| bounded(&key, name));
        CURRENT_USER.remove_tree(&path).unwrap();
        assert_eq!(read, [Some("x".to_owned()), None, None]);
    }
}

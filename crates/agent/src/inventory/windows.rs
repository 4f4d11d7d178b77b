//! The uninstall keys of this machine's registry: of both views, and of every user whose hive is loaded.

use super::uninstall::{Entry, View, unique};
use infiniservice_protocol::data::Application;
use windows_registry::{Key, LOCAL_MACHINE, USERS};

const BELOW: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";
/// More than any machine has.
const MAX_KEYS: usize = 20_000;

/// All that is registered as an application. A key that may not be read is left out.
pub fn applications() -> Vec<Application> {
    let mut all = below(LOCAL_MACHINE, &format!(r"SOFTWARE\{BELOW}"), View::Machine64);
    all.extend(below(LOCAL_MACHINE, &format!(r"SOFTWARE\WOW6432Node\{BELOW}"), View::Machine32));
    let users = USERS.keys().into_iter().flatten().filter(|sid| !sid.ends_with("_Classes"));
    for sid in users.take(MAX_KEYS) {
        all.extend(below(USERS, &format!(r"{sid}\SOFTWARE\{BELOW}"), View::User));
    }
    unique(all)
}

fn below(root: &Key, path: &str, view: View) -> Vec<Application> {
    let Ok(uninstall) = root.open(path) else { return Vec::new() };
    let names = uninstall.keys().into_iter().flatten().take(MAX_KEYS);
    names.filter_map(|name| entry(&uninstall, name)?.application(view)).collect()
}

fn entry(uninstall: &Key, name: String) -> Option<Entry> {
    let key = uninstall.open(&name).ok()?;
    let text = |value: &str| key.get_string(value).unwrap_or_default();
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
        let all = applications();
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
}

//! What the system's tools print, and files that packages and users bring.

use infiniservice_actions::autochecks::checks::time_sync;
use infiniservice_actions::autochecks::journal;
use infiniservice_actions::fuzzing::{fits_the_wire, logs, text};
use infiniservice_actions::inventory::{self, appimage, desktop, flatpak, snap};
use infiniservice_actions::packages::{Parsed, Reading, fuzzing as packages};
use infiniservice_channel::diagnose::service_state;
use infiniservice_collector::user_names::fuzzing::names as user_names;
use infiniservice_platform::os_detection::OsRelease;
use infiniservice_protocol::data::Application;

/// With the sign that it was cut.
const MAX_NAME_CHARS: usize = 257;
const MAX_OS_RELEASE_CHARS: usize = 4096;

/// os-release(5): no control character, nothing absurdly long, never nameless.
pub fn os_release(bytes: &[u8]) {
    let release = OsRelease::parse(&text(bytes));
    let named = [&release.id, &release.name, &release.pretty_name];
    assert!(named.iter().all(|value| !value.is_empty()) || bytes.contains(&b'='), "{release:?}");
    for value in named.into_iter().chain([&release.version, &release.version_id, &release.codename]) {
        assert!(!value.contains(char::is_control), "{value:?}");
        assert!(value.chars().count() <= MAX_OS_RELEASE_CHARS, "{} characters", value.chars().count());
    }
    assert!(release.is_like(&release.id));
}

/// `dpkg-query`, for the package commands and for the inventory.
pub fn dpkg(bytes: &[u8]) {
    packages::dpkg(bytes);
    let text = text(bytes);
    let all = Reading::of(text.lines(), inventory::dpkg::line).rows;
    for one in &all {
        let _ = inventory::dpkg::lists(one);
    }
    assert!(inventory::dpkg::owned(&text).iter().all(|path| path.starts_with('/')));
    fits_the_wire(&inventory::select(all, None, None));
}

/// `rpm` and `dnf`, for the package commands and for the inventory.
pub fn rpm(bytes: &[u8]) {
    packages::rpm(bytes);
    let text = text(bytes);
    let paths = ["/usr/share/applications/vim.desktop".to_owned()];
    assert!(inventory::rpm::owned(&paths, &text).len() <= 1);
    let all = Reading::of(text.lines(), inventory::rpm::lines()).rows;
    fits_the_wire(&inventory::select(all, None, None));
}

/// Desktop entries, `AppImages`, flatpak and snap: made by whoever made the application.
pub fn inventory(bytes: &[u8]) {
    let text = text(bytes);
    let read = |line: fn(&str) -> Parsed<Application>| Reading::of(text.lines(), line).rows;
    let mut all = [read(flatpak::line), read(snap::line)].concat();
    all.extend(desktop::read("/usr/share/applications/x.desktop", &text));
    all.extend(appimage::described(&text));
    let _ = appimage::is_appimage(bytes);
    let (filter, count) = (text.chars().take(8).collect::<String>(), all.len());
    let found = inventory::select(all.clone(), Some(&filter), Some(3));
    assert!(found.applications.len() <= 3 && found.count as usize <= count);
    for one in inventory::select(all, None, None).applications {
        assert!(!one.name.contains(char::is_control), "{:?}", one.name);
    }
}

/// `journalctl --output=json`, `timedatectl show` and `systemctl show`; `getent` and systemd's user database, where a directory
/// service chooses the names.
pub fn tools(bytes: &[u8]) {
    let text = text(bytes);
    let _ = journal::parse(&text);
    logs(&text);
    let _ = time_sync::parse(&text);
    let _ = service_state::parse("infiniservice", &text);
    for name in user_names(bytes, &text) {
        assert!(!name.contains(char::is_control) && name.chars().count() <= MAX_NAME_CHARS, "{name:?}");
    }
}

/// `/proc`, `/sys`, passwd(5) and fstab(5), by the collector's readers and by those of the checks.
pub(super) fn proc(bytes: &[u8]) {
    infiniservice_collector::fuzzing::proc(bytes);
    infiniservice_actions::autochecks::fuzzing::checks(bytes);
}

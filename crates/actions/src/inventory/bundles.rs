//! Applications that bring along what they need: AppImages, known by their first bytes and described by their
//! names, and those of flatpak (flatpak-list(1), which puts tabs between the columns and no heading where it
//! has no terminal) and snap (`snap list --color=never --unicode=never`: a heading, then words with spaces
//! between them).

use super::known;
use crate::packages::Parsed;
use infiniservice_protocol::data::Application;

/// How many first bytes [`is_appimage`] wants.
pub const APPIMAGE_MAGIC_BYTES: usize = 11;

/// An ELF file with `AI` and the type, 1 or 2, in the padding of its identification (the `AppImage` specification, "The type
/// 2 image format").
pub fn is_appimage(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF") && matches!(start.get(8..APPIMAGE_MAGIC_BYTES), Some(b"AI\x01" | b"AI\x02"))
}

/// `Name-1.2.3-x86_64.AppImage`; `None` where the ending is another.
pub fn appimage(file: &str) -> Option<Application> {
    let (stem, ending) = file.rsplit_once('.')?;
    let fits = ending.eq_ignore_ascii_case("appimage") && !stem.is_empty();
    let mut parts: Vec<&str> = fits.then(|| stem.split('-').collect())?;
    let architecture = parts.pop_if(|part| is_architecture(part)).map(str::to_owned);
    let versioned = parts.len() > 1;
    let version = parts.pop_if(|part| versioned && is_version(part)).unwrap_or_default().to_owned();
    let name = if parts.is_empty() { stem.to_owned() } else { parts.join("-") };
    Some(Application { name, version, source: "appimage".into(), architecture, ..Application::default() })
}

fn is_architecture(part: &str) -> bool {
    ["x86_64", "i386", "i686", "aarch64", "arm64", "armhf", "amd64"].contains(&part)
}

fn is_version(part: &str) -> bool {
    part.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit())
}

/// Its arguments: the name, which anybody may choose, last.
pub const FLATPAK_LIST: [&str; 4] =
    ["list", "--system", "--app", "--columns=application,version,arch,origin,installation,name"];

/// A line: an application, the identifier standing for a name that is missing.
pub fn flatpak_line(line: &str) -> Parsed<Application> {
    (!line.is_empty()).then(|| application(line))
}

fn application(line: &str) -> Option<Application> {
    let mut fields = line.splitn(6, '\t');
    let id = fields.next().filter(|id| is_id(id))?;
    let (version, architecture, origin) = (fields.next()?, fields.next()?, fields.next()?);
    let (installation, name) = (fields.next()?, fields.next()?);
    Some(Application {
        name: known(name).unwrap_or_else(|| id.to_owned()),
        version: version.into(),
        publisher: known(origin),
        // Others lie where /etc/flatpak/installations.d says.
        install_location: (installation == "system").then(|| format!("/var/lib/flatpak/app/{id}")),
        source: "flatpak".into(),
        architecture: known(architecture),
        ..Application::default()
    })
}

/// `org.gnome.Maps`: as D-Bus names.
fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    id.contains('.') && !id.starts_with('.') && id.len() <= 255 && id.bytes().all(plain)
}

/// Its arguments.
pub const SNAP_LIST: [&str; 3] = ["list", "--color=never", "--unicode=never"];

/// Where snaps are mounted: at the first on Debian and its relatives, at the second elsewhere (snapd's `dirs.SnapMountDir`).
pub const SNAP_DIRECTORIES: [&str; 2] = ["/snap", "/var/lib/snapd/snap"];
/// Notes on a snap that cannot be started.
const NOT_READY: [&str; 3] = ["disabled", "broken", "inactive"];

/// A line: name, version, revision, channel, publisher, notes. A snap's name and version hold no spaces (snapcraft.io's schema), and no
/// name has a capital, as the heading has.
pub fn snap_line(line: &str) -> Parsed<Application> {
    (!line.is_empty() && !line.starts_with("Name ")).then(|| snap(line))
}

/// Where a snap may be found, the likeliest first.
pub fn snap_locations(snap: &Application) -> [String; 2] {
    SNAP_DIRECTORIES.map(|place| format!("{place}/{}/current", snap.name))
}

fn snap(line: &str) -> Option<Application> {
    let mut words = line.split_ascii_whitespace();
    let (name, version) = (words.next().filter(|name| is_name(name))?, words.next()?);
    let (publisher, notes) = (words.nth(2)?, words.next()?);
    Some(Application {
        name: name.into(),
        version: version.into(),
        // Marks of verified and starred publishers.
        publisher: known(publisher.trim_end_matches('*')),
        source: "snap".into(),
        state: notes.split(',').find(|note| NOT_READY.contains(note)).map(str::to_owned),
        ..Application::default()
    })
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Reading;

    #[test]
    fn names_tell_version_and_architecture_where_they_have_them() {
        let told =
            |file: &str| appimage(file).map(|a| (a.name, a.version, a.architecture.unwrap_or_default()));
        let three = |a: &str, b: &str, c: &str| Some((a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(told("My-Editor-1.2.3-x86_64.AppImage"), three("My-Editor", "1.2.3", "x86_64"));
        assert_eq!(told("tool.appimage"), three("tool", "", ""));
        assert_eq!(told("7-x86_64.AppImage"), three("7", "", "x86_64"));
        assert_eq!(told("x86_64.AppImage"), three("x86_64", "", "x86_64"));
        assert_eq!((told("tool.exe"), told(".AppImage")), (None, None));
    }

    #[test]
    fn only_the_marked_elf_file_is_one() {
        assert!(is_appimage(b"\x7fELF\x02\x01\x01\0AI\x02"));
        assert!(
            !is_appimage(b"\x7fELF\x02\x01\x01\0\0\0\0")
                && !is_appimage(b"#!/bin/shAI\x02")
                && !is_appimage(b"")
        );
    }

    /// Lines made by hand after flatpak-list(1).
    #[test]
    fn applications_are_read_and_hostile_lines_are_counted() {
        let text = "org.gnome.Maps\t43.4\tx86_64\tflathub\tsystem\tMaps\norg.x.Nameless\t\tx86_64\tflathub\textra\t\n\
                    ../../etc\t1\tx\ty\tsystem\tEvil\ntorn.id\t1\n";
        let Reading { rows: all, unreadable } = Reading::of(text.lines(), flatpak_line);
        assert_eq!(unreadable, 2);
        assert_eq!(
            all.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(),
            ["Maps", "org.x.Nameless"]
        );
        assert_eq!(all[0].install_location.as_deref(), Some("/var/lib/flatpak/app/org.gnome.Maps"));
        assert_eq!(all[1].install_location, None);
        assert_eq!((all[0].version.as_str(), all[0].publisher.as_deref()), ("43.4", Some("flathub")));
    }

    /// Lines made by hand after the output that its documentation shows.
    #[test]
    fn snaps_are_read_with_their_state_and_odd_lines_are_counted() {
        let text = "Name    Version  Rev    Tracking       Publisher    Notes\n\
                    core22  20240111 1122   latest/stable  canonical**  base\nhello   2.10     42     latest/stable  -            disabled,devmode\n\
                    ../x    1        1      x              y            -\ntorn 1\n";
        let Reading { rows: all, unreadable } = Reading::of(text.lines(), snap_line);
        let told: Vec<_> =
            all.iter().map(|a| (a.name.as_str(), a.version.as_str(), a.publisher.as_deref())).collect();
        assert_eq!(told, [("core22", "20240111", Some("canonical")), ("hello", "2.10", None)]);
        let states: Vec<_> = all.iter().map(|a| a.state.as_deref()).collect();
        assert_eq!((states, unreadable), (vec![None, Some("disabled")], 2));
    }
}

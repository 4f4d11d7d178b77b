//! Snaps, from `snap list --color=never --unicode=never`: a heading, then words with spaces between them.

use super::known;
use crate::packages::Parsed;
use infiniservice_protocol::data::Application;

/// Its arguments.
pub const ARGUMENTS: [&str; 3] = ["list", "--color=never", "--unicode=never"];

/// Where snaps are mounted: at the first on Debian and its relatives, at the second elsewhere (snapd's `dirs.SnapMountDir`).
pub const PLACES: [&str; 2] = ["/snap", "/var/lib/snapd/snap"];
/// Notes on a snap that cannot be started.
const NOT_READY: [&str; 3] = ["disabled", "broken", "inactive"];

/// A line: name, version, revision, channel, publisher, notes. A snap's name and version hold no spaces (snapcraft.io's schema), and no
/// name has a capital, as the heading has.
pub fn line(line: &str) -> Parsed<Application> {
    (!line.is_empty() && !line.starts_with("Name ")).then(|| snap(line))
}

/// Where a snap may be found, the likeliest first.
pub fn locations(snap: &Application) -> [String; 2] {
    PLACES.map(|place| format!("{place}/{}/current", snap.name))
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

    /// Lines made by hand after the output that its documentation shows.
    #[test]
    fn snaps_are_read_with_their_state_and_odd_lines_are_counted() {
        let text = "Name    Version  Rev    Tracking       Publisher    Notes\n\
                    core22  20240111 1122   latest/stable  canonical**  base\nhello   2.10     42     latest/stable  -            disabled,devmode\n\
                    ../x    1        1      x              y            -\ntorn 1\n";
        let Reading { rows: all, unreadable } = Reading::of(text.lines(), line);
        let told: Vec<_> =
            all.iter().map(|a| (a.name.as_str(), a.version.as_str(), a.publisher.as_deref())).collect();
        assert_eq!(told, [("core22", "20240111", Some("canonical")), ("hello", "2.10", None)]);
        let states: Vec<_> = all.iter().map(|a| a.state.as_deref()).collect();
        assert_eq!((states, unreadable), (vec![None, Some("disabled")], 2));
    }
}

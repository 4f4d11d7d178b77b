//! Snaps, from `snap list --color=never --unicode=never`: a heading, then words with spaces between them.

use super::known;
use infiniservice_protocol::data::Application;

/// Its arguments.
pub const ARGUMENTS: [&str; 3] = ["list", "--color=never", "--unicode=never"];

/// Name, version, revision, channel, publisher, notes. A snap's name and version hold no spaces (snapcraft.io's schema).
pub fn read(text: &str) -> Vec<Application> {
    text.lines().skip(1).filter_map(snap).collect()
}

fn snap(line: &str) -> Option<Application> {
    let mut words = line.split_ascii_whitespace();
    let (name, version) = (words.next().filter(|name| is_name(name))?, words.next()?);
    let publisher = words.nth(2)?;
    Some(Application {
        name: name.into(),
        version: version.into(),
        // Marks of verified and starred publishers.
        publisher: known(publisher.trim_end_matches('*')),
        install_location: Some(format!("/snap/{name}/current")),
        source: "snap".into(),
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

    /// Lines made by hand after the output that its documentation shows.
    #[test]
    fn snaps_are_read_without_the_heading_and_odd_lines() {
        let text = "Name    Version  Rev    Tracking       Publisher    Notes\n\
                    core22  20240111 1122   latest/stable  canonical**  base\nhello   2.10     42     latest/stable  -            -\n\
                    ../x    1        1      x              y            -\ntorn 1\n";
        let all = read(text);
        let told: Vec<_> =
            all.iter().map(|a| (a.name.as_str(), a.version.as_str(), a.publisher.as_deref())).collect();
        assert_eq!(told, [("core22", "20240111", Some("canonical")), ("hello", "2.10", None)]);
    }
}

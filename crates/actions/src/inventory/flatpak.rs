//! Applications of flatpak (flatpak-list(1)). Not on a terminal it puts tabs between the columns and no heading.

use super::known;
use crate::packages::Parsed;
use infiniservice_protocol::data::Application;

/// Its arguments: the name, which anybody may choose, last.
pub const ARGUMENTS: [&str; 4] =
    ["list", "--system", "--app", "--columns=application,version,arch,origin,installation,name"];

/// A line: an application, the identifier standing for a name that is missing.
pub fn line(line: &str) -> Parsed<Application> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Reading;

    /// Lines made by hand after flatpak-list(1).
    #[test]
    fn applications_are_read_and_hostile_lines_are_counted() {
        let text = "org.gnome.Maps\t43.4\tx86_64\tflathub\tsystem\tMaps\norg.x.Nameless\t\tx86_64\tflathub\textra\t\n\
                    ../../etc\t1\tx\ty\tsystem\tEvil\ntorn.id\t1\n";
        let Reading { rows: all, unreadable } = Reading::of(text.lines(), line);
        assert_eq!(unreadable, 2);
        assert_eq!(
            all.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(),
            ["Maps", "org.x.Nameless"]
        );
        assert_eq!(all[0].install_location.as_deref(), Some("/var/lib/flatpak/app/org.gnome.Maps"));
        assert_eq!(all[1].install_location, None);
        assert_eq!((all[0].version.as_str(), all[0].publisher.as_deref()), ("43.4", Some("flathub")));
    }
}

//! Desktop entries (freedesktop.org's Desktop Entry Specification 1.5). `Exec` is not even looked at.

use infiniservice_protocol::data::Application;

/// Longer names are no names.
const MAX_NAME_CHARS: usize = 256;

/// The application that an entry of this path describes; `None` for links, directories, hidden ones and what is none.
pub fn read(path: &str, text: &str) -> Option<Application> {
    let values = Values::of(text)?;
    let hidden = values.hidden == Some("true") || values.no_display == Some("true");
    let name = values.name.filter(|name| !name.is_empty())?;
    let applies = values.kind == Some("Application") && !hidden;
    applies.then(|| Application {
        name: unescaped(&name.chars().take(2 * MAX_NAME_CHARS).collect::<String>())
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_NAME_CHARS)
            .collect(),
        version: values.version.unwrap_or_default().chars().take(MAX_NAME_CHARS).collect(),
        install_location: Some(path.to_owned()),
        source: "desktop".into(),
        ..Application::default()
    })
}

/// The first value of each key that matters.
#[derive(Default)]
struct Values<'a> {
    name: Option<&'a str>,
    kind: Option<&'a str>,
    hidden: Option<&'a str>,
    no_display: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Values<'a> {
    /// Those of the group `Desktop Entry`, which has to be the first; in one pass, whatever the file is like.
    fn of(text: &'a str) -> Option<Self> {
        let mut lines =
            text.lines().map(str::trim).skip_while(|line| line.is_empty() || line.starts_with('#'));
        lines.next().filter(|line| *line == "[Desktop Entry]")?;
        let mut values = Self::default();
        for line in lines.take_while(|line| !line.starts_with('[')) {
            let Some((key, value)) = line.split_once('=') else { continue };
            if let Some(place) = values.place(key.trim_end()) {
                place.get_or_insert(value.trim_start());
            }
        }
        Some(values)
    }

    fn place(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
        Some(match key {
            "Name" => &mut self.name,
            "Type" => &mut self.kind,
            "Hidden" => &mut self.hidden,
            "NoDisplay" => &mut self.no_display,
            "X-AppImage-Version" => &mut self.version,
            _ => return None,
        })
    }
}

fn unescaped(text: &str) -> String {
    text.replace("\\s", " ").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vims_own_entry_is_read() {
        let found = read("/x/vim.desktop", include_str!("fixtures/vim-9.0.desktop")).unwrap();
        assert_eq!((found.name.as_str(), found.install_location.as_deref()), ("Vim", Some("/x/vim.desktop")));
    }

    #[test]
    fn hidden_entries_links_and_other_groups_are_none() {
        let entry = |rest: &str| read("/x", &format!("[Desktop Entry]\nName=X\n{rest}"));
        assert!(entry("Type=Application\n").is_some());
        for rest in [
            "Type=Link\n",
            "Type=Application\nNoDisplay=true\n",
            "Type=Application\nHidden=true\n",
            "[A]\nType=Application\n",
        ] {
            assert!(entry(rest).is_none(), "{rest}");
        }
        assert!(read("/x", "[Other]\nName=X\nType=Application\n").is_none());
    }

    #[test]
    fn a_name_is_bounded_and_has_no_control_characters() {
        let text = format!("[Desktop Entry]\nType=Application\nName=a\u{1b}[31m{}\n", "b".repeat(100_000));
        let name = read("/x", &text).unwrap().name;
        assert!(name.chars().count() == 256 && name.starts_with("a[31mb"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_left(text in any::<String>()) {
            let _ = read("/x", &format!("[Desktop Entry]\n{text}"));
        }
    }
}

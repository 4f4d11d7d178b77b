//! os-release(5), with the shell's quoting that it allows.

use super::Root;
use std::collections::BTreeMap;

/// A longer value is cut: it goes into every metrics message.
const MAX_VALUE_CHARS: usize = 256;

/// The distribution, as os-release(5) tells it. Empty text where it tells nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsRelease {
    /// `ID`: lower case, `debian`; `linux` where none is given.
    pub id: String,
    /// `ID_LIKE`: what it descends from, nearest first.
    pub id_like: Vec<String>,
    /// `NAME`: `Debian GNU/Linux`; `Linux` where none is given.
    pub name: String,
    /// `PRETTY_NAME`; made of name and version where it is missing.
    pub pretty_name: String,
    /// `VERSION_ID`: `12`; empty on rolling distributions.
    pub version_id: String,
    /// `VERSION`: `12 (bookworm)`.
    pub version: String,
    /// `VERSION_CODENAME`: `bookworm`.
    pub codename: String,
}

impl OsRelease {
    /// Reads `/etc/os-release`, or `/usr/lib/os-release` where that is missing or empty.
    pub(super) fn detect(root: &Root) -> Self {
        let paths = ["etc/os-release", "usr/lib/os-release"];
        let fields = paths.iter().filter_map(|path| root.text(path)).map(|text| fields(&text));
        Self::of(fields.into_iter().find(|fields| !fields.is_empty()).unwrap_or_default())
    }

    /// Reads the file's text.
    pub fn parse(text: &str) -> Self {
        Self::of(fields(text))
    }

    /// Whether it is `id`, or descends from it.
    pub fn is_like(&self, id: &str) -> bool {
        self.id == id || self.id_like.iter().any(|ancestor| ancestor == id)
    }

    fn of(mut fields: BTreeMap<String, String>) -> Self {
        let mut take = |key: &str| fields.remove(key).unwrap_or_default();
        let mut release = Self {
            id: take("ID").to_ascii_lowercase(),
            id_like: take("ID_LIKE").split_whitespace().map(str::to_ascii_lowercase).collect(),
            name: take("NAME"),
            pretty_name: take("PRETTY_NAME"),
            version_id: take("VERSION_ID"),
            version: take("VERSION"),
            codename: take("VERSION_CODENAME"),
        };
        release.fill_gaps();
        release
    }

    /// The defaults that os-release(5) names.
    fn fill_gaps(&mut self) {
        if self.id.is_empty() {
            self.id = "linux".into();
        }
        if self.name.is_empty() {
            self.name = "Linux".into();
        }
        if self.pretty_name.is_empty() {
            let version = if self.version.is_empty() { &self.version_id } else { &self.version };
            self.pretty_name = format!("{} {version}", self.name).trim_end().into();
        }
    }
}

/// The assignments of os-release(5); the last of a name holds, as in a shell. Lines that are none are passed over.
pub fn fields(text: &str) -> BTreeMap<String, String> {
    let text = text.trim_start_matches('\u{feff}');
    text.lines().filter_map(assignment).collect()
}

fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let (name, value) = line.split_once('=')?;
    let valid =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    valid.then(|| (name.into(), harmless(&unquote(value))))
}

/// Undoes the shell's quoting: single quotes keep all, double quotes know the backslash before `$`, `"`, `\` and `` ` ``.
fn unquote(value: &str) -> String {
    let mut out = String::new();
    let mut letters = value.chars();
    let mut open: Option<char> = None;
    while let Some(letter) = letters.next() {
        match (letter, open) {
            ('\'' | '"', None) => open = Some(letter),
            (quote, Some(current)) if quote == current => open = None,
            ('\\', None) => out.extend(letters.next()),
            ('\\', Some('"')) => out.push_str(&escaped(letters.next())),
            (space, None) if space.is_whitespace() => break,
            (other, _) => out.push(other),
        }
    }
    out
}

fn escaped(letter: Option<char>) -> String {
    match letter {
        Some(letter @ ('$' | '"' | '\\' | '`')) => letter.into(),
        Some(other) => format!("\\{other}"),
        None => String::new(),
    }
}

/// Without control characters, and cut where it is absurdly long.
fn harmless(value: &str) -> String {
    value.chars().filter(|letter| !letter.is_control()).take(MAX_VALUE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(line: &str) -> String {
        OsRelease::parse(line).name
    }

    #[test]
    fn quotes_are_the_shells() {
        assert_eq!(name("NAME=Fedora"), "Fedora");
        assert_eq!(name("NAME=\"Debian GNU/Linux\""), "Debian GNU/Linux");
        assert_eq!(name("NAME='Alpine \"Linux\"'"), "Alpine \"Linux\"");
        assert_eq!(name(r#"NAME="a \"b\" \$c \\ \d""#), r#"a "b" $c \ \d"#);
        assert_eq!(name("NAME=Half' open"), "Half open");
        assert_eq!(name("NAME=two words"), "two", "as a shell reads it");
    }

    #[test]
    fn nothing_is_expanded_or_run() {
        assert_eq!(name("NAME=\"$(touch /tmp/x) `id` ${HOME}\""), "$(touch /tmp/x) `id` ${HOME}");
    }

    #[test]
    fn lines_that_are_no_assignments_are_passed_over() {
        let text = "# NAME=comment\n\nexport NAME=no\n name=no\n=no\nNAME\nNAME=yes\r\n";
        assert_eq!(name(text), "yes");
    }

    #[test]
    fn the_last_assignment_of_a_name_holds() {
        assert_eq!(name("NAME=one\nNAME=two"), "two");
    }

    #[test]
    fn gaps_are_filled_as_the_manual_says() {
        let empty = OsRelease::parse("");
        assert_eq!(
            (empty.id.as_str(), empty.name.as_str(), empty.pretty_name.as_str()),
            ("linux", "Linux", "Linux")
        );
        assert_eq!(OsRelease::parse("NAME=X\nVERSION_ID=3").pretty_name, "X 3");
    }

    #[test]
    fn hostile_values_become_harmless() {
        let long = "x".repeat(100_000);
        assert_eq!(name(&format!("NAME=\"{long}\"")).len(), MAX_VALUE_CHARS);
        assert_eq!(name("NAME=\"a\u{1b}[2J\0b\""), "a[2Jb");
    }

    proptest! {
        #[test]
        fn no_text_gives_a_control_character_or_an_empty_name(text in "(NAME|ID|PRETTY_NAME)=[\"']?.{0,40}|.*") {
            let release = OsRelease::parse(&text);
            prop_assert!(!release.id.contains(char::is_control) && !release.pretty_name.contains(char::is_control));
            prop_assert!(!release.pretty_name.is_empty() || text.contains("NAME"));
        }
    }
}

//! Unit names: what a host may ask for (systemd.unit(5)).

/// Longest unit name, suffix included (`UNIT_NAME_MAX` less its NUL).
const MAX_LEN: usize = 255;

/// Unit types that a service command may touch; starting a target such as `poweroff.target` is none of them.
const TYPES: [&str; 4] = [".service", ".socket", ".timer", ".path"];

/// All unit types: a name that ends in none of them is a service's without its suffix.
pub(super) const ALL_TYPES: [&str; 11] = [
    ".service",
    ".socket",
    ".timer",
    ".path",
    ".target",
    ".mount",
    ".automount",
    ".swap",
    ".slice",
    ".scope",
    ".device",
];

/// A unit's name, checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnitName(String);

/// What is wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`service` must be the name of a systemd service such as \"ssh\" or \"getty@tty1.service\": {0}")]
pub struct NameError(&'static str);

impl UnitName {
    /// Checks a name as the host gave it; `.service` is appended where it ends in no unit type.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let name = match suffix(name) {
            Some(_) => name.to_owned(),
            None => format!("{name}.service"),
        };
        let suffix = suffix(&name).ok_or(NameError("it has no unit type"))?;
        if !TYPES.contains(&suffix) {
            return Err(NameError("service commands accept only services, sockets, timers and paths"));
        }
        check_prefix(name.strip_suffix(suffix).unwrap_or_default())?;
        if name.len() > MAX_LEN {
            return Err(NameError("it is longer than 255 bytes"));
        }
        Ok(Self(name))
    }

    /// The name with its suffix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `name@.service`, of which only instances can run.
    pub(crate) fn is_template(&self) -> bool {
        is_template(&self.0)
    }
}

impl std::fmt::Display for UnitName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a service command may touch units of this name's type.
pub(crate) fn is_controllable(name: &str) -> bool {
    TYPES.iter().any(|suffix| name.ends_with(suffix))
}

/// Whether a unit's name is that of a template.
pub(crate) fn is_template(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(prefix, _)| prefix.ends_with('@'))
}

/// The template of an instance: `getty@.service` of `getty@tty1.service`.
pub(crate) fn template_of(name: &str) -> Option<String> {
    let (prefix, rest) = name.split_once('@')?;
    let (_, suffix) = rest.rsplit_once('.')?;
    Some(format!("{prefix}@.{suffix}"))
}

fn suffix(name: &str) -> Option<&'static str> {
    ALL_TYPES.into_iter().find(|suffix| name.ends_with(suffix))
}

/// The alphabet of `unit_name_is_valid()`: ASCII letters, digits and `:-_.\`, and `@` before an instance.
fn check_prefix(prefix: &str) -> Result<(), NameError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    match prefix.chars().next() {
        None => Err(NameError("it is empty")),
        Some('-') => Err(NameError("it starts with a dash")),
        Some('.') => Err(NameError("it starts with a dot")),
        Some('@') => Err(NameError("it starts with @")),
        Some(_) if prefix.contains('/') => Err(NameError("it is a path")),
        Some(_) if !prefix.chars().all(allowed) => {
            Err(NameError("only ASCII letters, digits and the characters : - _ . \\ @ are allowed"))
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(name: &str) -> Option<String> {
        UnitName::parse(name).ok().map(|name| name.as_str().to_owned())
    }

    #[test]
    fn the_suffix_may_be_left_out_and_a_dot_in_a_name_is_no_suffix() {
        assert_eq!(parsed("ssh").as_deref(), Some("ssh.service"));
        assert_eq!(parsed("ssh.service").as_deref(), Some("ssh.service"));
        assert_eq!(parsed("php8.2-fpm").as_deref(), Some("php8.2-fpm.service"));
        assert_eq!(parsed("apt-daily.timer").as_deref(), Some("apt-daily.timer"));
    }

    #[test]
    fn instances_templates_and_escapes_are_names() {
        for name in [
            "getty@tty1.service",
            "getty@.service",
            r"systemd-fsck@dev-disk-by\x2duuid.service",
            "a:b_c.service",
        ] {
            assert_eq!(parsed(name).as_deref(), Some(name));
        }
        assert!(UnitName::parse("getty@").unwrap().is_template());
        assert_eq!(template_of("getty@tty1.service").as_deref(), Some("getty@.service"));
        assert_eq!(template_of("a@b.c.service").as_deref(), Some("a@.service"));
        assert_eq!(template_of("ssh.service"), None);
    }

    #[test]
    fn options_paths_and_shell_characters_are_not() {
        for name in [
            "",
            ".service",
            "-H",
            "--root=/",
            "/etc/passwd",
            "../ssh",
            "a/b",
            "a b",
            "a\n",
            "a;b",
            "$(id)",
            "a\0",
            "ssh\u{e9}",
            "@x.service",
            "*",
            "ssh?",
            "[a]",
        ] {
            assert_eq!(parsed(name), None, "{name:?}");
        }
        assert_eq!(parsed(&"x".repeat(248)), None);
        assert!(parsed(&"x".repeat(247)).is_some());
    }

    #[test]
    fn a_machine_is_not_stopped_by_starting_a_target() {
        for name in
            ["poweroff.target", "reboot.target", "-.slice", "init.scope", "home.mount", "dev-sda.swap"]
        {
            assert_eq!(parsed(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_is_safe_as_an_argument(name in "\\PC{0,40}") {
            if let Ok(unit) = UnitName::parse(&name) {
                let unit = unit.as_str();
                prop_assert!(!unit.starts_with('-') && !unit.contains('/') && unit.len() <= MAX_LEN);
                prop_assert!(unit.chars().all(|c| c.is_ascii_graphic()));
                prop_assert!(unit.starts_with(&name));
            }
        }
    }
}

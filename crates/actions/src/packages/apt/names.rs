//! Names as apt takes them (deb-control(5), deb-version(7)). What passes is
//!
//! ```text
//! package      = name [":" architecture] ["=" version]
//! name         = [a-z0-9][a-z0-9+.-]+        not ending in "-"
//! architecture = [a-z0-9][a-z0-9-]*          not ending in "-"; none of any, all, native, source, none
//! version      = [0-9][A-Za-z0-9.+~:-]*      not ending in "-" or "+"
//! ```
//!
//! apt-get(8) tries a word as it stands first. Where there is no such package or version, a last `-` makes it a removal
//! and a last `+` an installation, `^` a task, `/` a file or a suite, and `*?[~` a pattern. `name:any` and its siblings
//! are no architectures: apt takes the machine's own for them, dpkg none.

use crate::packages::PackageSpec;
use crate::packages::plan::word;

/// Words in the place of an architecture that name none of a package's own.
const PSEUDO: [&str; 5] = ["any", "all", "native", "source", "none"];

/// Takes a name apart, or says what it must be. `name-`, which apt-get reads as "remove", a file and a pattern are refused.
pub(super) fn target(package: &str) -> Result<PackageSpec, String> {
    let (qualified, version) = split(package, '=');
    let (name, architecture) = split(qualified, ':');
    let valid = is_name(name)
        && architecture.is_none_or(is_architecture)
        && version.is_none_or(is_version)
        && !package.to_ascii_lowercase().ends_with(".deb");
    if !valid {
        return Err("be the name of a Debian package, such as vim, libc6:amd64 or vim=2:9.0.1378-2".into());
    }
    Ok(PackageSpec {
        name: name.to_owned(),
        architecture: architecture.map(str::to_owned),
        version: version.map(str::to_owned),
    })
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(head, tail)| (head, Some(tail)))
}

fn is_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() >= 2 && !text.ends_with('-') && word(text, first, |c| first(c) || "+-.".contains(c))
}

fn is_architecture(text: &str) -> bool {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.ends_with('-') && !PSEUDO.contains(&text) && word(text, first, |c| first(c) || c == '-')
}

fn is_version(text: &str) -> bool {
    !text.ends_with(['-', '+'])
        && word(text, |c| c.is_ascii_digit(), |c| c.is_ascii_alphanumeric() || ".+-~:".contains(c))
}

/// `name` or `name:architecture`.
pub(super) fn qualified(target: &PackageSpec) -> String {
    match &target.architecture {
        Some(architecture) => format!("{}:{architecture}", target.name),
        None => target.name.clone(),
    }
}

/// The argument that names it to apt-get.
pub(super) fn argument(target: &PackageSpec) -> String {
    match &target.version {
        Some(version) => format!("{}={version}", qualified(target)),
        None => qualified(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_architectures_and_versions_are_taken_apart_and_put_together_again() {
        for text in [
            "vim",
            "g++",
            "libstdc++6",
            "libc6:i386",
            "0ad",
            "lib.x",
            "vim=2:9.0.1378-2",
            "a1:arm64=1.0~rc1+b2",
        ] {
            assert_eq!(argument(&target(text).unwrap()), text);
        }
        let parts = target("libc6:i386=2.36-9").unwrap();
        assert_eq!((parts.name.as_str(), parts.architecture.as_deref()), ("libc6", Some("i386")));
        assert_eq!(parts.version.as_deref(), Some("2.36-9"));
    }

    #[test]
    fn what_apt_would_take_for_something_else_is_refused() {
        let wrong = [
            "vim-",
            "-oAPT::Update::Pre-Invoke::=id",
            "--purge",
            "+vim",
            "vim*",
            "^vim$",
            "?installed",
            "~nvim",
            "Vim",
            "v",
            "./x.deb",
            "x.deb",
            "/tmp/x.deb",
            "vim/stable",
            "vim=",
            "vim=*",
            "vim:",
            "vim:amd64-",
            "vim:any",
            "vim:all",
            "vim:native",
            "vim:source",
            "vim:none",
            "vim:any=1.0",
            "vim=1.2-",
            "vim=3.0-13+",
            "vim:amd64=1-",
            "vim;id",
            "vim$(id)",
            "vim id",
            "vim\n",
            "vim\0",
            "task^",
            "",
            "vím",
            "vim=1.0=2",
            "vim=1.0/../x",
        ];
        for text in wrong {
            assert!(target(text).is_err(), "{text:?} passed");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_is_one_plain_word(text in "[-a-z0-9+.:=~^*?/ \\n$]{1,12}") {
            if let Ok(parts) = target(&text) {
                let argument = argument(&parts);
                prop_assert_eq!(&argument, &text);
                prop_assert!(!argument.starts_with(['-', '+', '.', '~', '?', '^']) && !argument.ends_with('-'));
                prop_assert!(!argument.contains(['/', '*', '?', '^', '$', ' ', '\n']));
            }
        }
    }
}

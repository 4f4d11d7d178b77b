//! `AppImages`: known by their first bytes, described by their names.

use infiniservice_protocol::data::Application;

/// How many first bytes [`is_appimage`] wants.
pub const MAGIC_BYTES: usize = 11;

/// An ELF file with `AI` and the type, 1 or 2, in the padding of its identification (the `AppImage` specification, "The type
/// 2 image format").
pub fn is_appimage(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF") && matches!(start.get(8..MAGIC_BYTES), Some(b"AI\x01" | b"AI\x02"))
}

/// `Name-1.2.3-x86_64.AppImage`; `None` where the ending is another.
pub fn described(file: &str) -> Option<Application> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_version_and_architecture_where_they_have_them() {
        let told =
            |file: &str| described(file).map(|a| (a.name, a.version, a.architecture.unwrap_or_default()));
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
}

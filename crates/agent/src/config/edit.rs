//! Sets a few values in a configuration file, as an installer does.

use super::load::Sources;
use super::own_files;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes these settings, texts all of them, into the file at `path`, and removes those without a value; the file appears
/// whole, and only if it is valid then.
///
/// # Errors
/// It cannot be read or written, or would be refused at the next start.
#[cfg_attr(
    not(target_os = "windows"),
    allow(dead_code, reason = "for the installer of Windows; tested everywhere")
)]
pub fn write(path: &Path, settings: &[(&str, Option<&str>)]) -> Result<(), String> {
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let old = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(told)?,
    };
    let text = settings.iter().fold(old, |text, (name, value)| with_setting(&text, name, *value));
    let new = path.with_extension("new");
    let _none_is_left_over = fs::remove_file(&new);
    let written = own_files::create_private(&new).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(told)?;
    let checked = check(&new).and_then(|()| fs::rename(&new, path).map_err(told));
    if checked.is_err() {
        let _ = fs::remove_file(&new);
    }
    checked
}

fn check(path: &Path) -> Result<(), String> {
    let sources =
        Sources { default_file: path.into(), config_flag: None, environment: Vec::new(), flags: Vec::new() };
    sources.load().map(drop).map_err(|errors| errors.to_string())
}

/// The text with the setting in front, if it has a value, and without the line that set it before. The file has no sections,
/// so the first line is as good a place as any.
fn with_setting(text: &str, name: &str, value: Option<&str>) -> String {
    let sets = |line: &str| {
        line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let rest: String = text.split_inclusive('\n').filter(|line| !sets(line)).collect();
    value.map_or_else(|| rest.clone(), |value| format!("{name} = {}\n{rest}", quoted(value)))
}

/// A basic string of TOML.
fn quoted(value: &str) -> String {
    let escaped: String = value
        .chars()
        .map(|letter| match letter {
            '"' | '\\' => format!("\\{letter}"),
            letter if letter.is_control() => format!("\\u{:04X}", u32::from(letter)),
            letter => letter.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use toml::de::{DeTable, DeValue};

    #[test]
    fn a_setting_replaces_itself_and_nothing_else() {
        let old = "# a comment\nvm_id=\"old\"\nvm_id_like = 1\nmax_ports = 3\n";
        assert_eq!(
            with_setting(old, "vm_id", Some("n\"e\\w")),
            "vm_id = \"n\\\"e\\\\w\"\n# a comment\nvm_id_like = 1\nmax_ports = 3\n"
        );
    }

    #[test]
    fn a_file_is_written_anew_or_kept_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("config.toml");
        write(&path, &[("vm_id", Some("one"))]).expect("written");
        write(&path, &[("vm_id", Some("two"))]).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "vm_id = \"two\"\n");
        let refused = write(&path, &[("log_level", Some("loud"))]).unwrap_err();
        assert!(refused.contains("log_level"), "{refused}");
        assert_eq!(fs::read_to_string(&path).expect("read"), "vm_id = \"two\"\n");
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1, "nothing is left over");
        write(&path, &[("vm_id", None), ("shared_secret", None)]).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "");
    }

    proptest! {
        #[test]
        fn any_value_is_read_back_as_it_was(value in any::<String>()) {
            let text = with_setting("", "vm_id", Some(&value));
            let table = DeTable::parse(&text).expect("TOML");
            let DeValue::String(read) = table.get_ref().get("vm_id").expect("set").get_ref() else { panic!() };
            prop_assert_eq!(read.as_ref(), value);
        }
    }
}

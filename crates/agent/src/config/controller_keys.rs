//! Who may seal lines to this machine: the keys in the file that `controller_keys` names, and what goes together with them.

use super::error::ConfigError;
use super::field::Value;
use super::file;
use super::layers::Merged;
use super::own_files::TrustedFile;
use infiniservice_protocol::sealed::Controllers;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NAME: &str = "controller_keys";

/// The keys; none where no file is named.
pub(super) fn read(merged: &Merged) -> Result<Option<Arc<Controllers>>, ConfigError> {
    let Some(Value::Text(path)) = merged.get(NAME) else { return without(merged).map(|()| None) };
    let path = PathBuf::from(path);
    let keys = keys_in(&path).map_err(|problem| ConfigError::File { path, problem })?;
    fits(merged, &keys).map(|()| Some(Arc::new(keys)))
}

fn keys_in(path: &Path) -> Result<Controllers, String> {
    let opened = TrustedFile::open(path).map_err(|problem| format!("{NAME} {problem}"))?;
    let file = opened.ok_or_else(|| format!("{NAME} does not exist"))?;
    Controllers::parse(&file::text_of(&file)?)
}

/// What has no meaning without keys is refused: whoever sets it believes that lines are sealed.
fn without(merged: &Merged) -> Result<(), ConfigError> {
    let closed = ["plain_metrics", "plain_reads"].into_iter().find(|name| !merged.is_on(name));
    closed.map_or(Ok(()), |name| Err(conflict(merged, name, "without controller_keys every line is plain")))
}

fn fits(merged: &Merged, keys: &Controllers) -> Result<(), ConfigError> {
    if merged.get("wire_profile") == Some(&Value::Text("infinibay".into())) {
        return Err(conflict(merged, "wire_profile", "Infinibay's host knows no sealed lines"));
    }
    if !merged.is_on("plain_metrics") && keys.monitor().is_none() {
        let why = "no key in the file has the word `monitor`, so nobody could read the metrics";
        return Err(conflict(merged, "plain_metrics", why));
    }
    Ok(())
}

fn conflict(merged: &Merged, name: &str, why: &str) -> ConfigError {
    let (origin, keys) = (merged.origin(name), merged.origin(NAME));
    ConfigError::Conflict(format!("{name} ({origin}) does not go with {NAME} ({keys}): {why}"))
}

#[cfg(test)]
mod tests {
    use super::super::own_files::create_private;
    use super::super::{Loaded, Sources};
    use super::*;
    use std::fs;
    use std::io::Write as _;

    const KEYS: [&str; 2] =
        ["4sXnRnYHRO0m4YSRBLGLhw8bUtnVqmYQPTFWQWzKwBo=", "7sXnRnYHRO0m4YSRBLGLhw8bUtnVqmYQPTFWQWzKwBo="];

    fn write(path: &Path, text: &str) {
        let _none_is_left_over = fs::remove_file(path);
        create_private(path).expect("new").write_all(text.as_bytes()).expect("written");
    }

    fn load(directory: &Path, keys: Option<&str>, more: &str) -> Result<Loaded, String> {
        let (config, file) = (directory.join("config.toml"), directory.join("keys"));
        if let Some(keys) = keys {
            write(&file, keys);
        }
        let named = keys.map(|_| format!("controller_keys = {:?}\n", file.display())).unwrap_or_default();
        write(&config, &format!("{named}{more}"));
        let sources =
            Sources { default_file: config, config_flag: None, environment: Vec::new(), flags: Vec::new() };
        sources.load().map_err(|errors| errors.to_string())
    }

    #[test]
    fn keys_are_read_from_the_file_that_is_named_and_again_at_a_reload() {
        let directory = tempfile::tempdir().expect("a directory");
        let one = format!("ops-1 {}\n", KEYS[0]);
        let mut loaded = load(directory.path(), Some(&one), "").expect("valid");
        let kids = |loaded: &Loaded| -> Vec<String> {
            loaded.controllers.iter().flat_map(|keys| keys.kids()).map(str::to_owned).collect()
        };
        assert_eq!(kids(&loaded), ["ops-1"]);
        write(&directory.path().join("keys"), &format!("ops-2 {}\n", KEYS[1]));
        loaded.reload().expect("valid");
        assert_eq!(kids(&loaded), ["ops-2"]);
        write(&directory.path().join("keys"), "ops-2 x\n");
        let why = loaded.reload().expect_err("wrong").to_string();
        assert!(why.contains("keys: line 1: a key must be"), "{why}");
        assert_eq!(kids(&loaded), ["ops-2"], "the old ones stay");
        write(&directory.path().join("config.toml"), "");
        let reloaded = loaded.reload().expect("valid");
        assert_eq!(reloaded.names_waiting(), [NAME]);
        assert_eq!(kids(&loaded), ["ops-2"], "no downgrade without a restart");
        assert!(load(directory.path(), None, "").expect("valid").controllers.is_none());
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let one = format!("ops-1 {}\n", KEYS[0]);
        let monitor = format!("{one}mon {} monitor\n", KEYS[1]);
        for (keys, more, why) in [
            (None, "plain_metrics = false\n", "without controller_keys every line is plain"),
            (None, "plain_reads = false\n", "without controller_keys every line is plain"),
            (Some(one.as_str()), "plain_metrics = false\n", "the word `monitor`"),
            (Some(&one), "wire_profile = \"infinibay\"\n", "knows no sealed lines"),
            (Some("\n"), "", "contains no key"),
        ] {
            let told = load(directory.path(), keys, more).expect_err(more);
            assert!(told.contains(why), "{told}");
        }
        load(directory.path(), Some(&monitor), "plain_metrics = false\nplain_reads = false\n")
            .expect("valid");
        fs::remove_file(directory.path().join("keys")).expect("removed");
        let named = format!("controller_keys = {:?}\n", directory.path().join("keys").display());
        assert!(load(directory.path(), None, &named).expect_err("gone").contains("does not exist"));
    }
}

//! What of the settings an exporter uses: `listen`, `log_level`, and of `[fleet]` where the engine is and who connects. The rest is
//! a hub's, so that both may have one file.

use super::{Config, DEFAULT_PATH, load};
use std::path::Path;

/// Reads the settings of an exporter.
///
/// # Errors
/// What is wrong or missing, where, and what is allowed.
pub fn load_for_exporter(path: Option<&Path>) -> Result<Config, String> {
    let config = load(path)?;
    let name = path.unwrap_or_else(|| Path::new(DEFAULT_PATH)).display();
    check(&config).map_err(|error| format!("{name}: {error}"))?;
    Ok(config)
}

fn check(config: &Config) -> Result<(), String> {
    if config.fleet.is_none() {
        return Err("an exporter needs a part `[fleet]` with the `url` of the fleet's NATS server".to_owned());
    }
    if config.listen.is_empty() {
        return Err("`listen` is empty: an exporter needs an address at which it is scraped".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("exporter.toml");
        std::fs::write(&path, text).unwrap();
        load_for_exporter(Some(&path))
    }

    #[test]
    fn an_exporter_needs_an_engine_and_an_address_and_takes_a_hubs_file() {
        let fleet = "[fleet]\nurl = \"nats://a\"\nhub = \"x\"\n";
        for (text, expected) in [
            ("", "needs a part `[fleet]` with the `url`"),
            (&*format!("listen = \"\"\n{fleet}"), "`listen` is empty"),
            (&format!("listen = \"nowhere\"\n{fleet}"), "must be an IP address"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.contains(expected) && error.contains("exporter.toml"), "{error}");
        }
        assert!(of(&format!("sources = [\"/run/{{vm}}.sock\"]\n{fleet}")).is_ok());
    }
}

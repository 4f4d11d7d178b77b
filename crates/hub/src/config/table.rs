//! When each setting comes into force: at once with a reload, or at the hub's next start.

use super::Config;
use serde_json::{Map, Value};

/// When a changed setting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// As soon as the settings are read again.
    Live,
    /// At the next start, for this reason.
    Restart(&'static str),
}

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the file.
    pub name: &'static str,
    /// When it counts.
    pub apply: Apply,
}

const LISTENS: Apply = Apply::Restart("the hub begins to listen when it starts");
const SENDS: Apply = Apply::Restart("the hub begins to send when it starts");
const CONNECTS: Apply = Apply::Restart("the hub takes its place in the fleet when it starts");
const LEDGER: Apply = Apply::Restart("the ledger is opened and locked when the hub starts");

/// All settings.
pub const SETTINGS: &[Setting] = &[
    Setting { name: "sources", apply: Apply::Live },
    Setting { name: "api_socket", apply: LISTENS },
    Setting { name: "wire_socket", apply: LISTENS },
    Setting { name: "group", apply: Apply::Live },
    Setting { name: "listen", apply: LISTENS },
    Setting { name: "secrets_dir", apply: Apply::Live },
    Setting { name: "state_dir", apply: LEDGER },
    Setting { name: "log_level", apply: Apply::Live },
    Setting { name: "otlp", apply: SENDS },
    Setting { name: "tcp", apply: LISTENS },
    Setting { name: "fleet", apply: CONNECTS },
    Setting { name: "operator", apply: Apply::Live },
    Setting { name: "tags", apply: Apply::Live },
    Setting { name: "rule", apply: Apply::Live },
];

/// What became of settings that were read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// In force now, and another value than before.
    pub changed: Vec<&'static str>,
    /// Another value than that in force, which waits for the next start; each with the reason.
    pub waiting: Vec<(&'static str, &'static str)>,
}

impl std::fmt::Display for Reloaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.changed.as_slice(), self.waiting.as_slice()) {
            ([], []) => write!(f, "nothing has changed"),
            ([], _) => write!(f, "nothing is new in force"),
            (changed, _) => write!(f, "new in force: {}", changed.join(", ")),
        }?;
        for (name, why) in &self.waiting {
            write!(f, "; {name} waits for the next start ({why})")?;
        }
        Ok(())
    }
}

impl Config {
    /// These settings, with those of `new` that may change while the hub runs.
    pub fn take_over(&self, new: &Self) -> (Self, Reloaded) {
        let (mut merged, new) = (values(self), values(new));
        let mut reloaded = Reloaded::default();
        for setting in SETTINGS {
            let after = new.get(setting.name);
            match setting.apply {
                _ if merged.get(setting.name) == after => {}
                Apply::Live => {
                    // One that has no value is left out.
                    match after {
                        Some(value) => merged.insert(setting.name.to_owned(), value.clone()),
                        None => merged.remove(setting.name),
                    };
                    reloaded.changed.push(setting.name);
                }
                Apply::Restart(why) => reloaded.waiting.push((setting.name, why)),
            }
        }
        let config = serde_json::from_value(Value::Object(merged)).unwrap_or_else(|_| self.clone());
        (config, reloaded)
    }
}

fn values(config: &Config) -> Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(values)) => values,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings of which none is left out.
    fn whole() -> Config {
        let text = "[tcp]\nlisten = \"127.0.0.1:9757\"\ncertificate = \"/c\"\nkey = \"/k\"\nclient_ca = \"/a\"\n\
                    [fleet]\nurl = \"nats://127.0.0.1:4222\"\n\
                    [[operator]]\nname = \"alice\"\nkey = \"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\"\n\
                    [[tags]]\nvms = \"web-*\"\nset = { env = \"prod\" }\n\
                    [[rule]]\nwho = [\"group:ops\"]\nvms = \"all\"\nactions = [\"ServiceControl\"]\n";
        toml::from_str(text).unwrap()
    }

    #[test]
    fn every_setting_has_its_row_and_the_page_says_when_it_counts() {
        let fields = values(&whole());
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        let mut table: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        table.sort_unstable();
        let mut sorted = names;
        sorted.sort_unstable();
        assert_eq!(table, sorted);
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hub.md");
        let page = std::fs::read_to_string(page).unwrap();
        for setting in SETTINGS {
            let name = setting.name;
            let starts = [format!("| `{name}` |"), format!("| `[{name}]` |"), format!("| `[[{name}]]` |")];
            let row = page.lines().find(|line| starts.iter().any(|start| line.starts_with(start)));
            let row = row.unwrap_or_else(|| panic!("docs/hub.md has no row of {}", setting.name));
            let says = if setting.apply == Apply::Live { "| at once |" } else { "| next start |" };
            assert!(row.ends_with(says), "{row}");
        }
    }

    #[test]
    fn what_may_change_changes_and_the_rest_waits_with_its_reason() {
        let before = Config::default();
        let new = Config { sources: vec!["/x/{vm}".into()], listen: String::new(), ..before.clone() };
        let (config, reloaded) = before.take_over(&new);
        assert_eq!((&config.sources, &config.listen), (&new.sources, &before.listen));
        assert_eq!((reloaded.changed.as_slice(), reloaded.waiting.len()), (["sources"].as_slice(), 1));
        let text = reloaded.to_string();
        assert!(text.contains("new in force: sources; listen waits for the next start"), "{text}");
        assert_eq!(before.take_over(&before).1.to_string(), "nothing has changed");
    }

    #[test]
    fn rules_come_and_go_at_once_and_tcp_waits() {
        let (without, with) = (Config::default(), whole());
        let (config, reloaded) = without.take_over(&with);
        assert_eq!((&config.rules, &config.tcp), (&with.rules, &None));
        assert_eq!((&config.operators, &config.fleet), (&with.operators, &None));
        assert_eq!(
            (reloaded.changed.as_slice(), reloaded.waiting[0].0),
            (["operator", "tags", "rule"].as_slice(), "tcp")
        );
        let (config, reloaded) = with.take_over(&without);
        assert_eq!((config.rules.len(), config.tags.len(), &config.tcp), (0, 0, &with.tcp));
        assert_eq!(
            (reloaded.changed.as_slice(), reloaded.waiting[0].0),
            (["operator", "tags", "rule"].as_slice(), "tcp")
        );
    }
}

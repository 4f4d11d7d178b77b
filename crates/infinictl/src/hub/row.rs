//! One machine as the hub's table tells of it. What a hub of another version leaves out is not known.

use serde::Deserialize;

/// What the hub sends to those who follow its table: all machines, or those that have changed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Table {
    /// The hub's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// Whether these are all machines.
    pub whole: bool,
    /// Names of machines that are forgotten.
    pub gone: Vec<String>,
    /// The machines.
    pub vms: Vec<Row>,
}

/// One machine.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Row {
    /// Its name on this host.
    pub name: String,
    /// Its hub, in a fleet of many hosts.
    #[serde(skip)]
    pub hub: Option<String>,
    /// Where its connection stands.
    pub state: String,
    /// Why it is not connected.
    pub reason: Option<String>,
    /// When it was heard last, by the hub's clock, in milliseconds since 1970.
    pub heard_ms: Option<u64>,
    /// Who its agent is.
    pub agent: Option<Agent>,
    /// Its last figures.
    pub figures: Option<Figures>,
    /// Lines that could not be read.
    pub malformed_lines: u64,
}

/// What an agent says of itself.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Agent {
    /// Its version.
    pub version: Option<String>,
    /// The operating system.
    pub os: Option<String>,
}

/// Ratios are from 0 to 1.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Figures {
    /// The address that people would use.
    pub address: Option<String>,
    /// Of all processors.
    pub cpu: Option<f64>,
    /// How many processors there are.
    pub cpus: Option<u32>,
    /// What programs cannot get without swapping.
    pub memory: Option<f64>,
    /// Of the fullest file system.
    pub disk: Option<f64>,
    /// Where that is mounted.
    pub fullest: Option<String>,
    /// Load averages of one, five and fifteen minutes; none on Windows.
    pub load: Option<[f64; 3]>,
    /// How many services have failed.
    pub failed_services: u64,
}

impl Row {
    /// Whether its agent speaks.
    pub(crate) fn is_up(&self) -> bool {
        self.state == "up"
    }

    /// Its figures, while they are fresh.
    pub(crate) fn fresh(&self) -> Option<&Figures> {
        self.figures.as_ref().filter(|_| self.is_up())
    }

    /// Whether all of these words, in small letters, are in its texts.
    pub(crate) fn has(&self, words: &[String]) -> bool {
        let figures = self.figures.as_ref();
        let os = self.agent.as_ref().and_then(|agent| agent.os.as_deref());
        let texts = [
            Some(self.name.as_str()),
            Some(self.state.as_str()),
            self.hub.as_deref(),
            os,
            figures.and_then(|figures| figures.address.as_deref()),
        ];
        let all = texts.into_iter().flatten().collect::<Vec<_>>().join("\n").to_lowercase();
        words.iter().all(|word| all.contains(word.as_str()))
    }
}

impl Figures {
    /// The load of one minute for each processor.
    pub(crate) fn load_per_cpu(&self) -> Option<f64> {
        let [one, ..] = self.load?;
        Some(one / f64::from(self.cpus.filter(|cpus| *cpus > 0)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_of_any_hub_is_read_and_what_it_leaves_out_is_not_known() {
        let row = Row::deserialize(&json!({"name": "web", "state": "up", "new": [1],
            "figures": {"load": [3.0, 1.0, 0.5], "cpus": 2, "disk": null}}));
        let row = row.unwrap();
        assert_eq!(row.fresh().unwrap().load_per_cpu(), Some(1.5));
        assert_eq!(row.fresh().unwrap().disk, None);
        assert_eq!(Figures { load: Some([1.0; 3]), ..Figures::default() }.load_per_cpu(), None);
    }

    #[test]
    fn words_are_found_in_any_of_a_machines_texts() {
        let row =
            Row::deserialize(&json!({"name": "web-1", "state": "silent", "agent": {"os": "Debian 12"}}))
                .unwrap();
        let has = |words: &[&str]| row.has(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert!(has(&[]) && has(&["web"]) && has(&["debian", "silent"]));
        assert!(!has(&["web", "windows"]));
    }
}

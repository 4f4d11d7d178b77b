//! A guest's last figures, with its lists as they came, compressed.

use infiniservice_protocol::clock::Now;
use infiniservice_protocol::metrics::{Collection, System};
use lz4_flex::block::{CompressTable, compress_into_with_table};
use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

/// Names of failed services that are kept of one machine.
pub const MAX_FAILED_SERVICES: usize = 50;
/// States of services that are counted apart; a guest cannot make them up without end.
const MAX_STATES: usize = 16;
/// Longest name of a service or a state, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// One `system_metrics` line.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When its last byte was read, by the host's clocks.
    pub received: Now,
    /// What the guest's clock said when it wrote the line, RFC 3339.
    pub timestamp: Option<String>,
    /// The agent's version.
    pub agent_version: String,
    /// The machine's figures.
    pub system: System,
    /// How the collection went.
    pub collection: Collection,
    /// Services by state.
    pub services: Services,
    /// Processes, sockets, services, plugins.
    pub lists: Lists,
}

impl Sample {
    /// The address that people would use: the first of the first interface that is up, IPv4 before IPv6.
    pub fn address(&self) -> Option<&str> {
        let interfaces = self.system.network.interfaces.iter().filter(|one| one.is_up && one.name != "lo");
        let mut addresses: Vec<_> = interfaces.flat_map(|one| &one.ip_addresses).collect();
        addresses.sort_by_key(|address| address.contains(':'));
        addresses.first().map(|address| address.as_str())
    }
}

/// How many services are in which state, and which have failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// State, such as `running`, to the number of services.
    pub by_state: BTreeMap<String, u32>,
    /// At most [`MAX_FAILED_SERVICES`] names.
    pub failed: Vec<String>,
}

#[derive(Deserialize)]
struct Service<'a> {
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(default, borrow)]
    state: Cow<'a, str>,
}

/// Counts the services of a list, one after the other: none is kept.
pub(crate) fn services(list: &str) -> Result<Services, String> {
    if list.is_empty() {
        return Ok(Services::default());
    }
    let mut reader = serde_json::Deserializer::from_str(list);
    let counted =
        (&mut reader).deserialize_seq(Counting).and_then(|services| reader.end().map(|()| services));
    counted.map_err(|error| format!("in `data.services`: {error}"))
}

struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Services;

    fn expecting(&self, formatter: &mut Formatter) -> fmt::Result {
        formatter.write_str("a list of services")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Services, A::Error> {
        let mut services = Services::default();
        while let Some(Service { name, state }) = list.next_element()? {
            services.count(&name, &state);
        }
        Ok(services)
    }
}

impl Services {
    fn count(&mut self, name: &str, state: &str) {
        let state = bounded(state);
        if let Some(count) = self.by_state.get_mut(state) {
            *count += 1;
        } else if self.by_state.len() < MAX_STATES {
            self.by_state.insert(state.to_owned(), 1);
        }
        if state == "failed" && self.failed.len() < MAX_FAILED_SERVICES {
            self.failed.push(bounded(name).to_owned());
        }
    }
}

/// The start of a text, at most [`MAX_NAME_BYTES`] long.
fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or_default()
}

thread_local! {
    /// Thousands of machines' lists are compressed one after the other in the same memory.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// Longest text whose memory is kept for the next one, in bytes. Honest lists are shorter.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// What compressing needs, beside its result.
#[derive(Default)]
struct Workspace {
    plain: Vec<u8>,
    compressed: Vec<u8>,
    table: CompressTable,
}

impl Workspace {
    fn compress(&mut self, texts: &[&str]) -> Box<[u8]> {
        self.plain.clear();
        for text in texts {
            self.plain.extend_from_slice(text.as_bytes());
        }
        let room = lz4_flex::block::get_maximum_output_size(self.plain.len());
        if self.compressed.len() < room {
            self.compressed.resize(room, 0);
        }
        let done = compress_into_with_table(&self.plain, &mut self.compressed, &mut self.table);
        // There is room for whatever it is.
        let compressed =
            done.ok().and_then(|length| self.compressed.get(..length)).unwrap_or_default().into();
        if room > MAX_KEPT_BYTES {
            *self = Self::default();
        }
        compressed
    }
}

/// The lists of a line, as they came. They are text that nobody reads until somebody asks, and a machine's are alike: they
/// are kept compressed, at about a sixth of their length.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// As long as it is and no longer: a compressor's buffer is as long as what it is given.
    compressed: Box<[u8]>,
    lengths: [usize; 4],
}

impl Lists {
    /// Keeps processes, ports, services and plugins, each JSON or empty.
    pub(crate) fn keep(lists: [&str; 4]) -> Self {
        let compressed = WORKSPACE.with_borrow_mut(|workspace| workspace.compress(&lists));
        Self { compressed, lengths: lists.map(str::len) }
    }

    /// The texts, in the order in which they were kept.
    ///
    /// # Errors
    /// A fault of the memory of this host: what was compressed cannot be read.
    pub fn texts(&self) -> Result<[String; 4], String> {
        let length = self.lengths.iter().sum();
        let bytes =
            lz4_flex::block::decompress(&self.compressed, length).map_err(|error| error.to_string())?;
        let all = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        let mut rest = all.as_str();
        Ok(self.lengths.map(|length| {
            let (list, after) = rest.split_at_checked(length).unwrap_or_default();
            rest = after;
            list.to_owned()
        }))
    }

    /// Bytes that are kept.
    pub const fn bytes(&self) -> usize {
        self.compressed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_counted_by_state_and_failed_ones_named() {
        let list = r#"[{"name":"a.service","state":"running","pid":3},{"name":"b.service","state":"failed"},
            {"name":"c.service","state":"running"}]"#;
        let services = services(list).unwrap();
        assert_eq!(services.by_state, [("failed".to_owned(), 1), ("running".to_owned(), 2)].into());
        assert_eq!(services.failed, ["b.service"]);
    }

    #[test]
    fn a_guest_that_makes_up_states_and_failures_fills_no_memory() {
        let list: Vec<_> = (0..1000)
            .map(|n| {
                format!(
                    r#"{{"name":"{}","state":"{}"}}"#,
                    "x".repeat(500),
                    if n % 2 == 0 { "failed".into() } else { format!("{n}") }
                )
            })
            .collect();
        let services = services(&format!("[{}]", list.join(","))).unwrap();
        assert_eq!((services.by_state.len(), services.failed.len()), (MAX_STATES, MAX_FAILED_SERVICES));
        assert!(services.failed.iter().all(|name| name.len() == MAX_NAME_BYTES));
    }

    #[test]
    fn a_list_that_is_none_is_told() {
        assert!(services(r#"{"name":1}"#).unwrap_err().contains("data.services"));
    }
}

//! Records of the audit: in the journal with a field for each of their parts where the hub's log goes there, else as a line of the
//! log.

use infiniservice_hub_core::audit::Record;
use infiniservice_platform::journal::Journal;

/// Where records go.
pub(super) struct AuditLog(Option<Journal>);

impl Default for AuditLog {
    fn default() -> Self {
        // systemd.exec(5): set where the log goes to the journal.
        let is_journal = std::env::var_os("JOURNAL_STREAM").is_some();
        Self(is_journal.then(Journal::open).and_then(Result::ok))
    }
}

impl AuditLog {
    /// Writes one.
    pub(super) fn record(&self, record: &Record) {
        let in_journal = self.0.as_ref().is_some_and(|journal| write(journal, record).is_ok());
        if !in_journal {
            log::info!(target: "audit", "audit: {record}");
        }
    }
}

/// `INFINIHUB_ACTOR`, `INFINIHUB_VM`, … for the attributes `infini.actor`, `infini.vm`, … of OpenTelemetry.
fn write(journal: &Journal, record: &Record) -> std::io::Result<()> {
    let message = format!("audit: {record}").replace(char::is_control, " ");
    let priority = if record.is_failure() { "5" } else { "6" };
    let trace = record.place.as_ref().map(|place| format!("{:032x}", place.trace));
    let fields = record.fields().into_iter().map(|(name, value)| (field(name), value));
    let fields: Vec<_> = fields.chain(trace.map(|trace| ("INFINIHUB_TRACE_ID".to_owned(), trace))).collect();
    let head = [
        ("MESSAGE", &*message),
        ("PRIORITY", priority),
        ("SYSLOG_IDENTIFIER", "infinihub"),
        ("INFINIHUB_EVENT", record.what.name()),
    ];
    let fields = fields.iter().map(|(name, value)| (&**name, &**value));
    journal.send(&head.into_iter().chain(fields).collect::<Vec<_>>())
}

fn field(attribute: &str) -> String {
    let name = attribute.strip_prefix("infini.").unwrap_or(attribute);
    format!("INFINIHUB_{}", name.replace('.', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_record_has_a_field_for_each_of_its_parts_and_a_clients_words_forge_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let socket = UnixDatagram::bind(&path).unwrap();
        let now = infiniservice_protocol::clock::Now { mono: Duration::ZERO, wall: UNIX_EPOCH };
        let vm: Arc<str> = "web".into();
        let id = "x\nINFINIHUB_ACTOR=nobody";
        let record = Record::decided(now, "uid 0".to_owned(), &vm, ("ServiceControl", id), Some("no"))
            .by_rule("rule \"web\"".to_owned());
        write(&Journal::at(&path).unwrap(), &record).unwrap();
        let mut bytes = [0; 4096];
        let length = socket.recv(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        for expected in [
            "INFINIHUB_EVENT\n",
            "infini.command.refused\n",
            "INFINIHUB_VM\n",
            "INFINIHUB_REFUSAL\n",
            "INFINIHUB_RULE\n",
        ] {
            assert!(text.contains(expected), "{expected}: {text:?}");
        }
        // Its length stands before the value, which may have lines.
        let length = String::from_utf8((id.len() as u64).to_le_bytes().to_vec()).unwrap();
        assert!(text.contains(&format!("INFINIHUB_COMMAND_ID\n{length}{id}\n")), "{text:?}");
    }
}

//! Records in the journal, with a field for each of their parts.

use super::{Audit, AuditRecord, LogAudit, Subject};
use infiniservice_platform::journal::Journal;
use std::sync::Arc;

/// [`Audit`] into the journal; into the log where that does not take a record.
#[derive(Debug)]
pub(crate) struct JournalAudit(Journal);

impl Audit for JournalAudit {
    fn record(&self, record: &AuditRecord) {
        let fields = fields(record);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
        if self.0.send(&fields).is_err() {
            LogAudit.record(record);
        }
    }
}

fn fields(record: &AuditRecord) -> Vec<(&'static str, String)> {
    let number = |number: u128| number.to_string();
    let mut fields = vec![
        ("MESSAGE", super::line(record)),
        ("PRIORITY", if record.success { "6" } else { "5" }.to_owned()),
        ("SYSLOG_IDENTIFIER", "infiniservice".to_owned()),
        ("INFINISERVICE_ORIGIN", record.origin.as_str().to_owned()),
        ("INFINISERVICE_RESULT", if record.success { "success" } else { "failure" }.to_owned()),
        ("INFINISERVICE_DURATION_MS", number(record.duration.as_millis())),
        ("INFINISERVICE_BYTES", number(record.output_bytes.into())),
    ];
    fields.extend(record.result().map(|result| ("INFINISERVICE_CODE", result.to_owned())));
    fields.extend(known("INFINISERVICE_ID", &record.id));
    fields.extend(known("INFINISERVICE_ACTION", &record.action));
    fields.extend(known("INFINISERVICE_PARAMETERS", &record.parameters));
    fields.extend(record.trace_id.clone().map(|id| ("INFINISERVICE_TRACE_ID", id)));
    fields.push(("INFINISERVICE_SUBJECT", subject(record.subject).to_owned()));
    if let Subject::MoreLines(count) = record.subject {
        fields.push(("INFINISERVICE_LINES", count.to_string()));
    }
    fields.extend(record.error.clone().map(|error| ("INFINISERVICE_ERROR", error)));
    fields.extend(record.exit_code.map(|code| ("INFINISERVICE_EXIT_CODE", code.to_string())));
    fields
}

/// A field that is left out where nothing is known.
fn known(name: &'static str, value: &str) -> Option<(&'static str, String)> {
    (!value.is_empty()).then(|| (name, value.to_owned()))
}

fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::Command => "command",
        Subject::Line => "line",
        Subject::MoreLines(_) => "more lines",
    }
}

/// Where this machine's records go.
pub fn of_this_machine() -> Arc<dyn Audit> {
    match Journal::open() {
        Ok(journal) => Arc::new(JournalAudit(journal)),
        Err(error) => {
            log::debug!("commands are recorded in the log, not the journal: {error}");
            Arc::new(LogAudit)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;
    use infiniservice_protocol::{ErrorCode, Rejection};
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    fn record(id: &str) -> AuditRecord {
        AuditRecord {
            subject: Subject::Command,
            origin: Origin::Host,
            id: id.into(),
            action: "PackageInstall".into(),
            parameters: "{}".into(),
            success: false,
            code: Some(ErrorCode::NotFound),
            error: Some("no such package".into()),
            exit_code: None,
            duration: Duration::from_millis(12),
            output_bytes: 7,
            trace_id: None,
        }
    }

    /// As the journal reads a datagram.
    fn read(mut bytes: &[u8]) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (name, rest) = bytes.split_at(end);
            let (length, rest) = rest[1..].split_at(8);
            let (value, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            fields.push((text(name), text(value)));
            bytes = &rest[1..];
        }
        fields
    }

    /// The fields that the journal gets of one record.
    fn sent(record: &AuditRecord) -> Vec<(String, String)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        JournalAudit(Journal::at(&path).unwrap()).record(record);
        let mut bytes = [0; 8192];
        let length = journal.recv(&mut bytes).unwrap();
        read(&bytes[..length])
    }

    #[test]
    fn of_a_bad_line_no_field_is_there_that_could_not_be_read() {
        let rejection = Rejection::new(ErrorCode::InvalidJson, "not JSON");
        let fields = sent(&AuditRecord::of_refused(&rejection));
        let has = |name: &str| fields.iter().any(|(known, _)| known == name);
        assert!(!has("INFINISERVICE_ID") && !has("INFINISERVICE_ACTION"), "{fields:?}");
        for (name, value) in [("SUBJECT", "line"), ("CODE", "INVALID_JSON"), ("RESULT", "failure")] {
            assert!(fields.contains(&(format!("INFINISERVICE_{name}"), value.into())), "{fields:?}");
        }
    }

    #[test]
    fn lines_beyond_are_one_record_with_their_number_and_without_a_code() {
        let fields = sent(&AuditRecord::of_more_refused(968));
        assert!(fields.contains(&("INFINISERVICE_LINES".into(), "968".into())), "{fields:?}");
        assert!(fields.contains(&("INFINISERVICE_SUBJECT".into(), "more lines".into())), "{fields:?}");
        assert!(fields.iter().all(|(name, _)| name != "INFINISERVICE_CODE"), "{fields:?}");
    }

    #[test]
    fn a_record_arrives_with_a_field_for_each_of_its_parts_and_a_value_forges_none() {
        let hostile = "a\nINFINISERVICE_RESULT=success";
        let fields = sent(&record(hostile));
        let value = |name: &str| {
            let found: Vec<_> = fields.iter().filter(|(known, _)| known == name).collect();
            assert_eq!(found.len(), 1, "{name}");
            found[0].1.clone()
        };
        assert_eq!(value("INFINISERVICE_ID"), hostile);
        assert_eq!(value("INFINISERVICE_RESULT"), "failure");
        assert_eq!(value("INFINISERVICE_CODE"), "NOT_FOUND");
        assert_eq!(
            (value("INFINISERVICE_DURATION_MS"), value("INFINISERVICE_BYTES")),
            ("12".into(), "7".into())
        );
        assert_eq!(value("INFINISERVICE_ACTION"), "PackageInstall");
        assert!(!value("MESSAGE").contains('\n'));
    }
}

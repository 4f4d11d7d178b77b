//! A record as an event of Windows' log: which id, and its parts in an order that stays.

use super::{AuditRecord, Subject, line};
use crate::event_log::{self, EVENT_STRINGS, Event, Kind};
use infiniservice_protocol::ErrorCode;

/// Longest part, in letters: ten of them stay below what one event takes, 61,440 bytes.
const PART_CHARS: usize = 1024;

/// The event of a record.
pub(super) fn event(record: &AuditRecord) -> Event {
    let number = |number: u128| number.to_string();
    let result = record.result().unwrap_or_default().to_owned();
    let parts: [String; EVENT_STRINGS] = [
        line(record),
        record.id.clone(),
        record.action.clone(),
        result,
        record.error.clone().unwrap_or_default(),
        record.parameters.clone(),
        record.exit_code.map(|code| code.to_string()).unwrap_or_default(),
        number(record.duration.as_millis()),
        number(record.output_bytes.into()),
        record.origin.as_str().to_owned(),
    ]
    .map(|part| part.chars().take(PART_CHARS).collect());
    let kind = if record.success { Kind::Information } else { Kind::Warning };
    Event::new(kind, id(record), &parts.each_ref().map(String::as_str))
}

fn id(record: &AuditRecord) -> u32 {
    match record.subject {
        Subject::Line => event_log::LINE_REFUSED,
        Subject::MoreLines(_) => event_log::MORE_LINES_REFUSED,
        Subject::Command if record.success => event_log::COMMAND_SUCCEEDED,
        Subject::Command if record.code.is_some_and(is_refusal) => event_log::COMMAND_REFUSED,
        Subject::Command => event_log::COMMAND_FAILED,
    }
}

/// Codes of commands that were not tried.
fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UnknownAction
            | ErrorCode::InvalidParameter
            | ErrorCode::DuplicateId
            | ErrorCode::QueueFull
            | ErrorCode::UnsafeDisabled
            | ErrorCode::ActionBlocked
            | ErrorCode::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Asked;
    use infiniservice_protocol::{Rejection, Response};

    fn failed(code: ErrorCode) -> AuditRecord {
        let response = Response::failed("7f%3a", "PackageInstall", code, "no such\npackage");
        Asked::new("PackageInstall", r#"{"package":"x"}"#).answered(&response)
    }

    #[test]
    fn a_record_becomes_an_event_with_its_parts_in_their_order() {
        let event = event(&failed(ErrorCode::NotFound));
        assert_eq!((event.kind, event.id), (Kind::Warning, 101));
        let parts: Vec<&str> = event.strings.iter().map(String::as_str).collect();
        assert!(parts[0].contains("PackageInstall") && !parts[0].contains('\n'), "{parts:?}");
        let rest = [
            "7f% 3a",
            "PackageInstall",
            "NOT_FOUND",
            "no such package",
            r#"{"package":"x"}"#,
            "",
            "0",
            "0",
            "host",
        ];
        assert_eq!(parts[1..], rest);
    }

    #[test]
    fn of_many_lines_no_code_is_told() {
        assert_eq!(event(&AuditRecord::of_more_refused(7)).strings[3], "");
    }

    #[test]
    fn what_came_of_it_chooses_the_id() {
        let refused = Rejection::new(ErrorCode::InvalidJson, "not JSON");
        let success = AuditRecord { success: true, code: None, ..failed(ErrorCode::Internal) };
        for (record, id) in [
            (success, 100),
            (failed(ErrorCode::Timeout), 101),
            (failed(ErrorCode::ActionBlocked), 102),
            (failed(ErrorCode::UnsafeDisabled), 102),
            (AuditRecord::of_refused(&refused), 103),
            (AuditRecord::of_more_refused(7), 104),
        ] {
            assert_eq!(event(&record).id, id, "{record:?}");
        }
    }

    #[test]
    fn the_longest_record_fits_into_an_event() {
        let long = "ä%1".repeat(100_000);
        let record =
            AuditRecord { id: long.clone(), error: Some(long.clone()), ..failed(ErrorCode::Internal) };
        let bytes: usize = event(&record).strings.iter().map(|part| 2 * part.encode_utf16().count()).sum();
        assert!(bytes < 61_440, "{bytes}");
    }
}

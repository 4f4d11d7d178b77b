//! What `ServiceLogs` makes of recorded entries of the journal and of events.

use super::journal;
use super::*;
use infiniservice_exec::Captured;
use proptest::prelude::*;
use std::time::{Duration, UNIX_EPOCH};

/// `journalctl -o json --output-fields=... --all -r -u lab-logs` of systemd 252: the newest first. The second has a newline
/// and a tab, the first bytes that are no UTF-8.
const RECORDED: &str = include_str!("../../../tests/fixtures/service-logs/journalctl-252.json");

/// What is read of journalctl's output.
fn found(text: &str, truncated: bool) -> Found {
    let mut found = Found::at_most(1000);
    let output = Captured { truncated, ..Captured::from(text.to_owned()) };
    journal::read_all(&output, "now", &mut found);
    found
}

fn read(text: &str) -> Option<LogLine> {
    found(text, false).lines.pop()
}

fn cut(text: &str) -> LogLine {
    let mut found = found(text, true);
    assert!(found.more);
    found.lines.pop().unwrap()
}

fn line(message: &str) -> LogLine {
    LogLine { message: message.into(), ..LogLine::default() }
}

#[test]
fn recorded_entries_are_read_with_all_that_they_say() {
    let Found { lines, more, .. } = found(RECORDED, false);
    assert_eq!((lines.len(), more), (RECORDED.lines().count(), false));
    let own: Vec<&LogLine> = lines.iter().filter(|line| line.identifier.as_deref() == Some("lab")).collect();
    let messages: Vec<&str> = own.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(messages, ["caf\u{e9} \u{fffd}!", "an error\n\tin two lines"]);
    let priorities: Vec<_> = own.iter().map(|line| line.priority).collect();
    assert_eq!(priorities, [Some(LogPriority::Info), Some(LogPriority::Err)]);
    assert!(own.iter().all(|line| line.pid.is_some() && line.time.starts_with("20")));
    let manager = lines.iter().find(|line| line.identifier.as_deref() == Some("systemd")).unwrap();
    assert_eq!((manager.pid, manager.priority), (Some(1), Some(LogPriority::Info)));
}

#[test]
fn what_an_entry_lacks_is_absent_and_what_is_none_is_passed_over() {
    let bare = read(r#"{"__REALTIME_TIMESTAMP":"1700000000001999","MESSAGE":null}"#).unwrap();
    assert_eq!(bare, LogLine { time: "2023-11-14T22:13:20.001Z".into(), ..LogLine::default() });
    let kernel =
        r#"{"__REALTIME_TIMESTAMP":"0","_COMM":"x","SYSLOG_PID":"7","PRIORITY":"9","MESSAGE":["a","b"]}"#;
    let read_back = read(kernel).unwrap();
    assert_eq!((read_back.identifier.as_deref(), read_back.pid), (Some("x"), Some(7)));
    assert_eq!((read_back.priority, read_back.message.as_str()), (None, "a"));
    for none in ["", "-- No entries --", "[]", r#"{"MESSAGE":"x"}"#, r#"{"__REALTIME_TIMESTAMP":"x"}"#] {
        assert_eq!(read(none), None, "{none}");
    }
}

#[test]
fn of_an_entry_that_was_cut_the_beginning_is_read_wherever_that_was() {
    let text = r#"{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1700000000000000","PRIORITY":"3","MESSAGE":"a\\b\n\u001b\"é"}"#;
    let all = read(text).unwrap();
    let begin = text.find("\"a").unwrap() + 1;
    for at in (begin..text.len() - 2).filter(|at| text.is_char_boundary(*at)) {
        let read = cut(&text[..at]);
        assert!(all.message.starts_with(&read.message), "{at}: {:?}", read.message);
        assert_eq!((read.priority, read.cut), (Some(LogPriority::Err), true), "{at}");
    }
    assert_eq!(cut(r#"{"__REALTIME_TIMESTAMP":"0","MESSAGE":[104,105,25"#).message, "hi");
    // Its time may stand behind what was cut.
    let first = cut(r#"{"PRIORITY":"2","MESSAGE":"lo"#);
    assert_eq!((first.time.as_str(), first.message.as_str()), ("now", "lo"));
    let second = cut(&format!("{text}\n{{\"PRIORITY\":\"2\",\"MESSAGE\":\"lo"));
    assert_eq!(second.time, all.time);
    let nothing = found(r#"{"_COM"#, true);
    assert!(nothing.lines.is_empty() && nothing.more);
}

#[test]
fn what_is_wanted_is_asked_of_journalctl_with_one_line_more() {
    let query = Query {
        service: "ssh".into(),
        lines: Some(1000),
        priority: Some(LogPriority::Warning),
        since: Some("1h".into()),
        until: Some("1970-01-01T02:00:00.25Z".into()),
    };
    let wanted = query.wanted(UNIX_EPOCH + Duration::from_hours(2)).unwrap();
    let request = journal::request("ssh.service", &wanted);
    for argument in [
        "--unit=ssh.service",
        "--lines=1001",
        "--priority=warning",
        "--since=@3600.000000",
        "--until=@7200.250000",
    ] {
        assert!(request.arguments.iter().any(|one| one == argument), "{argument}: {request:?}");
    }
    let usual = Query::default().wanted(UNIX_EPOCH).unwrap();
    assert_eq!(journal::request("a.service", &usual).arguments.len(), 7);
}

#[test]
fn a_span_that_ends_before_it_begins_is_refused() {
    let query = Query { since: Some("1h".into()), until: Some("2h".into()), ..Query::default() };
    let error = query.wanted(UNIX_EPOCH + Duration::from_hours(5)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidParameter);
    assert!(error.error.contains("1970-01-01T03:00:00.000Z is before 1970-01-01T04:00:00.000Z"), "{error}");
}

#[test]
fn lines_beyond_a_bound_are_left_out_and_that_is_told() {
    let mut found = Found::at_most(2);
    assert!(found.take(line("b")).is_continue() && found.take(line("a")).is_continue());
    assert!(found.take(line("left out")).is_break());
    let data = found.data("a.service");
    assert_eq!((data.lines.len(), data.truncated), (2, Some(TruncatedLines { lines: 3 })));
    let mut found = Found::at_most(2);
    assert!(found.take(line("only one")).is_continue());
    assert_eq!(found.data("a.service").truncated, None);
}

#[test]
fn long_messages_are_cut_and_all_together_are_bounded() {
    let mut found = Found::at_most(1000);
    while found.take(line(&"é".repeat(MESSAGE_MAX_BYTES))).is_continue() {}
    let data = found.data("a.service");
    assert!(data.lines.iter().all(|line| line.cut && line.message.len() == MESSAGE_MAX_BYTES));
    assert_eq!(data.lines.len(), ANSWER_MAX_BYTES / (MESSAGE_MAX_BYTES + LINE_BYTES));
    assert!(data.truncated.is_some());
}

/// As the schema of events has it (`event.xsd`).
const EVENT: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
    <Provider Name='Service Control Manager' Guid='{555908d1-a6d7-4695-8e1e-26931d2012f4}' EventSourceName='SCM'/>\
    <EventID Qualifiers='16384'>7036</EventID><Version>0</Version><Level>2</Level>\
    <TimeCreated SystemTime='2026-11-23T06:30:00.1234567Z'/><Execution ProcessID='612' ThreadID='700'/></System>\
    <EventData><Data Name='param1'>A &lt;b&gt; &amp;amp; c</Data><Data/><Data Name='param2'>running</Data></EventData></Event>";

#[test]
fn an_event_has_its_sources_text_or_else_its_values() {
    let told = events::read(EVENT, Some("The A service\r\nentered the running state.\r\n".into())).unwrap();
    assert_eq!(told.message, "The A service\nentered the running state.");
    assert_eq!((told.time.as_str(), told.priority), ("2026-11-23T06:30:00.123Z", Some(LogPriority::Err)));
    assert_eq!((told.identifier.as_deref(), told.pid), (Some("Service Control Manager"), Some(612)));
    assert_eq!(events::read(EVENT, None).unwrap().message, "event 7036\nA <b> &amp; c\nrunning");
    assert_eq!(events::read("<Event>", None), None);
}

#[test]
fn events_are_asked_for_by_source_level_and_time() {
    let wanted = Wanted { priority: Some(LogPriority::Err), since: Some(UNIX_EPOCH), ..Wanted::default() };
    assert_eq!(
        events::query("Service Control Manager", &wanted),
        "*[System[Provider[@Name='Service Control Manager'] and (Level=1 or Level=2) and \
         TimeCreated[@SystemTime>='1970-01-01T00:00:00.000Z']]]"
    );
    assert_eq!(events::query("a", &Wanted::default()), "*[System[Provider[@Name='a']]]");
    assert!(events::can_name("a b/c") && !events::can_name("a' or '1'='1"));
}

proptest! {
    #[test]
    fn any_line_and_any_event_is_read(text: String, truncated: bool, inner: String) {
        let _ = found(&text, truncated);
        let _ = found(&format!("{{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\"{inner}"), truncated);
        let _ = (events::read(&text, None), events::query(&inner, &Wanted::default()));
        let _ = events::read(&format!("<TimeCreated SystemTime='{inner}'/><Data>{inner}</System><Data>{inner}"), None);
    }
}

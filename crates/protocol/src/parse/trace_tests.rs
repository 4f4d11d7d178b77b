//! A request's place in a trace: read where it is one, and otherwise of no effect.

use crate::host::Traced;
use crate::{HostMessage, parse_host_line};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn read(kind: &str, traceparent: &str) -> HostMessage {
    let line = format!("{{\"type\":{kind},\"id\":\"i\",\"traceparent\":{traceparent},\"tracestate\":7}}");
    parse_host_line(&line).unwrap_or_else(|rejection| panic!("{line}: {rejection}"))
}

#[test]
fn a_valid_one_is_read_and_a_malformed_one_is_told_but_refuses_nothing() {
    let raw = "\"UnsafeCommand\",\"raw_command\":\"true\"";
    let HostMessage::Traced(Traced { context, message }) = read(raw, &format!("\"{PARENT}\"")) else {
        panic!()
    };
    assert_eq!(context.map(|context| context.traceparent().to_owned()).as_deref(), Some(PARENT));
    for wrong in ["\"no\"", "7", "{}", "\"\""] {
        let HostMessage::Traced(traced) = read(raw, wrong) else { panic!("{wrong}") };
        assert_eq!(traced, Traced { context: None, message: message.clone() }, "{wrong}");
    }
    assert_eq!(read(raw, "null"), *message);
}

#[test]
fn messages_that_cannot_be_traced_are_as_they_were() {
    let parent = format!("\"{PARENT}\"");
    assert_eq!(read("\"Hello\"", &parent), HostMessage::Hello { id: Some("i".into()), accept: vec![] });
    let cancel = read("\"Cancel\",\"target\":\"t\"", &parent);
    assert!(matches!(cancel, HostMessage::Cancel { .. }), "{cancel:?}");
}

//! One line of the host: parsed or answered, its action typed or refused, plain or signed; nothing panics, every
//! answer fits and is ASCII, and what was understood is read back from what it is written as.
#![no_main]

use infiniservice_protocol::envelope::Verifier;
use infiniservice_protocol::{Action, Body, HostMessage, LineItem, parse_host_item, parse_host_line};
use libfuzzer_sys::fuzz_target;
use std::time::UNIX_EPOCH;

fuzz_target!(|bytes: &[u8]| {
    let item = match std::str::from_utf8(bytes) {
        Ok(text) => LineItem::Line(text.to_owned()),
        Err(error) => LineItem::InvalidUtf8 { line: bytes.to_vec(), valid_up_to: error.valid_up_to() },
    };
    if let LineItem::Line(line) = &item {
        let _ = Verifier::new("secret").verify(0, line);
    }
    match parse_host_item(&item, 4096) {
        Ok(message) => understood(&message),
        Err(rejection) => {
            let mut line = Vec::new();
            Body::encode_within(&mut rejection.into_message(), 16 * 1024).finish(UNIX_EPOCH, &mut line);
            assert!(line.is_ascii() && line.len() <= 16 * 1024 + 1);
        }
    }
});

fn understood(message: &HostMessage) {
    if let HostMessage::SafeCommand(command) = message {
        let _ = Action::parse(&command.action, &command.params);
    }
    let again = parse_host_line(message.to_line(UNIX_EPOCH).trim_end());
    // Floats may lose their last bit in text; everything else must be the same.
    assert!(again.as_ref() == Ok(message) || holds_float(message), "{message:?} became {again:?}");
}

fn holds_float(message: &HostMessage) -> bool {
    matches!(message, HostMessage::SafeCommand(command) if format!("{:?}", command.params).contains('.')
        || format!("{:?}", command.params).contains('e'))
}

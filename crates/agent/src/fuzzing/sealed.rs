//! Sealed lines, both ways, and the file of controllers.

use super::with_a_bit_changed;
use infiniservice_protocol::envelope::EnvelopeError;
use infiniservice_protocol::sealed::{Controllers, HostEnd, KEY_BYTES, KeyPair, Opener, Random, seal_answer};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

const NOW: u64 = 1_700_000_000_000;

fn pair(n: u8) -> KeyPair {
    KeyPair::from_bytes([n; KEY_BYTES])
}

/// No bytes are a sealed line or a file that ends the reader; what is sealed is opened once and as it was, and with one bit changed
/// never as something else.
pub fn lines(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(controllers) = Controllers::parse(&text) {
        let again: Vec<_> =
            controllers.kids().filter_map(|kid| controllers.find(kid)).map(ToString::to_string).collect();
        assert_eq!(Controllers::parse(&again.join("\n")).as_ref(), Ok(&controllers));
    }
    let known = Arc::new(Controllers::parse(&format!("ops {}", pair(2).public())).expect("valid"));
    let host = HostEnd::new("ops", pair(2), pair(1).public().clone());
    let opener = || Opener::new(pair(1), Arc::clone(&known));
    assert!(opener().open(0, NOW, &text).is_err(), "taken: {text}");
    assert!(!matches!(host.open(&text), Some(Ok(_))), "taken: {text}");
    let mut random: Random = [0; KEY_BYTES];
    random.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    commands(&text, bytes, &host, &mut opener(), random);
    let to = known.find("ops").expect("known");
    let body = seal_answer(&pair(1), to, None, bytes.trim_ascii(), random).expect("sealed");
    let mut answer = Vec::new();
    body.finish(UNIX_EPOCH, &mut answer);
    let answer = String::from_utf8(answer).expect("ASCII");
    if let Ok(line) = std::str::from_utf8(bytes.trim_ascii()) {
        assert_eq!(host.open(answer.trim_end()).and_then(Result::ok).as_deref(), Some(line));
    }
}

fn commands(text: &str, bytes: &[u8], host: &HostEnd, opener: &mut Opener, random: Random) {
    let line = host.seal((NOW, "n"), None, text, random).expect("sealed");
    let changed = String::from_utf8_lossy(&with_a_bit_changed(line.as_bytes(), bytes)).into_owned();
    if let Ok(opened) = opener.open(0, NOW, &changed) {
        assert_eq!(opened.payload, text, "taken: {changed}");
    } else {
        assert_eq!(opener.open(0, NOW, &line).map(|opened| opened.payload).as_deref(), Ok(text));
    }
    assert_eq!(opener.open(0, NOW, &line), Err(EnvelopeError::Replayed));
}

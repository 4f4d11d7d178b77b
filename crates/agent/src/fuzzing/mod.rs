//! What is fuzzed: every reader of what others write, and what must hold whatever they write.
//!
//! Here, and not in `fuzz/`, because readers are no part of the library's interface. Compiled for this crate's tests, which
//! replay the corpora below `fuzz/corpus`, and under the feature `fuzzing`, for cargo-fuzz. Never in a release.

use infiniservice_actions::autochecks::checks::clock;
use infiniservice_actions::autochecks::journal;
use infiniservice_actions::fuzzing::{fits_the_wire, logs, sent, text};
use infiniservice_actions::inventory::{self, bundles, desktop};
use infiniservice_actions::packages::{Parsed, Reading, fuzzing as packages};
use infiniservice_channel::diagnose::service_state;
use infiniservice_collector::user_names::parse::names as user_names;
use infiniservice_platform::os_detection::OsRelease;
use infiniservice_protocol::compression::{Codec, Decoder, Encoder};
use infiniservice_protocol::data::Application;
use infiniservice_protocol::envelope::{EnvelopeError, MAX_NONCE_CHARS, Signer, Verifier};
use infiniservice_protocol::host::{BatchCommand, SafeCommand, Traced};
use infiniservice_protocol::{
    Action, Body, GuestLine, HostMessage, LineDecoder, LineItem, parse_guest_line, parse_host_item,
    parse_host_line,
};
use std::time::UNIX_EPOCH;

mod sealed;

/// A target: panics where something that must hold does not.
pub type Target = fn(&[u8]);

/// All targets, by the names of their files in `fuzz/fuzz_targets` and their corpora.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("apt", infiniservice_actions::packages::fuzzing::apt),
    ("codec", codec),
    ("compression", compression),
    ("config", crate::config::fuzzing::file),
    ("dpkg", dpkg),
    ("envelope", envelope),
    ("guest_line", guest_line),
    ("host_line", host_line),
    ("inventory", inventory),
    ("netlink", infiniservice_collector::fuzzing::netlink),
    ("os_release", os_release),
    ("plugins", infiniservice_plugins::fuzzing::plugins),
    ("proc", proc),
    ("qga", infiniservice_qga::fuzzing::session),
    ("rpm", rpm),
    ("sealed", sealed::lines),
    ("tools", tools),
    ("winget", infiniservice_actions::packages::fuzzing::winget),
    ("zypper", infiniservice_actions::packages::fuzzing::zypper),
];

/// Runs the target of this name; a name that is none is a fault of the caller's.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("{name} is no target")).1(bytes);
}

const BOUND: usize = 32;
const MAX_ANSWER_BYTES: usize = 16 << 10;

/// Any bytes in any chunks: the items are those of all bytes at once, and memory keeps to its bound. The first byte tells how many
/// of the next are sizes of chunks.
pub fn codec(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return };
    let (sizes, bytes) = rest.split_at(usize::from(*count).min(rest.len()));
    let sizes = || sizes.iter().map(|size| usize::from(*size) + 1);
    let taken = |decoder: &mut LineDecoder, chunk: &[u8]| {
        decoder.push(chunk);
        std::iter::from_fn(|| decoder.next()).collect()
    };
    let whole = items(bytes, std::iter::once(bytes.len().max(1)), taken);
    assert_eq!(whole, items(bytes, sizes(), taken));
    let given = |decoder: &mut LineDecoder, chunk: &[u8]| {
        let mut items = Vec::new();
        decoder.each(chunk, |line| items.push(line.into()));
        items
    };
    assert_eq!(whole, items(bytes, sizes(), given));
}

/// The items of `bytes` fed in chunks of `sizes`, the rest at once, to a decoder that is read so.
fn items(
    bytes: &[u8],
    mut sizes: impl Iterator<Item = usize>,
    read: impl Fn(&mut LineDecoder, &[u8]) -> Vec<LineItem>,
) -> Vec<LineItem> {
    let mut decoder = LineDecoder::new(BOUND);
    let mut items = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(rest.len()).min(rest.len());
        let (chunk, tail) = rest.split_at(size);
        items.extend(read(&mut decoder, chunk).into_iter().map(without_count));
        assert!(decoder.buffered() <= BOUND);
        rest = tail;
    }
    items
}

/// How much of an oversized line had come when it was told depends on the chunks.
fn without_count(item: LineItem) -> LineItem {
    match item {
        LineItem::TooLong { .. } => LineItem::TooLong { bytes: 0 },
        other => other,
    }
}

/// One line of the host: parsed or answered, its action typed or refused; every answer fits and is ASCII, and what was
/// understood is read back from what it is written as.
pub fn host_line(bytes: &[u8]) {
    let item = match std::str::from_utf8(bytes) {
        Ok(text) => LineItem::Line(text.to_owned()),
        Err(error) => LineItem::InvalidUtf8 { line: bytes.to_vec(), valid_up_to: error.valid_up_to() },
    };
    match parse_host_item(&item, 4096) {
        Ok(message) => understood(&message),
        Err(rejection) => {
            let mut line = Vec::new();
            let mut answer = rejection.into_message();
            Body::encode_within(&mut answer, MAX_ANSWER_BYTES).finish(UNIX_EPOCH, &mut line);
            assert!(line.is_ascii() && line.len() <= MAX_ANSWER_BYTES + 1);
        }
    }
}

fn understood(message: &HostMessage) {
    if let HostMessage::SafeCommand(command) = message.untraced() {
        let _ = Action::parse(&command.action, &command.params);
    }
    let again = parse_host_line(message.to_line(UNIX_EPOCH).trim_end());
    // Of a malformed place in a trace nothing is sent on.
    let message = match message {
        HostMessage::Traced(Traced { context: None, message }) => message.as_ref(),
        other => other,
    };
    // Floats may lose their last bit in text; everything else must be the same.
    assert!(again.as_ref() == Ok(message) || holds_float(message), "{message:?} became {again:?}");
}

fn holds_float(message: &HostMessage) -> bool {
    let holds = |command: &SafeCommand| format!("{:?}", command.params).contains(['.', 'e']);
    match message.untraced() {
        HostMessage::SafeCommand(command) => holds(command),
        HostMessage::Batch(batch) => batch
            .commands
            .iter()
            .any(|command| matches!(command, BatchCommand::Safe(command) if holds(command))),
        _ => false,
    }
}

/// One line of the guest, as the host's client reads it: what was understood can be sent on.
pub fn guest_line(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(GuestLine::Known(message)) = parse_guest_line(&text) {
        sent(message);
    }
}

/// Longest line that a compressed one of this target may hold.
const DECODED: usize = 64 << 10;

/// Bytes as a compressed line: read within their bound, or not at all. As the text of a line of the guest they are read as they
/// were, alone and after another; and with a byte changed as they were, or not at all.
pub fn compression(bytes: &[u8]) {
    let mut decoder = Decoder::new(DECODED);
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines() {
        if let Ok(Some(within)) = decoder.decode(line) {
            assert!(within.len() <= DECODED && !within.contains('\n'));
        }
    }
    let mut encoder = Encoder::default();
    encoder.accept(&Codec::ALL);
    let mut decoder = Decoder::new(usize::MAX);
    for kind in ["system_metrics", "system_metrics", "response", "system_metrics"] {
        let line = serde_json::json!({ "text": text.repeat(1 + 3000 / (text.len() + 1)) }).to_string();
        let line = format!("{{\"type\":\"{kind}\",{}", line.get(1..).unwrap_or_default());
        let Some(coded) = encoder.encode(format!("{line}\n").as_bytes()) else { continue };
        let changed = decoder.clone().decode(&String::from_utf8_lossy(&with_a_bit_changed(&coded, bytes)));
        assert!(!matches!(changed, Ok(Some(read)) if read != line), "taken for {line}");
        let coded = String::from_utf8_lossy(&coded);
        assert_eq!(decoder.decode(coded.trim_end()).ok().flatten().as_deref(), Some(line.as_str()));
    }
}

const NOW: u64 = 1_700_000_000_000;
/// No seed is signed with it, and nobody finds a signature by trying.
const SECRET: &str = "signs nothing but what this target signs";

/// Bytes as a line are never taken. Bytes as a payload are, once, and a line with one bit changed gives that payload or none.
pub fn envelope(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(Verifier::new(SECRET).verify(NOW, &text).is_err(), "taken: {text}");
    let nonce: String = text.chars().filter(|c| !c.is_control()).take(MAX_NONCE_CHARS).collect();
    if nonce.is_empty() {
        return;
    }
    let line = Signer::new(SECRET).sign(NOW, &nonce, &text);
    let mut verifier = Verifier::new(SECRET);
    assert_eq!(verifier.verify(NOW, &line).as_deref(), Ok(&*text));
    assert_eq!(verifier.verify(NOW, &line), Err(EnvelopeError::Replayed));
    let changed = String::from_utf8_lossy(&with_a_bit_changed(line.as_bytes(), bytes)).into_owned();
    let taken = Verifier::new(SECRET).verify(NOW, &changed);
    assert!(taken.is_err() || taken.as_deref() == Ok(&*text), "taken: {changed}");
}

fn with_a_bit_changed(line: &[u8], by: &[u8]) -> Vec<u8> {
    let mut line = line.to_vec();
    let which = by.iter().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let at = which % line.len().max(1);
    if let Some(byte) = line.get_mut(at) {
        *byte ^= 1 << (which / 7 % 8);
    }
    line
}

/// With the sign that it was cut.
const MAX_NAME_CHARS: usize = 257;
const MAX_OS_RELEASE_CHARS: usize = 4096;

/// os-release(5): no control character, nothing absurdly long, never nameless.
pub fn os_release(bytes: &[u8]) {
    let release = OsRelease::parse(&text(bytes));
    let named = [&release.id, &release.name, &release.pretty_name];
    assert!(named.iter().all(|value| !value.is_empty()) || bytes.contains(&b'='), "{release:?}");
    for value in named.into_iter().chain([&release.version, &release.version_id, &release.codename]) {
        assert!(!value.contains(char::is_control), "{value:?}");
        assert!(value.chars().count() <= MAX_OS_RELEASE_CHARS, "{} characters", value.chars().count());
    }
    assert!(release.is_like(&release.id));
}

/// `dpkg-query`, for the package commands and for the inventory.
pub fn dpkg(bytes: &[u8]) {
    packages::dpkg(bytes);
    let text = text(bytes);
    let all = Reading::of(text.lines(), inventory::dpkg::line).rows;
    for one in &all {
        let _ = inventory::dpkg::lists(one);
    }
    assert!(inventory::dpkg::owned(&text).iter().all(|path| path.starts_with('/')));
    fits_the_wire(&inventory::select(all, None, None));
}

/// `rpm` and `dnf`, for the package commands and for the inventory.
pub fn rpm(bytes: &[u8]) {
    packages::rpm(bytes);
    let text = text(bytes);
    let paths = ["/usr/share/applications/vim.desktop".to_owned()];
    assert!(inventory::rpm::owned(&paths, &text).len() <= 1);
    let all = Reading::of(text.lines(), inventory::rpm::lines()).rows;
    fits_the_wire(&inventory::select(all, None, None));
}

/// Desktop entries, `AppImages`, flatpak and snap: made by whoever made the application.
pub fn inventory(bytes: &[u8]) {
    let text = text(bytes);
    let read = |line: fn(&str) -> Parsed<Application>| Reading::of(text.lines(), line).rows;
    let mut all = [read(bundles::flatpak_line), read(bundles::snap_line)].concat();
    all.extend(desktop::read("/usr/share/applications/x.desktop", &text));
    all.extend(bundles::appimage(&text));
    let _ = bundles::is_appimage(bytes);
    let (filter, count) = (text.chars().take(8).collect::<String>(), all.len());
    let found = inventory::select(all.clone(), Some(&filter), Some(3));
    assert!(found.applications.len() <= 3 && found.count as usize <= count);
    for one in inventory::select(all, None, None).applications {
        assert!(!one.name.contains(char::is_control), "{:?}", one.name);
    }
}

/// `journalctl --output=json`, `timedatectl show` and `systemctl show`; `getent` and systemd's user database, where a directory
/// service chooses the names.
pub fn tools(bytes: &[u8]) {
    let text = text(bytes);
    let _ = journal::parse(&text);
    logs(&text);
    let _ = clock::parse_status(&text);
    let _ = service_state::parse("infiniservice", &text);
    for name in user_names(bytes, &text) {
        assert!(!name.contains(char::is_control) && name.chars().count() <= MAX_NAME_CHARS, "{name:?}");
    }
}

/// `/proc`, `/sys`, passwd(5) and fstab(5), by the collector's readers and by those of the checks.
fn proc(bytes: &[u8]) {
    infiniservice_collector::fuzzing::proc(bytes);
    infiniservice_actions::fuzzing::checks(bytes);
}

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod tests;

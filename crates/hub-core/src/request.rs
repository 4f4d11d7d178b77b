//! A client's line for a guest: read far enough to find its answers, and passed on unchanged. A signed or sealed line could
//! not be rewritten.

use infiniservice_protocol::action::UNSAFE_COMMAND;
use infiniservice_protocol::envelope::unchecked_payload;
use infiniservice_protocol::host::{BatchCommand, SafeCommand};
use infiniservice_protocol::parse::SEALED;
use infiniservice_protocol::sealed::is_sealed;
use infiniservice_protocol::trace::TraceContext;
use infiniservice_protocol::{Action, ActionName, ErrorCode, HostMessage, Rejection, parse_host_line};
use serde::Deserialize;
use std::collections::BTreeSet;

/// What may change anything: a message that this hub does not know or cannot read, and in rules all changes.
pub const ALL_ACTIONS: &str = "*";

/// Longest name of an action that is kept, in bytes: a client may make them up.
const MAX_WHAT_BYTES: usize = 128;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// What the hub does itself: it answers heartbeats, and lines are not compressed for it.
    Swallowed,
    /// A ping, answered by `keep_alive` with its number.
    Ping(u64),
    /// `Hello`, answered to all who asked.
    Hello,
    /// Something that is answered by ids.
    Command(Command),
    /// A message that this hub does not know, or cannot look into, without an id: it may change something.
    Unknown,
    /// A message without an id, such as `Metrics`: what comes of it goes to all.
    Unanswered,
}

/// A request with ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its own id, and of a batch those of its commands.
    pub ids: Vec<String>,
    /// The action's name, or the message's type.
    pub what: String,
    /// Whether it takes one of the guest's places for commands. Others, such as `Cancel`, must not wait behind those that do.
    pub takes_a_place: bool,
    /// Seconds that it asks for, where it does.
    pub timeout_secs: Option<u64>,
    /// What of it may change something in the guest, by the names that rules have for it; none where it only tells.
    pub changes: Vec<String>,
    /// The id of the command that it ends, if it does.
    pub cancels: Option<String>,
    /// Its place in a trace, where the request has one.
    pub trace: Option<TraceContext>,
    /// Who asks, as the audit names it; empty until somebody says so.
    pub by: String,
}

impl Command {
    /// The id of the request itself.
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }
}

/// Reads a line of a client.
///
/// # Errors
/// The refusal, in the guest's own words: such a line does not reach the guest.
pub fn read(line: &str) -> Result<Request, Rejection> {
    if is_sealed(line.as_bytes()) {
        return Ok(of_unknown(sealed_id(line), Some(SEALED.to_owned())));
    }
    let payload = unchecked_payload(line);
    match parse_host_line(payload.as_deref().unwrap_or(line)) {
        Ok(HostMessage::Hello { accept, .. }) if !accept.is_empty() => Err(not_compressed()),
        Ok(message) => Ok(with_trace(of_message(message.untraced()), &message)),
        // A guest may be newer than its hub.
        Err(Rejection { code: ErrorCode::UnknownType, id, command_type, .. }) => {
            Ok(of_unknown(id, command_type))
        }
        Err(rejection) => Err(rejection),
    }
}

/// With its place in a trace, and a name that is not longer than what is kept of it.
fn with_trace(mut request: Request, message: &HostMessage) -> Request {
    if let Request::Command(command) = &mut request {
        cut(&mut command.what);
    }
    if let (Request::Command(command), HostMessage::Traced(traced)) = (&mut request, message) {
        command.trace.clone_from(&traced.context);
    }
    request
}

#[derive(Deserialize)]
struct Sealed {
    #[serde(default)]
    id: Option<String>,
}

/// What is in a sealed line only the guest can tell: by its id, where it has one in the open, its answers are known.
fn sealed_id(line: &str) -> Option<String> {
    serde_json::from_str::<Sealed>(line).ok()?.id
}

/// A guest that compressed its lines for one client would do so for all, and for the hub.
fn not_compressed() -> Rejection {
    let error =
        "lines are not compressed through a hub, which reads them for all: say `Hello` without `accept`";
    Rejection::new(ErrorCode::Unsupported, error)
}

fn of_message(message: &HostMessage) -> Request {
    let command = || Command {
        ids: message.answered_ids().into_iter().map(str::to_owned).collect(),
        ..Command::default()
    };
    let beside = |what: &str| Request::Command(Command { what: what.to_owned(), ..command() });
    let place = |what: &str, timeout_secs| {
        let (what, changes) = (what.to_owned(), changes(message));
        Request::Command(Command { what, takes_a_place: true, timeout_secs, changes, ..command() })
    };
    match message {
        HostMessage::KeepAliveResponse { .. } | HostMessage::ZReset => Request::Swallowed,
        HostMessage::KeepAliveRequest { sequence_number } => Request::Ping(*sequence_number),
        HostMessage::Hello { .. } => Request::Hello,
        HostMessage::Metrics { id: Some(_) } => beside("Metrics"),
        HostMessage::SafeCommand(it) => place(&it.action, it.timeout),
        HostMessage::UnsafeCommand(it) => place(UNSAFE_COMMAND, it.timeout),
        HostMessage::Cancel { target, .. } => {
            let (what, cancels) = ("Cancel".to_owned(), Some(target.clone()));
            Request::Command(Command { what, cancels, ..command() })
        }
        HostMessage::Subscribe(_) => beside("Subscribe"),
        HostMessage::Unsubscribe(_) => beside("Unsubscribe"),
        HostMessage::Batch(it) => place("Batch", it.timeout),
        HostMessage::Metrics { id: None } | HostMessage::Traced(_) => Request::Unanswered,
    }
}

/// What of a message may change something, each once.
pub(crate) fn changes(message: &HostMessage) -> Vec<String> {
    let all: BTreeSet<_> = match message {
        HostMessage::SafeCommand(it) => of_safe(it).into_iter().collect(),
        HostMessage::UnsafeCommand(_) => BTreeSet::from([UNSAFE_COMMAND.to_owned()]),
        HostMessage::Batch(it) => it.commands.iter().filter_map(of_part).collect(),
        _ => BTreeSet::new(),
    };
    all.into_iter().collect()
}

fn of_part(command: &BatchCommand) -> Option<String> {
    match command {
        BatchCommand::Safe(command) => of_safe(command),
        BatchCommand::Unsafe(_) => Some(UNSAFE_COMMAND.to_owned()),
    }
}

/// The action of a command, unless this very command only tells: `status` of a service and a dry run do. What this hub does not
/// know may change something.
fn of_safe(command: &SafeCommand) -> Option<String> {
    let only_tells = match Action::parse(&command.action, &command.params) {
        Ok(action) => action.is_read_only(),
        Err(_wrong) => ActionName::from_name(&command.action).is_some_and(ActionName::is_read_only),
    };
    (!only_tells).then(|| command.action.clone())
}

fn of_unknown(id: Option<String>, what: Option<String>) -> Request {
    let Some(id) = id else { return Request::Unknown };
    let (ids, mut what) = (vec![id], what.unwrap_or_default());
    cut(&mut what);
    let changes = vec![ALL_ACTIONS.to_owned()];
    Request::Command(Command { ids, what, takes_a_place: true, changes, ..Command::default() })
}

/// It is kept as long as the command runs, and in the audit.
fn cut(what: &mut String) {
    what.truncate(what.floor_char_boundary(MAX_WHAT_BYTES));
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_protocol::envelope::Signer;

    const HOST: &str = include_str!("../../protocol/golden/host.jsonl");

    #[test]
    fn every_golden_line_of_a_host_is_taken() {
        for line in HOST.lines() {
            let refused = line.contains("\"accept\"").then_some(ErrorCode::Unsupported);
            assert_eq!(read(line).err().map(|rejection| rejection.code), refused, "{line}");
        }
    }

    #[test]
    fn a_batch_is_answered_by_its_own_id_and_those_of_its_commands() {
        let line = r#"{"type":"Batch","id":"b","commands":[{"type":"SafeCommand","id":"1","command_type":{"action":"ServiceList"}},
            {"type":"SafeCommand","id":"2","command_type":{"action":"ServiceList"}}],"timeout":9}"#;
        let Ok(Request::Command(command)) = read(line) else { panic!() };
        assert_eq!(command.ids, ["b", "1", "2"]);
        assert_eq!((command.timeout_secs, command.changes), (Some(9), vec![]));
    }

    #[test]
    fn a_signed_line_is_read_by_what_it_envelops() {
        let payload = r#"{"type":"keep_alive_request","sequence_number":7}"#;
        let signed = Signer::new("secret").sign(1_795_415_400_000, "n-1", payload);
        assert_eq!(read(&signed), Ok(Request::Ping(7)));
    }

    #[test]
    fn what_may_change_something_is_known_as_such() {
        let changes = |line: &str| match read(line).unwrap() {
            Request::Command(command) => command.changes,
            other => panic!("{other:?}"),
        };
        let batch = |inner: &str| format!(r#"{{"type":"Batch","id":"b","commands":[{inner}]}}"#);
        let safe = |id: u32, kind: &str| {
            format!(r#"{{"type":"SafeCommand","id":"{id}","command_type":{{"action":{kind}}}}}"#)
        };
        let (list, raw) =
            (safe(1, r#""ServiceList""#), r#"{"type":"UnsafeCommand","id":"2","raw_command":"id"}"#);
        let control = |n, operation| {
            safe(n, &format!(r#""ServiceControl","service":"nginx","operation":"{operation}""#))
        };
        for tells in [&list, &control(1, "status"), &safe(1, r#""DiskCleanup","dry_run":true"#)] {
            assert_eq!((changes(tells), changes(&batch(tells))), (vec![], vec![]), "{tells}");
        }
        assert_eq!(changes(raw), [UNSAFE_COMMAND]);
        assert_eq!(changes(&control(1, "restart")), ["ServiceControl"]);
        assert_eq!(changes(&safe(1, r#""DiskCleanup","dry_run":false"#)), ["DiskCleanup"]);
        let mixed = [list, raw.to_owned(), control(3, "stop"), control(4, "start")].join(",");
        assert_eq!(changes(&batch(&mixed)), ["ServiceControl", UNSAFE_COMMAND]);
        assert_eq!(changes(&safe(1, r#""OfTheFuture""#)), ["OfTheFuture"]);
        assert_eq!(changes(r#"{"type":"OfTheFuture","id":"x"}"#), [ALL_ACTIONS]);
    }

    #[test]
    fn an_action_that_a_client_makes_up_is_kept_in_short() {
        for kind in [r#""SafeCommand","command_type":{"action":"WHAT"}"#, r#""WHAT""#] {
            let line = format!(r#"{{"type":{},"id":"x"}}"#, kind.replace("WHAT", &"é".repeat(500)));
            let Ok(Request::Command(command)) = read(&line) else { panic!("{line:.80}") };
            assert!(command.what.len() <= MAX_WHAT_BYTES, "{}", command.what.len());
        }
    }

    #[test]
    fn nobody_has_a_guest_compress_its_lines_for_all() {
        let rejection = read(r#"{"type":"Hello","accept":["lz4"]}"#).unwrap_err();
        assert_eq!(rejection.code, ErrorCode::Unsupported);
        assert_eq!(read(r#"{"type":"Hello","accept":[]}"#), Ok(Request::Hello));
        assert_eq!(read(r#"{"type":"ZReset"}"#), Ok(Request::Swallowed));
    }

    #[test]
    fn what_the_guest_would_refuse_does_not_reach_it_but_what_it_may_know_does() {
        assert_eq!(read("{").unwrap_err().code, ErrorCode::InvalidJson);
        let long = format!(r#"{{"type":"Cancel","id":"{}","target":"x"}}"#, "i".repeat(400));
        assert_eq!(read(&long).unwrap_err().code, ErrorCode::InvalidMessage);
        let Ok(Request::Command(command)) = read(r#"{"type":"OfTheFuture","id":"x"}"#) else { panic!() };
        assert_eq!(command.ids, ["x"]);
        assert_eq!(read(r#"{"type":"OfTheFuture"}"#), Ok(Request::Unknown));
    }
}

//! Properties: any chunking of anything gives every good line; what is encoded is read back; nothing panics.

use infiniservice_protocol::batch::{BatchResult, Mode, OnError, Outcome};
use infiniservice_protocol::compression::Codec;

use infiniservice_protocol::host::{
    Batch, BatchCommand, SafeCommand, Subscribe, Traced, UnsafeCommand, Unsubscribe, Wanted,
};
use infiniservice_protocol::stream::Fields;
use infiniservice_protocol::text::one_line;
use infiniservice_protocol::trace::TraceContext;
use infiniservice_protocol::{
    Action, Body, GuestLine, GuestMessage, HostMessage, LineDecoder, LineItem, Response, parse_guest_line,
    parse_host_item, parse_host_line,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::time::UNIX_EPOCH;

const BOUND: usize = 48;

/// What the codec must give for one line, without the number that depends on the chunks.
#[derive(Clone, Debug, PartialEq)]
enum Expected {
    Good(String),
    TooLong,
    NotUtf8,
}

fn seen(item: &LineItem) -> Expected {
    match item {
        LineItem::Line(line) => Expected::Good(line.clone()),
        LineItem::TooLong { bytes } => {
            assert!(*bytes > BOUND);
            Expected::TooLong
        }
        LineItem::InvalidUtf8 { .. } => Expected::NotUtf8,
    }
}

/// The codec in its simplest form: all bytes at once, no bound on memory.
fn model(bytes: &[u8]) -> Vec<Expected> {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    let unfinished = lines.pop().unwrap_or_default();
    let mut items: Vec<_> = lines.into_iter().filter_map(model_line).collect();
    items.extend((unfinished.len() > BOUND).then_some(Expected::TooLong));
    items
}

fn model_line(line: &[u8]) -> Option<Expected> {
    if line.len() > BOUND {
        return Some(Expected::TooLong);
    }
    let blank = |char| matches!(char, ' ' | '\t' | '\r');
    match std::str::from_utf8(line) {
        Ok(text) if text.trim_matches(blank).is_empty() => None,
        Ok(text) => Some(Expected::Good(text.trim_matches(blank).to_owned())),
        Err(_) => Some(Expected::NotUtf8),
    }
}

/// Feeds `bytes` in chunks of the given sizes, over and over.
fn decode(decoder: &mut LineDecoder, bytes: &[u8], sizes: &[usize]) -> Vec<Expected> {
    let mut items = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (chunk, tail) = rest.split_at(rest.len().min(*size));
        decoder.push(chunk);
        while let Some(item) = decoder.next() {
            items.push(seen(&item));
        }
        assert!(decoder.buffered() <= BOUND, "{} bytes are held between two chunks", decoder.buffered());
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    items
}

/// One line with its newline: good, blank, oversized, torn in a character, noise.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let good = "[ \t]{0,3}\\{\"[a-zé€😀]{0,4}\":[0-9]{1,5}\\}[ \t]{0,3}".prop_map(String::into_bytes);
    let body = prop_oneof![
        4 => good,
        1 => "[ \t\r]{0,5}".prop_map(String::into_bytes),
        1 => vec(b' '..b'~', BOUND + 1..5 * BOUND),
        1 => Just("x\u{1f600}".as_bytes().get(..4).unwrap_or_default().to_vec()),
        2 => vec(any::<u8>(), 0..2 * BOUND),
    ];
    (body, any::<bool>()).prop_map(|(mut body, crlf)| {
        body.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
        body
    })
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(1..200_usize, 1..20)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991..=9_007_199_254_740_991_i64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn id() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,256}"
}

fn subscribe() -> impl Strategy<Value = HostMessage> {
    let names: Vec<_> = Fields::all_names().collect();
    let fields = vec(proptest::sample::select(names), 1..5).prop_map(|names| {
        let mut fields = Fields::default();
        assert!(names.into_iter().all(|name| fields.add(name)));
        fields
    });
    let wanted = prop_oneof![
        (250..=3_600_000_u64, fields).prop_map(|(interval_ms, fields)| Wanted::New { interval_ms, fields }),
        (1..=9_007_199_254_740_991_u64).prop_map(|subscription| Wanted::Longer { subscription }),
    ];
    (id(), wanted, 1..=300_u64)
        .prop_map(|(id, wanted, lease_secs)| HostMessage::Subscribe(Subscribe { id, wanted, lease_secs }))
}

fn safe_command() -> impl Strategy<Value = SafeCommand> {
    let params = btree_map("[a-z_]{1,8}", json().prop_filter("null is absent", |v| !v.is_null()), 0..5);
    (id(), any::<String>(), params, proptest::option::of(1..u64::MAX)).prop_map(
        |(id, action, params, timeout)| {
            let progress = action.len() % 2 == 0;
            let params: Map<_, _> = params.into_iter().collect();
            SafeCommand { id, action, params, timeout, progress }
        },
    )
}

fn raw_command() -> impl Strategy<Value = UnsafeCommand> {
    let text = "[^\\x00\\s]{1,40}";
    let env = btree_map("[^=\\x00]{1,8}", "[^\\x00]{0,8}", 0..4);
    let option = || proptest::option::of(text);
    let shell = proptest::option::of(prop_oneof![Just("bash"), Just("sh"), Just("cmd"), Just("powershell")]);
    (id(), text, shell, proptest::option::of(1..u64::MAX), option(), env, option()).prop_map(
        |(id, raw_command, shell, timeout, working_dir, env, run_as)| UnsafeCommand {
            id,
            raw_command,
            shell: shell.map(str::to_owned),
            timeout,
            working_dir,
            env_vars: env.into_iter().collect(),
            run_as,
            progress: false,
        },
    )
}

/// Batches whose ids differ, as they must.
fn batch() -> impl Strategy<Value = HostMessage> {
    let one = prop_oneof![
        safe_command().prop_map(BatchCommand::Safe),
        raw_command().prop_map(BatchCommand::Unsafe)
    ];
    let mode = prop_oneof![Just(Mode::Sequential), Just(Mode::Parallel)];
    let on_error = prop_oneof![Just(OnError::Stop), Just(OnError::Continue)];
    (id(), vec(one, 1..5), mode, on_error, proptest::option::of(1..u64::MAX)).prop_map(
        |(id, mut commands, mode, on_error, timeout)| {
            commands.retain(|command| command.id() != id);
            commands.sort_by(|a, b| a.id().cmp(b.id()));
            commands.dedup_by(|a, b| a.id() == b.id());
            if commands.is_empty() {
                let id = if id == "x" { "y" } else { "x" };
                let raw_command = "true".to_owned();
                let raw = UnsafeCommand { id: id.into(), raw_command, ..UnsafeCommand::default() };
                commands.push(BatchCommand::Unsafe(raw));
            }
            HostMessage::Batch(Batch { id, commands, mode, on_error, timeout })
        },
    )
}

/// With a place in a trace, where such a message may have one.
fn traced() -> impl Strategy<Value = HostMessage> {
    let state = proptest::option::of("[ -~]{1,512}");
    let ids = (1..=u128::MAX, 1..=u64::MAX, any::<u8>());
    (untraced(), ids, state).prop_map(|(message, (trace, parent, flags), state)| {
        let traceparent = format!("00-{trace:032x}-{parent:016x}-{flags:02x}");
        let context = TraceContext::read(&traceparent, state.as_deref());
        assert!(context.is_some(), "{traceparent}");
        if message.may_be_traced() {
            HostMessage::Traced(Traced { context, message: Box::new(message) })
        } else {
            message
        }
    })
}

fn host_message() -> impl Strategy<Value = HostMessage> {
    prop_oneof![3 => untraced(), 1 => traced()]
}

fn untraced() -> impl Strategy<Value = HostMessage> {
    let sequence = 0..=9_007_199_254_740_991_u64;
    prop_oneof![
        proptest::option::of(id()).prop_map(|id| HostMessage::Metrics { id }),
        (proptest::option::of(id()), any::<bool>()).prop_map(|(id, compressed)| {
            let accept = if compressed { vec![Codec::Lz4] } else { Vec::new() };
            HostMessage::Hello { id, accept }
        }),
        Just(HostMessage::ZReset),
        (id(), 1..=9_007_199_254_740_991_u64)
            .prop_map(|(id, subscription)| HostMessage::Unsubscribe(Unsubscribe { id, subscription })),
        subscribe(),
        (id(), id()).prop_map(|(id, target)| HostMessage::Cancel { id, target }),
        sequence.clone().prop_map(|sequence_number| HostMessage::KeepAliveResponse { sequence_number }),
        sequence.prop_map(|sequence_number| HostMessage::KeepAliveRequest { sequence_number }),
        safe_command().prop_map(HostMessage::SafeCommand),
        raw_command().prop_map(HostMessage::UnsafeCommand),
        batch(),
    ]
}

fn response() -> impl Strategy<Value = GuestMessage> {
    (id(), any::<String>(), any::<String>(), json()).prop_map(|(id, stdout, stderr, data)| {
        GuestMessage::Response(Response { stdout, stderr, ..Response::ok(id, "ServiceList", data) })
    })
}

/// A text as it arrives in `data`: without U+0000, and with a blank for what steers a terminal.
fn harmless(text: &str) -> String {
    one_line(&text.replace('\0', "")).into_owned()
}

/// A value as it arrives.
fn arrived(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(harmless(&text)),
        Value::Array(items) => items.into_iter().map(arrived).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, value)| (harmless(&key), arrived(value))).collect()
        }
        other => other,
    }
}

fn line_of(message: &GuestMessage) -> String {
    let mut out = Vec::new();
    Body::encode(message).finish(UNIX_EPOCH, &mut out);
    String::from_utf8(out).expect("a line is ASCII")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_of_any_mixture_gives_every_line(lines in vec(line(), 0..20), sizes in sizes()) {
        let bytes = lines.concat();
        let mut decoder = LineDecoder::new(BOUND);
        prop_assert_eq!(decode(&mut decoder, &bytes, &sizes), model(&bytes));
    }

    #[test]
    fn a_torn_stream_and_its_successor_give_every_whole_line(
        lines in vec(line(), 0..10), cut in any::<prop::sample::Index>(), after in vec(line(), 0..10), sizes in sizes()
    ) {
        let before = lines.concat();
        let torn = before.get(..cut.index(before.len() + 1)).unwrap_or_default();
        let mut decoder = LineDecoder::new(BOUND);
        prop_assert_eq!(decode(&mut decoder, torn, &sizes), model(torn));
        decoder.reset();
        let after = after.concat();
        prop_assert_eq!(decode(&mut decoder, &after, &sizes), model(&after));
    }
}

proptest! {
    // Each case here is a whole tree of JSON.
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_message_of_the_host_is_read_back_as_it_was_sent(message in host_message()) {
        let line = message.to_line(UNIX_EPOCH);
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert_eq!(parse_host_line(line.trim_end()).unwrap(), message);
    }

    #[test]
    fn a_response_is_read_back_as_it_was_sent_but_for_what_steers_a_terminal(message in response()) {
        let line = line_of(&message);
        let newline = line.find('\n');
        prop_assert!(line.is_ascii() && newline == Some(line.len() - 1));
        let Ok(GuestLine::Known(GuestMessage::Response(read))) = parse_guest_line(&line) else {
            return Err(TestCaseError::fail(line));
        };
        let GuestMessage::Response(sent) = message else { unreachable!() };
        prop_assert_eq!(read.stdout, sent.stdout.replace('\0', ""));
        prop_assert_eq!(read.stderr, sent.stderr.replace('\0', ""));
        prop_assert_eq!(read.data, arrived(sent.data));
    }

    #[test]
    fn a_cut_message_keeps_to_its_bound(mut message in response(), max in 16_384..20_000_usize, times in 0..60_usize) {
        if let GuestMessage::Response(response) = &mut message {
            let list = vec![response.data.clone(); times];
            response.stdout = response.stdout.repeat(times * 10);
            response.data = serde_json::json!({ "list": list, "text": response.stderr.repeat(times) });
        }
        let body = Body::encode_within(&mut message, max);
        prop_assert!(body.line_bytes() <= max);
        prop_assert!(parse_guest_line(&line_of(&message)).is_ok());
    }

    #[test]
    fn the_result_of_a_batch_keeps_to_its_bound_and_tells_what_it_left_out(
        ids in vec(id(), 1..64), max in 2048..20_000_usize
    ) {
        let outcomes: Vec<_> = ids.into_iter().map(|id| Outcome { id, ..Outcome::default() }).collect();
        let whole = outcomes.len();
        let mut message = GuestMessage::BatchResult(BatchResult { id: "b".into(), outcomes, ..BatchResult::default() });
        prop_assert!(Body::encode_within(&mut message, max).line_bytes() <= max);
        let GuestMessage::BatchResult(result) = message else { unreachable!() };
        let told = result.outcomes_truncated.map_or(result.outcomes.len() as u64, |total| total);
        prop_assert_eq!(told, whole as u64);
    }

    #[test]
    fn no_line_makes_the_parser_panic(bytes in vec(any::<u8>(), 0..300)) {
        let mut decoder = LineDecoder::new(200);
        decoder.push(&bytes);
        decoder.push(b"\n");
        while let Some(item) = decoder.next() {
            if let Err(rejection) = parse_host_item(&item, 200) {
                prop_assert!(line_of(&rejection.into_message()).is_ascii());
            }
        }
    }

    #[test]
    fn a_message_with_bytes_changed_is_read_or_answered(
        message in host_message(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = message.to_line(UNIX_EPOCH).into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        match parse_host_line(&String::from_utf8_lossy(&bytes)) {
            Ok(HostMessage::SafeCommand(command)) => drop(Action::parse(&command.action, &command.params)),
            Ok(_) => {}
            Err(rejection) => prop_assert!(!rejection.error.is_empty()),
        }
    }

    #[test]
    fn no_json_makes_an_action_panic(name in 0..17_usize, params in btree_map("[a-z_]{1,16}", json(), 0..6)) {
        let name = infiniservice_protocol::ActionName::ALL[name].name();
        let _ = Action::parse(name, &params.into_iter().collect());
    }
}

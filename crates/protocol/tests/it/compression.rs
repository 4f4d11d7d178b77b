//! Compressed lines: their exact bytes, and that whatever happens on the way the host reads the line as it was, or knows that it
//! did not.

use crate::golden::{assert_golden, guest_lines, now};
use crate::samples;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use infiniservice_protocol::compression::{Codec, Decoder, Encoder, Garbled, MIN_LINE_BYTES, is_compressed};
use infiniservice_protocol::metrics::{Process, SystemMetrics};
use infiniservice_protocol::{Body, GuestMessage, LineDecoder, LineItem, Response, parse_host_line};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const MAX: usize = 1 << 20;

fn encoder() -> Encoder {
    let mut encoder = Encoder::default();
    encoder.accept(&[Codec::Lz4]);
    encoder
}

/// Metrics of a machine whose figures move a little from one line to the next.
fn metrics(round: u64, processes: u64) -> String {
    let mut metrics = SystemMetrics::default();
    metrics.data.system.uptime_seconds = 30 * round;
    metrics.data.processes = (0..processes)
        .map(|pid| Process {
            pid: 100 + pid as u32,
            name: format!("worker-{pid}"),
            cpu_percent: (round * 7 + pid * 13) as f64 % 100.0,
            ..Process::default()
        })
        .collect();
    line(&GuestMessage::SystemMetrics(metrics), round)
}

fn response(stdout: &str) -> String {
    line(
        &GuestMessage::Response(Response {
            stdout: stdout.into(),
            ..Response::ok("c-1", "UnsafeCommand", json!({}))
        }),
        0,
    )
}

fn line(message: &GuestMessage, round: u64) -> String {
    let mut out = Vec::new();
    Body::encode(message).finish(now() + Duration::from_secs(30 * round), &mut out);
    String::from_utf8(out).unwrap()
}

/// The line as it goes over the wire.
fn sent(encoder: &mut Encoder, line: &str) -> String {
    encoder.encode(line.as_bytes()).map_or_else(|| line.to_owned(), |coded| String::from_utf8(coded).unwrap())
}

/// The line as the host reads it.
fn read(decoder: &mut Decoder, line: &str) -> Result<String, Garbled> {
    let line = line.trim_end_matches('\n');
    Ok(decoder.decode(line)?.unwrap_or_else(|| line.to_owned()) + "\n")
}

fn members(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

#[test]
fn compressed_lines_stand_on_the_wire_as_they_always_did_and_are_read_back() {
    let stdout = "a line of output\n".repeat(200);
    let plain = [metrics(0, 20), metrics(1, 20), response(&stdout), metrics(2, 20)];
    let mut encoder = encoder();
    let lines: String = plain.iter().map(|line| sent(&mut encoder, line)).collect();
    assert_golden("z.jsonl", &lines);
    let mut decoder = Decoder::new(MAX);
    for (line, plain) in lines.lines().zip(&plain) {
        assert!(
            line.is_ascii() && parse_host_line(line).expect_err(line).from_guest,
            "as a host's line: {line}"
        );
        assert_eq!(&read(&mut decoder, line).unwrap(), plain);
    }
    let told = |line: &str| (members(line)["n"].as_u64(), members(line)["prev"].as_u64());
    let numbers: Vec<_> = lines.lines().map(told).collect();
    assert_eq!(numbers, [(Some(1), None), (Some(2), Some(1)), (None, None), (Some(3), Some(2))]);
}

#[test]
fn only_long_lines_of_chosen_types_are_compressed_and_only_for_who_asked() {
    let long = metrics(0, 40);
    assert_eq!(Encoder::default().encode(long.as_bytes()), None, "nobody asked");
    let mut encoder = encoder();
    assert_eq!(encoder.encode(response("short").as_bytes()), None);
    assert_eq!(encoder.encode(&long.as_bytes()[..long.len() - 1]), None, "no whole line");
    for kind in ["hello", "sealed", "z", "keep_alive", "responses", "of_a_later_version"] {
        let line = format!("{{\"type\":\"{kind}\",\"text\":\"{}\"}}\n", "x".repeat(2 * MIN_LINE_BYTES));
        assert_eq!(encoder.encode(line.as_bytes()), None, "{kind}");
    }
    for line in guest_lines(&samples::guest()).lines().filter(|line| line.starts_with("{\"type\":\"hello\""))
    {
        assert_eq!(encoder.encode(format!("{line}\n").as_bytes()), None);
    }
    assert!(encoder.encode(long.as_bytes()).is_some());
    encoder.end();
    assert_eq!(encoder.encode(long.as_bytes()), None, "the host went");
}

#[test]
fn what_does_not_get_shorter_goes_as_it_is_and_is_no_dictionary() {
    let mut encoder = encoder();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let noise: String = (0..3000).map(|_| without_pattern(&mut state)).collect();
    let line = response(&noise);
    assert_eq!(encoder.encode(line.as_bytes()), None);
    assert!(is_compressed(&sent(&mut encoder, &metrics(0, 40))));
}

/// Characters without a pattern that lz4 would find (xorshift), the same in each run.
fn without_pattern(state: &mut u64) -> char {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    char::from(b'!' + (*state % 90) as u8)
}

#[test]
fn a_line_that_is_lost_is_noticed_and_after_a_reset_the_next_one_stands_alone() {
    let (mut encoder, mut decoder) = (encoder(), Decoder::new(MAX));
    read(&mut decoder, &sent(&mut encoder, &metrics(0, 40))).unwrap();
    sent(&mut encoder, &metrics(1, 40));
    let second = sent(&mut encoder, &metrics(2, 40));
    assert_eq!(read(&mut decoder, &second), Err(Garbled::UnknownPrev { prev: 2 }));
    encoder.reset();
    let third = sent(&mut encoder, &metrics(3, 40));
    assert_eq!(members(&third)["prev"], Value::Null);
    assert_eq!(read(&mut decoder, &third).unwrap(), metrics(3, 40));
    assert_eq!(read(&mut decoder, &sent(&mut encoder, &metrics(4, 40))).unwrap(), metrics(4, 40));
}

#[test]
fn a_new_connection_needs_nothing_of_the_one_before_and_never_takes_it_for_its_own() {
    let (mut encoder, mut old) = (encoder(), Decoder::new(MAX));
    for round in 0..3 {
        read(&mut old, &sent(&mut encoder, &metrics(round, 40))).unwrap();
    }
    encoder.end();
    encoder.accept(&[Codec::Lz4]);
    let first = sent(&mut encoder, &metrics(3, 40));
    let second = sent(&mut encoder, &metrics(4, 40));
    assert_eq!((members(&first)["n"].as_u64(), members(&first)["prev"].as_u64()), (Some(4), None));
    assert_eq!(read(&mut old, &second), Err(Garbled::UnknownPrev { prev: 4 }), "numbers never come again");
    let mut fresh = Decoder::new(MAX);
    assert_eq!(read(&mut fresh, &first).unwrap(), metrics(3, 40));
    assert_eq!(read(&mut fresh, &second).unwrap(), metrics(4, 40));
}

#[test]
fn a_line_torn_at_any_byte_is_never_taken_for_a_line_and_the_next_connection_reads_on() {
    let (mut encoder, plain) = (encoder(), [metrics(0, 30), metrics(1, 30)]);
    let first = sent(&mut encoder, &plain[0]);
    let second = sent(&mut encoder, &plain[1]);
    encoder.end();
    encoder.accept(&[Codec::Lz4]);
    let after = sent(&mut encoder, &plain[1]);
    for cut in 0..second.len() - 1 {
        let mut decoder = Decoder::new(MAX);
        read(&mut decoder, &first).unwrap();
        let torn = &second[..cut];
        // Where the host notices no disconnect, the newline of the next connection ends the torn line.
        let read_torn = read(&mut decoder, torn);
        assert!(!is_compressed(torn) || read_torn.is_err(), "{torn}");
        assert_eq!(read(&mut decoder, &after).unwrap(), plain[1], "by a host that noticed nothing");
        assert_eq!(read(&mut Decoder::new(MAX), &after).unwrap(), plain[1], "by one that did");
    }
}

#[test]
fn a_small_line_cannot_claim_the_host_s_memory() {
    let (mut encoder, mut decoder) = (encoder(), Decoder::new(MAX));
    let honest = sent(&mut encoder, &metrics(0, 40));
    let with = |member: &str, value: Value| {
        let mut members = members(&honest);
        members[member] = value;
        members.as_object_mut().unwrap().remove("type");
        // The type stands first on the wire.
        members.to_string().replacen('{', "{\"type\":\"z\",", 1)
    };
    let too_long = with("len", json!(MAX + 1));
    assert_eq!(read(&mut decoder, &too_long), Err(Garbled::TooLong { claimed: MAX + 1, max: MAX }));
    assert!(matches!(read(&mut decoder, &with("len", json!(u64::MAX))), Err(Garbled::TooLong { .. })));
    assert_eq!(read(&mut decoder, &with("d", json!("AAAA"))), Err(Garbled::BadBlock));
    assert_eq!(read(&mut decoder, &with("len", json!(MAX))), Err(Garbled::BadBlock));
    assert_eq!(read(&mut decoder, &with("crc", json!("00000000"))), Err(Garbled::WrongChecksum));
    assert_eq!(read(&mut decoder, &with("c", json!("zstd"))), Err(Garbled::UnknownCodec));
    assert!(matches!(read(&mut decoder, &with("len", json!(-1))), Err(Garbled::NoLine(_))));
    assert!(matches!(read(&mut decoder, "{\"type\":\"z\",\"c\":\"lz4\"}"), Err(Garbled::NoLine(_))));
    assert_eq!(read(&mut decoder, &honest).unwrap(), metrics(0, 40), "what was refused did no harm");
}

/// What happens to a line on its way.
#[derive(Clone, Debug)]
enum Fate {
    Arrives,
    Lost,
    Changed(prop::sample::Index, u8),
    Reconnection,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Arrives),
        1 => Just(Fate::Lost),
        2 => (any::<prop::sample::Index>(), 1..128_u8).prop_map(|(at, by)| Fate::Changed(at, by)),
        1 => Just(Fate::Reconnection),
    ]
}

/// What the guest says; made a line only where it is sent, so that a failure prints little.
#[derive(Clone, Debug)]
enum Said {
    Metrics { round: u64, processes: u64 },
    Repeated { text: String, times: usize },
    Text(String),
}

impl Said {
    fn line(&self) -> String {
        match self {
            Self::Metrics { round, processes } => metrics(*round, *processes),
            Self::Repeated { text, times } => response(&text.repeat(*times)),
            Self::Text(text) => response(text),
        }
    }
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        3 => (0..500_u64, 0..200_u64).prop_map(|(round, processes)| Said::Metrics { round, processes }),
        1 => ("[ -~]{0,40}", 0..300_usize).prop_map(|(text, times)| Said::Repeated { text, times }),
        1 => vec(any::<char>(), 0..1000).prop_map(|text| Said::Text(text.into_iter().collect())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn in_any_chunks_what_is_read_equals_what_was_said(
        lines in vec(said(), 1..8), size in 1..4096_usize
    ) {
        let lines: Vec<_> = lines.iter().map(Said::line).collect();
        let (mut encoder, mut decoder) = (encoder(), Decoder::new(MAX));
        let wire: String = lines.iter().map(|line| sent(&mut encoder, line)).collect();
        prop_assert!(wire.len() <= lines.concat().len());
        let (mut splitter, mut got) = (LineDecoder::new(MAX), Vec::new());
        for chunk in wire.as_bytes().chunks(size) {
            splitter.push(chunk);
            while let Some(item) = splitter.next() {
                let LineItem::Line(line) = item else { panic!("{item:?}") };
                got.push(read(&mut decoder, &line).unwrap());
            }
        }
        prop_assert_eq!(got, lines);
    }

    #[test]
    fn whatever_happens_on_the_way_a_line_is_read_as_it_was_or_not_at_all(
        lines in vec((said(), fate()), 1..24)
    ) {
        let (mut encoder, mut decoder) = (encoder(), Decoder::new(MAX));
        let mut in_step = true;
        for (line, fate) in lines {
            let line = line.line();
            if matches!(fate, Fate::Reconnection) {
                encoder.end();
                encoder.accept(&[Codec::Lz4]);
                decoder = Decoder::new(MAX);
                in_step = true;
            }
            let mut wire = sent(&mut encoder, &line).into_bytes();
            match fate {
                Fate::Lost => { in_step = false; continue }
                Fate::Changed(at, by) if is_compressed(&String::from_utf8_lossy(&wire)) => {
                    let at = at.index(wire.len() - 1);
                    wire[at] ^= by;
                }
                _ => {}
            }
            let text = String::from_utf8_lossy(&wire).into_owned();
            let changed = matches!(fate, Fate::Changed(..));
            match read(&mut decoder, &text) {
                Ok(got) if is_compressed(&text) => prop_assert_eq!(got, line),
                Ok(_) => {}
                Err(error) => {
                    prop_assert!(!in_step || changed, "{} of a line in order", error);
                    encoder.reset();
                    in_step = true;
                    continue;
                }
            }
            in_step &= !changed;
        }
    }

    #[test]
    fn no_line_makes_the_decoder_panic_or_take_more_than_its_bound(
        d in vec(any::<u8>(), 0..600), len in 0..5000_usize, prev in proptest::option::of(0..3_u64), n in proptest::option::of(0..3_u64)
    ) {
        let mut decoder = Decoder::new(4096);
        let mut encoder = encoder();
        let _ = read(&mut decoder, &sent(&mut encoder, &metrics(0, 9)));
        let d = STANDARD.encode(&d);
        let numbers = |name: &str, number: Option<u64>| number.map(|number| format!("\"{name}\":{number},")).unwrap_or_default();
        let (n, prev) = (numbers("n", n), numbers("prev", prev));
        let line = format!("{{\"type\":\"z\",\"c\":\"lz4\",{n}{prev}\"len\":{len},\"crc\":\"00000000\",\"d\":\"{d}\"}}");
        if let Ok(text) = read(&mut decoder, &line) {
            prop_assert!(text.len() <= 4097);
        }
    }
}

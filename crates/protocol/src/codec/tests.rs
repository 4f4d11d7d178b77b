//! What the line codec promises.

use super::*;

fn drain(decoder: &mut LineDecoder) -> Vec<LineItem> {
    std::iter::from_fn(|| decoder.next()).collect()
}

fn line(text: &str) -> LineItem {
    LineItem::Line(text.into())
}

#[test]
fn lines_come_out_trimmed_and_blank_ones_not_at_all() {
    let mut decoder = LineDecoder::new(100);
    decoder.push(b"\n\r\n  \t \n {\"a\":1} \r\nb\n");
    assert_eq!(drain(&mut decoder), [line("{\"a\":1}"), line("b")]);
}

#[test]
fn a_line_is_handed_out_only_with_its_newline() {
    let mut decoder = LineDecoder::new(100);
    decoder.push(b"ab");
    assert_eq!(drain(&mut decoder), []);
    decoder.push(b"c\nd");
    assert_eq!(drain(&mut decoder), [line("abc")]);
    assert_eq!(decoder.buffered(), 1);
}

#[test]
fn a_character_torn_over_two_chunks_is_whole_again() {
    let mut decoder = LineDecoder::new(100);
    let bytes = "h\u{e9}llo \u{1f600}\n".as_bytes();
    for byte in bytes {
        decoder.push(std::slice::from_ref(byte));
    }
    assert_eq!(drain(&mut decoder), [line("h\u{e9}llo \u{1f600}")]);
}

#[test]
fn the_bound_is_inclusive_and_holds_with_and_without_a_newline() {
    let mut decoder = LineDecoder::new(4);
    decoder.push(b"abcd\nabcde\nok\n");
    assert_eq!(drain(&mut decoder), [line("abcd"), LineItem::TooLong { bytes: 5 }, line("ok")]);
    decoder.push(b"abcd");
    assert_eq!(drain(&mut decoder), []);
    decoder.push(b"e");
    assert_eq!(drain(&mut decoder), [LineItem::TooLong { bytes: 5 }]);
}

#[test]
fn an_oversized_line_is_told_once_and_discarded_in_constant_memory() {
    let mut decoder = LineDecoder::new(1000);
    let mut told = 0;
    for _ in 0..10_000 {
        decoder.push(&[b'x'; 512]);
        told += drain(&mut decoder).len();
        assert!(decoder.buffered() <= 1000 && decoder.capacity() <= 4096);
    }
    assert_eq!(told, 1);
    decoder.push(b"xxx\n{}\n");
    assert_eq!(drain(&mut decoder), [line("{}")]);
}

#[test]
fn a_large_line_does_not_keep_its_memory() {
    let mut decoder = LineDecoder::new(1 << 20);
    for _ in 0..16 {
        decoder.push(&vec![b'x'; 1 << 16]);
        assert_eq!(drain(&mut decoder), []);
    }
    assert!(decoder.capacity() >= 1 << 20);
    decoder.push(b"\n");
    assert_eq!(drain(&mut decoder).len(), 1);
    assert!(decoder.capacity() <= 2 * KEPT_CAPACITY, "{}", decoder.capacity());
}

#[test]
fn one_of_thousands_of_decoders_keeps_nothing_between_two_lines() {
    let mut decoder = LineDecoder::new(1 << 20).keeping_nothing();
    decoder.push(b"{\"a\":");
    assert_eq!(drain(&mut decoder), []);
    decoder.push(b"1}\n");
    assert_eq!(drain(&mut decoder), [line("{\"a\":1}")]);
    assert_eq!(decoder.capacity(), 0);
}

#[test]
fn bad_utf8_is_an_item_and_the_next_line_works() {
    let mut decoder = LineDecoder::new(100);
    decoder.push(b" {\"id\":\"\xff\"} \r\n{}\n");
    let bad = LineItem::InvalidUtf8 { line: b"{\"id\":\"\xff\"}".to_vec(), valid_up_to: 7 };
    assert_eq!(drain(&mut decoder), [bad, line("{}")]);
}

#[test]
fn a_reset_forgets_the_torn_line_and_nothing_else() {
    let mut decoder = LineDecoder::new(10);
    decoder.push(b"whole\ntorn");
    decoder.reset();
    decoder.push(b"{}\n");
    assert_eq!(drain(&mut decoder), [line("whole"), line("{}")]);
}

#[test]
fn a_reset_ends_the_discarding_of_an_oversized_line() {
    let mut decoder = LineDecoder::new(4);
    decoder.push(b"abcdefgh");
    assert_eq!(drain(&mut decoder), [LineItem::TooLong { bytes: 8 }]);
    decoder.reset();
    decoder.push(b"{}\n");
    assert_eq!(drain(&mut decoder), [line("{}")]);
}

#[test]
fn only_json_s_white_space_is_white_space() {
    let mut decoder = LineDecoder::new(100);
    decoder.push("\u{a0}{}\u{a0}\n\u{2028}{}\n\u{a0}\n\u{b}\n\u{c}{}\n".as_bytes());
    let kept = ["\u{a0}{}\u{a0}", "\u{2028}{}", "\u{a0}", "\u{b}", "\u{c}{}"];
    assert_eq!(drain(&mut decoder), kept.map(line));
}

/// What [`LineDecoder::each`] gives, as items.
fn given(decoder: &mut LineDecoder, chunk: &[u8]) -> Vec<LineItem> {
    let mut items = Vec::new();
    decoder.each(chunk, |line| items.push(line.into()));
    items
}

#[test]
fn a_line_that_lies_in_one_chunk_is_not_copied() {
    let mut decoder = LineDecoder::new(100);
    let chunk = b"whole\nbegun";
    let mut places = Vec::new();
    decoder.each(chunk, |line| {
        let LineRef::Line(text) = line else { panic!("{line:?}") };
        places.push(text.as_ptr());
    });
    assert_eq!(places, [chunk.as_ptr()]);
    assert_eq!(decoder.unfinished(), b"begun");
    assert_eq!(given(&mut decoder, b" and ended\n"), [line("begun and ended")]);
}

proptest::proptest! {
    #[test]
    fn lines_that_are_given_are_those_that_are_taken_whatever_the_chunks_are(
        chunks in proptest::collection::vec("[ab\n\r \u{e9}]{0,9}", 0..12),
        cuts in proptest::collection::vec(0_usize..9, 12),
    ) {
        let (mut one, mut other) = (LineDecoder::new(6), LineDecoder::new(6));
        for (chunk, cut) in chunks.iter().zip(cuts) {
            // Also in the midst of a character.
            let (first, second) = chunk.as_bytes().split_at(cut.min(chunk.len()));
            for piece in [first, second] {
                one.push(piece);
                proptest::prop_assert_eq!(drain(&mut one), given(&mut other, piece));
                let states = [&mut one, &mut other].map(|it| (it.take_blank(), it.is_discarding(), it.buffered()));
                proptest::prop_assert_eq!(states[0], states[1]);
            }
        }
    }
}

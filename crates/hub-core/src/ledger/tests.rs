//! What a file gives back, whole, torn and damaged.

use super::*;
use proptest::prelude::*;

fn file() -> Vec<u8> {
    let job = || "j".to_owned();
    let records = [
        Record::Sent { job: job(), target: 0, instance: "i".into(), at: 5 },
        Record::Back { job: job(), target: 0, at: 6 },
        Record::Rest { job: job(), outcome: Outcome::Skipped, text: "é".into(), at: 7 },
        Record::Forgotten { job: job() },
    ];
    let lines: String = std::iter::once(head_line()).chain(records.iter().map(line)).collect();
    lines.into_bytes()
}

#[test]
fn a_file_that_is_cut_anywhere_gives_the_records_before_the_cut() {
    let whole = file();
    let all = read(&whole).unwrap();
    assert_eq!((all.records.len(), all.good_bytes, all.torn_bytes), (4, whole.len(), 0));
    for cut in 0..whole.len() {
        let replayed = read(&whole[..cut]).unwrap();
        let lines = whole[..cut].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(replayed.records, all.records[..lines.saturating_sub(1)], "{cut}");
        assert_eq!(replayed.good_bytes + replayed.torn_bytes, cut);
    }
}

#[test]
fn a_tail_of_anything_is_torn_but_damage_before_a_good_line_is_told() {
    let mut torn = file();
    let good = torn.len();
    torn.extend([0; 512]);
    torn.extend(b"\n\n00000000 {}\nx");
    assert_eq!(read(&torn).unwrap().good_bytes, good);
    let mut damaged = file();
    let third = damaged.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 12;
    damaged[third] ^= 4;
    assert_eq!(read(&damaged), Err(Unreadable::Damaged { line: 3 }));
}

#[test]
fn other_versions_and_other_files_are_refused() {
    let later = "dcc53747 {\"ledger\":\"infinihub\",\"version\":2}\n";
    assert_eq!(read(later.as_bytes()), Err(Unreadable::Version { found: 2 }));
    assert_eq!(read(b"[settings]\nfile = true\n"), Err(Unreadable::NotOurs));
    assert_eq!(read(b""), Ok(Replayed::default()));
    let record_first = line(&Record::Forgotten { job: "j".into() });
    assert_eq!(read(record_first.as_bytes()), Err(Unreadable::NotOurs));
}

proptest! {
    #[test]
    fn no_bytes_are_more_than_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), keep in 0_usize..400) {
        let mut whole = file();
        whole.truncate(keep);
        whole.extend(bytes);
        let _either = read(&whole);
    }
}

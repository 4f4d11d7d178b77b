//! How long programs had to wait for a processor, for memory and for block devices, from `/proc/pressure`
//! (Documentation/accounting/psi.rst).

use super::error::CollectError;
use super::numbers::{counter, figure};
use super::round::Round;
use infiniservice_platform::linux::text::ParseError;
use infiniservice_platform::linux::text::{decimal, lines, unsigned, words};
use infiniservice_protocol::metrics::{Pressure, Stall, Stalls};

/// The metric. Windows, kernels before 4.20 and those built or started without it have none, which is no failure.
///
/// # Errors
/// None: each of the files fails on its own.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a metric")]
pub(crate) fn collect(round: &mut Round<'_>) -> Result<(), CollectError> {
    let mut read = |file| match round.machine.proc(file, parse) {
        Ok(stalls) => stalls,
        Err(error) if error.is_not_found() || error.is_not_supported() => None,
        Err(error) => {
            round.failed(&error);
            None
        }
    };
    let read =
        Pressure { cpu: read("pressure/cpu"), memory: read("pressure/memory"), io: read("pressure/io") };
    round.data.system.pressure = Some(read).filter(|read| *read != Pressure::default());
    Ok(())
}

/// Reads `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same line with `full`.
///
/// # Errors
/// When there is no whole line `some`, or a torn line `full`.
pub fn parse(text: &[u8]) -> Result<Stalls, ParseError> {
    let (mut some, mut full) = (None, None);
    for (number, line) in lines(text) {
        let mut words = words(line);
        match words.next() {
            Some(b"some") => some = Some(stall(&mut words, number)?),
            Some(b"full") => full = Some(stall(&mut words, number)?),
            _ => {}
        }
    }
    Ok(Stalls { some: some.ok_or(ParseError::new(0, "the line some"))?, full })
}

fn stall<'a>(words: &mut impl Iterator<Item = &'a [u8]>, line: usize) -> Result<Stall, ParseError> {
    let mut value = |key: &'static str| {
        let value = words.next().and_then(|word| word.strip_prefix(key.as_bytes())?.strip_prefix(b"="));
        value.ok_or(ParseError::new(line, key))
    };
    let share =
        |value, key| decimal(value).map(|share| figure(share.min(100.0))).ok_or(ParseError::new(line, key));
    Ok(Stall {
        avg10: share(value("avg10")?, "avg10")?,
        avg60: share(value("avg60")?, "avg60")?,
        avg300: share(value("avg300")?, "avg300")?,
        total_us: unsigned(value("total")?).map(counter).ok_or(ParseError::new(line, "total"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MEMORY: &[u8] = include_bytes!("../tests/fixtures/proc-debian12-6.18/pressure/memory");

    #[test]
    fn a_recorded_file_has_shares_and_microseconds() {
        let stalls = parse(MEMORY).unwrap();
        let full = stalls.full.unwrap();
        assert!(stalls.some.avg300 > 0.0 && stalls.some.avg300 >= full.avg300);
        assert!(stalls.some.total_us > full.total_us && full.total_us > 1_000_000);
    }

    #[test]
    fn processors_of_linux_before_5_13_have_one_line() {
        let stalls = parse(b"some avg10=1.50 avg60=0.20 avg300=0.00 total=77\n").unwrap();
        let some = Stall { avg10: 1.5, avg60: 0.2, avg300: 0.0, total_us: 77 };
        assert_eq!(stalls, Stalls { some, full: None });
    }

    #[test]
    fn a_torn_line_names_what_is_missing() {
        let missing = |text: &[u8]| parse(text).unwrap_err().item;
        assert_eq!(missing(b""), "the line some");
        assert_eq!(missing(b"some avg10=0.00 avg60=0.00"), "avg300");
        assert_eq!(missing(b"some avg10=nan avg60=0.00 avg300=0.00 total=1"), "avg10");
        assert_eq!(missing(b"some avg10=0.00 avg60=0.00 avg300=0.00 total=-1"), "total");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, some: f64) {
            let _ = parse(&bytes);
            let line = format!("some avg10={some} avg60={some} avg300=0 total=5\n");
            if let Ok(stalls) = parse(line.as_bytes()) {
                prop_assert!((0.0..=100.0).contains(&stalls.some.avg60));
            }
        }
    }
}

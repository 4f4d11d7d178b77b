//! What the name of a file says about its rotation.

const COMPRESSED: &[&[u8]] = &[b".gz", b".xz", b".bz2", b".zst", b".lz4", b".Z"];
/// Longest number that logrotate(8) gives without `dateext`: it keeps hundreds at most.
const MAX_NUMBER_DIGITS: usize = 3;
/// From so many digits at its end on, a name is itself a date, a sequence number or an identifier.
const MIN_SERIAL_DIGITS: usize = 4;
/// Of a day, as `dateext` writes it.
const DAY_DIGITS: usize = 8;
/// `192.0.2.7`, with or without something before it.
const PARTS_OF_AN_ADDRESS: usize = 4;

/// A name that looks like a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// `syslog.1`, `syslog.2.gz`.
    Numbered { base: &'a [u8], number: u16, compressed: bool },
    /// `Xorg.0.log.old`.
    Old { base: &'a [u8] },
    /// Only logrotate can say: `dnf.log-20261123`, `x.gz`, and numbers that it does not give as a rule.
    Odd,
    /// No rotation at all.
    Plain,
}

/// Without the ending of a compressed file, and whether it had one.
pub(super) fn uncompressed(name: &[u8]) -> (&[u8], bool) {
    let plain = COMPRESSED.iter().find_map(|ending| name.strip_suffix(*ending));
    plain.filter(|plain| !plain.is_empty()).map_or((name, false), |plain| (plain, true))
}

pub(super) fn form(name: &[u8]) -> Form<'_> {
    let (plain, compressed) = uncompressed(name);
    if let Some(base) = plain.strip_suffix(b".old").filter(|base| !base.is_empty()) {
        return if is_serial(base) { Form::Odd } else { Form::Old { base } };
    }
    let Some((head, digits)) = ending_number(plain) else {
        return if compressed { Form::Odd } else { Form::Plain };
    };
    match (head.split_last(), number(digits)) {
        (Some((b'.', base)), Some(number)) if is_log_name(base) => {
            Form::Numbered { base, number, compressed }
        }
        (Some((b'.', base)), _) if !base.is_empty() => Form::Odd,
        (Some((b'-', base)), _) if !base.is_empty() && digits.len() >= DAY_DIGITS => Form::Odd,
        _ if compressed => Form::Odd,
        _ => Form::Plain,
    }
}

/// What stands before the digits at the end, and these.
fn ending_number(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| name.split_at(name.len() - digits))
}

/// A number that logrotate gives: from 1, without zeros in front, of three digits at most.
fn number(digits: &[u8]) -> Option<u16> {
    let plausible = digits.len() <= MAX_NUMBER_DIGITS && digits.first() != Some(&b'0');
    plausible.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

/// Whether a rotation of this may exist: no date, no serial number, no address or version.
fn is_log_name(base: &[u8]) -> bool {
    !base.is_empty() && !is_serial(base) && parts_of_numbers(base) + 1 < PARTS_OF_AN_ADDRESS
}

fn is_serial(base: &[u8]) -> bool {
    let digits = ending_number(base).map_or(0, |(_, digits)| digits.len());
    digits == base.len() || digits >= MIN_SERIAL_DIGITS
}

/// `3` for `net-192.0.2`.
fn parts_of_numbers(base: &[u8]) -> usize {
    let mut parts = base.rsplit(|byte| *byte == b'.');
    let whole = parts.by_ref().take_while(|part| is_number(part)).count();
    // The first part may have a word before its digits: `net-192`.
    let first = base.rsplit(|byte| *byte == b'.').nth(whole).and_then(ending_number);
    whole + usize::from(whole > 0 && first.is_some())
}

fn is_number(part: &[u8]) -> bool {
    !part.is_empty() && part.iter().all(u8::is_ascii_digit)
}

//! Keys of users of the engine: NATS calls them nkeys. The server has the public part; whoever has the seed is that user.
//!
//! A text is base32 of a prefix, the 32 bytes and a CRC-16 (XMODEM), the form that nats-server documents.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use infiniservice_fleet::OperatorKey;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// The prefix of a user, as in `U…`.
const USER: u8 = 20 << 3;
/// The prefix of a seed, as in `S…`; what it is a seed of is in the bits after it.
const SEED: u8 = 18 << 3;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters of a user's public key.
const PUBLIC_CHARS: usize = 56;

/// A user's seed and its public key, of random bytes.
pub(crate) fn user(random: [u8; KEY_BYTES]) -> (String, String) {
    // Both kinds of keys are Ed25519.
    let public = OperatorKey::generate(random).public().to_text();
    let public = STANDARD.decode(public).unwrap_or_default();
    let seed = text(&[&[SEED | (USER >> 5), (USER & 31) << 3][..], &random].concat());
    (seed, text(&[&[USER][..], &public].concat()))
}

/// Whether this is a user's public key, without an error in it.
pub(crate) fn is_public(key: &str) -> bool {
    let Some(bytes) = bytes(key) else { return false };
    let Some((content, sum)) = bytes.split_last_chunk::<2>() else { return false };
    key.len() == PUBLIC_CHARS && content.first() == Some(&USER) && crc(content).to_le_bytes() == *sum
}

fn text(content: &[u8]) -> String {
    let whole = [content, &crc(content).to_le_bytes()].concat();
    let (mut out, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
    for byte in whole {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(letter(held >> bits));
        }
    }
    if bits > 0 {
        out.push(letter(held << (5 - bits)));
    }
    out
}

fn letter(value: u32) -> char {
    ALPHABET.get((value & 31) as usize).map_or('A', |byte| char::from(*byte))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let (mut out, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == character)?;
        held = (held << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            let [byte, ..] = (held >> bits).to_le_bytes();
            out.push(byte);
        }
    }
    Some(out)
}

fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_xmodem() {
        assert_eq!(crc(b"123456789"), 0x31c3);
    }

    /// Made by NATS' own library for Python (nkeys 0.2.1) out of the seed.
    #[test]
    fn a_seed_has_the_public_key_that_nats_derives_from_it() {
        let (seed, public) = user([7; KEY_BYTES]);
        assert_eq!((seed.as_str(), public.as_str()), (SEED_OF_SEVENS, PUBLIC_OF_SEVENS));
        assert!(is_public(&public));
    }

    #[test]
    fn what_has_an_error_in_it_is_no_public_key() {
        let (seed, public) = user([1; KEY_BYTES]);
        let (start, last) = public.split_at(PUBLIC_CHARS - 1);
        let changed = format!("{start}{}", if last == "A" { "B" } else { "A" });
        for wrong in [&seed, &public[1..], "", "U", &public.to_lowercase(), &changed] {
            assert!(!is_public(wrong), "{wrong}");
        }
    }

    const SEED_OF_SEVENS: &str = "SUAAOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBZ5FE";
    const PUBLIC_OF_SEVENS: &str = "UDVEU3DD4KOFECV66VIHWEZOYX4ZKR3WV27L464SIIPOU2IUI3JCYSJF";
}

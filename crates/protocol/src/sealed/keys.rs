//! Keys of sealed lines, and their texts: 44 characters of base64, a private one as a public one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem as KemTrait, Serializable as _};
use std::fmt;
use zeroize::Zeroizing;

/// The key encapsulation, which says what a key is.
pub(super) type Kem = X25519HkdfSha256;

/// Length of each key, and of the encapsulated one.
pub const KEY_BYTES: usize = 32;

type Private = <Kem as KemTrait>::PrivateKey;
type Public = <Kem as KemTrait>::PublicKey;

/// Characters of a key's text.
pub const KEY_CHARS: usize = 44;

/// A private key, which the crate overwrites when it is dropped, with its public one.
#[derive(Clone)]
pub struct KeyPair {
    private: Private,
    public: PublicKey,
}

impl KeyPair {
    /// The pair of a private key. Any 32 random bytes are one.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let bytes = Zeroizing::new(bytes);
        // Infallible: only the length is looked at.
        let private = Private::from_bytes(&*bytes).expect("a private key has 32 bytes");
        let public = PublicKey(Kem::sk_to_pk(&private));
        Self { private, public }
    }

    /// Reads a private key's text.
    ///
    /// # Errors
    /// What it must be instead, without the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        decode(text).map(|bytes| Self::from_bytes(*bytes))
    }

    /// The private key's text, which is overwritten when it is dropped.
    pub fn secret_text(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.private.to_bytes().to_vec());
        Zeroizing::new(STANDARD.encode(&*bytes))
    }

    /// What others may know.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) const fn private(&self) -> &Private {
        &self.private
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public)
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Public);

impl PublicKey {
    /// The key of these bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        // Infallible: only the length is looked at.
        Self(Public::from_bytes(&bytes).expect("a public key has 32 bytes"))
    }

    /// Reads a key's text.
    ///
    /// # Errors
    /// What it must be instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        decode(text).map(|bytes| Self::from_bytes(*bytes))
    }

    /// As it stands on the wire, before base64.
    pub fn bytes(&self) -> [u8; KEY_BYTES] {
        self.0.to_bytes().into()
    }

    pub(super) const fn inner(&self) -> &Public {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

fn decode(text: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, String> {
    let wrong = || format!("a key must be 32 bytes in base64 ({KEY_CHARS} characters)");
    if text.len() != KEY_CHARS {
        return Err(wrong());
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    // The decoder wants room for all that so many characters may stand for.
    let mut room = Zeroizing::new([0; KEY_BYTES + 1]);
    let length = STANDARD.decode_slice(text, &mut *room).map_err(|_| wrong())?;
    let decoded = room.get(..length).filter(|decoded| decoded.len() == KEY_BYTES).ok_or_else(wrong)?;
    bytes.copy_from_slice(decoded);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_text_and_no_debug_shows_a_private_one() {
        let pair = KeyPair::from_bytes([42; KEY_BYTES]);
        let again = KeyPair::parse(&pair.secret_text()).unwrap();
        assert_eq!(again.public(), pair.public());
        assert_eq!(PublicKey::parse(&pair.public().to_string()).as_ref(), Ok(pair.public()));
        assert!(!format!("{pair:?}").contains(pair.secret_text().as_str()));
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let short = STANDARD.encode([1; 31]);
        for text in ["", "x", "not a key at all", &"A".repeat(43), &"A".repeat(44), &"!".repeat(44), &short] {
            let why = PublicKey::parse(text).expect_err(text);
            assert_eq!(why, "a key must be 32 bytes in base64 (44 characters)");
        }
    }
}

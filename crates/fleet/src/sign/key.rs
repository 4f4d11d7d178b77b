//! An operator's key, and the texts of its files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What stands before the key in a private key's file, so that nobody takes it for a public one.
const PRIVATE: &str = "infini-operator-private-key";

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongKey {
    /// It is not the text of a private key.
    #[error("a private key's file has one line: {PRIVATE} and 32 bytes in base64")]
    Private,
    /// It is a private key.
    #[error("this is a private key; hubs are given the public one")]
    IsPrivate,
    /// It is not the text of a public key.
    #[error("a public key is 32 bytes in base64")]
    Public,
    /// Anybody could sign with it.
    #[error("this public key is a weak one, for which anybody could sign")]
    Weak,
}

/// What an operator signs with. It is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct OperatorKey(pub(super) SigningKey);

impl OperatorKey {
    /// The key of 32 random bytes of the operating system's.
    pub fn generate(random: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&random))
    }

    /// Reads the text of a private key's file.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self, WrongKey> {
        let encoded = text.trim().strip_prefix(PRIVATE).ok_or(WrongKey::Private)?;
        let bytes = decode(encoded).ok_or(WrongKey::Private)?;
        Ok(Self(SigningKey::from_bytes(&bytes)))
    }

    /// The text of its file, a line. It must be readable by its operator only.
    pub fn to_text(&self) -> String {
        format!("{PRIVATE} {}\n", STANDARD.encode(self.0.as_bytes()))
    }

    /// What hubs are given.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperatorKey({})", self.public().kid())
    }
}

/// What hubs check signatures with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub(super) VerifyingKey);

impl PublicKey {
    /// Reads it: 32 bytes in base64.
    ///
    /// # Errors
    /// Where it is none, or one for which anybody could sign.
    pub fn parse(text: &str) -> Result<Self, WrongKey> {
        if text.trim().starts_with(PRIVATE) {
            return Err(WrongKey::IsPrivate);
        }
        let bytes = decode(text).ok_or(WrongKey::Public)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_not_on_the_curve| WrongKey::Public)?;
        if key.is_weak() { Err(WrongKey::Weak) } else { Ok(Self(key)) }
    }

    /// Its text, without a `\n`.
    pub fn to_text(&self) -> String {
        STANDARD.encode(self.0.as_bytes())
    }

    /// What names it in a signed text: the first 16 hexadecimal digits of its SHA-256.
    pub fn kid(&self) -> String {
        let sum = Sha256::digest(self.0.as_bytes());
        let first = sum.iter().take(8).fold(0_u64, |first, byte| (first << 8) | u64::from(*byte));
        format!("{first:016x}")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kid())
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

//! The one suite of sealed lines: HPKE (RFC 9180) in auth mode with X25519, HKDF-SHA256 and ChaCha20-Poly1305.

use super::keys::{KEY_BYTES, Kem, KeyPair, PublicKey};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem as KemTrait, OpModeR, OpModeS, Serializable as _};
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// By how much a ciphertext is longer than what it hides.
pub(super) const TAG_BYTES: usize = 16;

/// Randomness for one message. It is drawn anew from the operating system for each: a machine that is resumed twice from one snapshot
/// must not use a key of a message twice, and only the kernel learns that it was resumed.
pub type Random = [u8; KEY_BYTES];

/// What belongs to a message without standing in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// What the message is for: one that goes the other way is none.
    pub(super) info: &'a [u8],
    /// What stands beside it in the open.
    pub(super) aad: &'a [u8],
}

/// The encapsulated key and the ciphertext; `None` for a key that no secret can be shared with.
pub(super) fn seal(
    from: &KeyPair,
    to: &PublicKey,
    context: Context<'_>,
    plain: &[u8],
    random: Random,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let mode = OpModeS::Auth((from.private().clone(), from.public().inner().clone()));
    let sealed = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &mode,
        to.inner(),
        context.info,
        plain,
        context.aad,
        &mut Drawn { random, at: 0 },
    );
    sealed.ok().map(|(enc, ct)| (enc.to_bytes().to_vec(), ct))
}

/// What was sealed, if it was so to `own` by `from`.
pub(super) fn open(
    own: &KeyPair,
    from: &PublicKey,
    context: Context<'_>,
    (enc, ct): (&[u8], &[u8]),
) -> Option<Vec<u8>> {
    let enc = <Kem as KemTrait>::EncappedKey::from_bytes(enc).ok()?;
    let mode = OpModeR::Auth(from.inner().clone());
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &mode,
        own.private(),
        &enc,
        context.info,
        ct,
        context.aad,
    )
    .ok()
}

/// Gives out randomness that was drawn before. The suite takes exactly that much; more would be its hash, and never the same again.
struct Drawn {
    random: Random,
    at: usize,
}

impl Drawn {
    fn next_byte(&mut self) -> u8 {
        if self.at == KEY_BYTES {
            self.random = Sha256::digest(self.random).into();
            self.at = 0;
        }
        let byte = self.random.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(std::array::from_fn(|_| self.next_byte())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(std::array::from_fn(|_| self.next_byte())))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.next_byte());
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn key(text: &str) -> [u8; KEY_BYTES] {
        hex(text).try_into().unwrap()
    }

    /// RFC 9180, A.2.3: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, `ChaCha20Poly1305`, auth mode, sequence number 0.
    #[test]
    fn the_suite_is_that_of_the_rfcs_test_vector_in_auth_mode() {
        let sender =
            KeyPair::from_bytes(key("2def0cb58ffcf83d1062dd085c8aceca7f4c0c3fd05912d847b61f3e54121f05"));
        let recipient =
            KeyPair::from_bytes(key("3ca22a6d1cda1bb9480949ec5329d3bf0b080ca4c45879c95eddb55c70b80b82"));
        let public = |pair: &KeyPair| pair.public().bytes().to_vec();
        assert_eq!(public(&sender), hex("f0f4f9e96c54aeed3f323de8534fffd7e0577e4ce269896716bcb95643c8712b"));
        assert_eq!(
            public(&recipient),
            hex("1a478716d63cb2e16786ee93004486dc151e988b34b475043d3e0175bdb01c44")
        );
        let (info, aad) = (hex("4f6465206f6e2061204772656369616e2055726e"), hex("436f756e742d30"));
        let context = Context { info: &info, aad: &aad };
        let plain = hex("4265617574792069732074727574682c20747275746820626561757479");
        let random = key("938d3daa5a8904540bc24f48ae90eed3f4f7f11839560597b55e7c9598c996c0");
        let (enc, ct) = seal(&sender, recipient.public(), context, &plain, random).unwrap();
        assert_eq!(enc, hex("f7674cc8cd7baa5872d1f33dbaffe3314239f6197ddf5ded1746760bfc847e0e"));
        let expected =
            "ab1a13c9d4f01a87ec3440dbd756e2677bd2ecf9df0ce7ed73869b98e00c09be111cb9fdf077347aeb88e61bdf";
        assert_eq!(ct, hex(expected));
        assert_eq!(open(&recipient, sender.public(), context, (&enc, &ct)), Some(plain));
        assert_eq!(open(&recipient, recipient.public(), context, (&enc, &ct)), None, "of another sender");
    }

    #[test]
    fn a_key_with_which_nobody_shares_a_secret_seals_nothing() {
        let own = KeyPair::from_bytes([7; KEY_BYTES]);
        let nothing = PublicKey::from_bytes([0; KEY_BYTES]);
        let context = Context { info: b"", aad: b"" };
        assert!(seal(&own, &nothing, context, b"x", [1; KEY_BYTES]).is_none());
        assert!(open(&own, &nothing, context, (&[0; KEY_BYTES], &[0; 40])).is_none());
    }

    #[test]
    fn what_is_drawn_is_given_out_once_and_never_again() {
        let mut drawn = Drawn { random: [9; KEY_BYTES], at: 0 };
        let (mut first, mut second) = ([0; KEY_BYTES], [0; KEY_BYTES]);
        drawn.try_fill_bytes(&mut first).unwrap();
        drawn.try_fill_bytes(&mut second).unwrap();
        assert_eq!(first, [9; KEY_BYTES]);
        assert_ne!(first, second);
    }
}

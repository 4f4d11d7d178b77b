//! Signatures of operators (Ed25519), so that neither the engine nor a coordinator nor another hub can order anything.

mod key;
mod keys;
mod signed;
#[cfg(test)]
mod tests;

pub use key::{OperatorKey, PublicKey, WrongKey};
pub use keys::{Keys, MAX_KEYS, Opened, Refusal};
pub use signed::Signed;

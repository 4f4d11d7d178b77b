//! A text with its signature.

use super::OperatorKey;
use crate::message::{Control, Order, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};

/// What kind of text it is; one is never taken for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Order,
    Control,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Control => "control",
        }
    }
}

/// A signed order or control. The text is signed as it is, so that nobody has to write JSON in one way only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Which key signed it: [`super::PublicKey::kid`].
    pub key: String,
    /// The JSON text.
    pub body: String,
    /// The signature, in base64.
    pub signature: String,
}

impl Signed {
    /// Signs an order.
    pub fn order(order: &Order, key: &OperatorKey) -> Self {
        Self::new(Kind::Order, text(order), key)
    }

    /// Signs a control.
    pub fn control(control: &Control, key: &OperatorKey) -> Self {
        Self::new(Kind::Control, text(control), key)
    }

    pub(super) fn new(kind: Kind, body: String, key: &OperatorKey) -> Self {
        let signature = key.0.sign(&signed_bytes(kind, &body));
        Self { key: key.public().kid(), body, signature: STANDARD.encode(signature.to_bytes()) }
    }

    pub(super) fn signature(&self) -> Option<[u8; 64]> {
        STANDARD.decode(&self.signature).ok()?.try_into().ok()
    }
}

/// What the signature is over: what it is of comes first, so that it counts nowhere else.
pub(super) fn signed_bytes(kind: Kind, body: &str) -> Vec<u8> {
    format!("infini.fleet.v1\n{}\n{body}", kind.name()).into_bytes()
}

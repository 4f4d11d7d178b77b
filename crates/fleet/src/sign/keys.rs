//! The operators that a hub knows, and whether a signed text is one of theirs.

use super::key::{PublicKey, WrongKey};
use super::signed::{Kind, Signed, signed_bytes};
use crate::MAX_BODY_BYTES;
use crate::message::{Checked, Control, Order, Wrong};
use ed25519_dalek::Signature;
use infiniservice_protocol::clock::Now;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Keys that one hub may know.
pub const MAX_KEYS: usize = 1024;

/// Why a signed text does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody here has this key.
    #[error("no operator here has the key {0:.40}")]
    UnknownKey(String),
    /// The signature is not that key's over this text.
    #[error("the signature is wrong")]
    BadSignature,
    /// The text is none of ours, or a field of it is wrong.
    #[error("{0}")]
    Wrong(Wrong),
    /// The text names another operator than the key does.
    #[error("the key is {key}'s, and the text says it is {text:.80}'s")]
    OtherOperator {
        /// Whose the key is.
        key: String,
        /// Whom the text names.
        text: String,
    },
    /// Its time is over.
    #[error("the order's time is over")]
    Expired,
}

impl Refusal {
    /// Its name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey(_) => "UNKNOWN_KEY",
            Self::BadSignature => "BAD_SIGNATURE",
            Self::Wrong(_) => "BAD_ORDER",
            Self::OtherOperator { .. } => "OTHER_OPERATOR",
            Self::Expired => "EXPIRED",
        }
    }
}

/// An order that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The order.
    pub order: Order,
    /// Whose it is, by the key.
    pub operator: String,
    /// What its message is.
    pub checked: Checked,
    /// As it was signed, for those to whom it is passed on.
    pub signed: Signed,
}

impl Opened {
    /// Whether it changes anything.
    pub const fn is_change(&self) -> bool {
        !self.checked.changes.is_empty()
    }
}

/// The keys of all operators. One operator may have several: a new one beside the old one, while they change.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    by_id: BTreeMap<String, (String, PublicKey)>,
}

impl Keys {
    /// Reads pairs of a name and a public key.
    ///
    /// # Errors
    /// Which of them is wrong, and why.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut keys = Self::default();
        for (name, key) in pairs {
            let wrong = |error: WrongKey| format!("the key of {name:.80}: {error}");
            keys.add(name, PublicKey::parse(key).map_err(wrong)?)?;
        }
        Ok(keys)
    }

    /// Adds one.
    ///
    /// # Errors
    /// Where another operator has it, or there are too many.
    pub fn add(&mut self, name: &str, key: PublicKey) -> Result<(), String> {
        if self.by_id.len() >= MAX_KEYS {
            return Err(format!("at most {MAX_KEYS} keys of operators are allowed"));
        }
        match self.by_id.insert(key.kid(), (name.to_owned(), key)) {
            Some((other, _)) if other != name => {
                Err(format!("the key {} is {other:.80}'s and {name:.80}'s", key.kid()))
            }
            _ => Ok(()),
        }
    }

    /// Their names and keys, by the keys' ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.by_id.values().map(|(name, key)| (name.as_str(), key))
    }

    /// Checks an order: whose it is, that nobody changed it, every field, and that its time is not over.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn open_order(&self, signed: &Signed, now: Now) -> Result<Opened, Refusal> {
        let opened = self.open_past_order(signed, now)?;
        if now.wall_ms() >= opened.order.not_after_ms {
            return Err(Refusal::Expired);
        }
        Ok(opened)
    }

    /// The same for an order whose time may be over: nothing of it may begin, but what has begun is still waited for.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn open_past_order(&self, signed: &Signed, now: Now) -> Result<Opened, Refusal> {
        let (order, operator): (Order, _) = self.open(Kind::Order, signed)?;
        is_same(&operator, &order.operator)?;
        let checked = order.check(now).map_err(Refusal::Wrong)?;
        Ok(Opened { order, operator, checked, signed: signed.clone() })
    }

    /// Checks a control. Whether its operator may do it to this job is for the caller to decide.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn open_control(&self, signed: &Signed, now: Now) -> Result<Control, Refusal> {
        let (control, operator): (Control, _) = self.open(Kind::Control, signed)?;
        is_same(&operator, &control.operator)?;
        control.check(now).map_err(Refusal::Wrong)?;
        Ok(control)
    }

    /// Nothing of the text is looked at before its signature is.
    fn open<T: DeserializeOwned>(&self, kind: Kind, signed: &Signed) -> Result<(T, String), Refusal> {
        if signed.body.len() > MAX_BODY_BYTES {
            let error =
                format!("{} bytes are signed; at most {MAX_BODY_BYTES} are allowed", signed.body.len());
            return Err(Refusal::Wrong(Wrong { field: "body".to_owned(), error }));
        }
        let unknown = || Refusal::UnknownKey(signed.key.clone());
        let (name, key) = self.by_id.get(&signed.key).ok_or_else(unknown)?;
        let signature = signed.signature().ok_or(Refusal::BadSignature)?;
        key.0
            .verify_strict(&signed_bytes(kind, &signed.body), &Signature::from_bytes(&signature))
            .map_err(|_no| Refusal::BadSignature)?;
        let wrong = |error: serde_json::Error| {
            Refusal::Wrong(Wrong { field: "body".to_owned(), error: error.to_string() })
        };
        Ok((serde_json::from_str(&signed.body).map_err(wrong)?, name.clone()))
    }
}

fn is_same(key: &str, text: &str) -> Result<(), Refusal> {
    if key == text {
        return Ok(());
    }
    Err(Refusal::OtherOperator { key: key.to_owned(), text: text.to_owned() })
}

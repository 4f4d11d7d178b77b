//! Who asks: by a Unix socket's peer credentials, by a certificate's names, or by the key of an order's signature.

use std::fmt;

/// What stands before an operator's name, in rules and in the ledger.
pub const OPERATOR: &str = "operator:";

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The user, over a Unix socket.
    pub uid: Option<u32>,
    /// The user's name, where it is known.
    pub user: Option<String>,
    /// The names of the user's groups.
    pub groups: Vec<String>,
    /// The names (subject alternative names) in the certificate, over TCP.
    pub sans: Vec<String>,
    /// The operator whose key signed an order of the fleet.
    pub operator: Option<String>,
    /// Root, or the user that the hub runs as.
    pub is_owner: bool,
}

impl Identity {
    /// Whether it came over a Unix socket.
    pub const fn is_local(&self) -> bool {
        self.uid.is_some()
    }

    /// As the ledger names it.
    pub fn name(&self) -> String {
        match (self.uid, &self.operator) {
            (Some(uid), _) => format!("uid {uid}"),
            (None, Some(operator)) => format!("{OPERATOR}{operator}"),
            (None, None) => format!("san:{}", self.sans.join(",")),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        self.user.as_ref().map_or(Ok(()), |user| write!(f, " ({user})"))
    }
}

/// One entry of `who`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Uid(u32),
    User(String),
    Group(String),
    San(String),
    Operator(String),
}

impl Who {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`who` must have entries such as user:alice, uid:0, group:ops, san:ops.example or operator:alice, not {text:.80?}"
            )
        };
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or_else(wrong)?;
        match kind {
            "uid" => name.parse().map(Self::Uid).map_err(|_not_a_number| wrong()),
            "user" => Ok(Self::User(name.to_owned())),
            "group" => Ok(Self::Group(name.to_owned())),
            "san" => Ok(Self::San(name.to_owned())),
            "operator" => Ok(Self::Operator(name.to_owned())),
            _ => Err(wrong()),
        }
    }

    /// Whether it means somebody.
    pub(super) fn is(&self, who: &Identity) -> bool {
        match self {
            Self::Group(name) => who.groups.contains(name),
            Self::San(name) => who.sans.iter().any(|san| is_same_name(san, name)),
            Self::Operator(name) => who.operator.as_ref() == Some(name),
            Self::Uid(_) | Self::User(_) => self.names(who),
        }
    }

    /// Whether it means this very user.
    pub(super) fn names(&self, who: &Identity) -> bool {
        match self {
            Self::Uid(uid) => who.uid == Some(*uid),
            Self::User(name) => who.user.as_ref() == Some(name),
            Self::Group(_) | Self::San(_) | Self::Operator(_) => false,
        }
    }
}

/// Names of the DNS are the same in great and small letters (RFC 4343); addresses (URIs) are not.
fn is_same_name(one: &str, other: &str) -> bool {
    if one.contains(':') { one == other } else { one.eq_ignore_ascii_case(other) }
}

//! What one setting is: its name, kind, bounds, default and documentation; how its text is read, and how its value gets the type
//! that `Settings` holds.

use super::error::{nearest, quote};
use infiniservice_protocol::ActionName;
use infiniservice_protocol::action::UNSAFE_COMMAND;
use infiniservice_protocol::tags::{self, Tags};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What every variable of the agent's begins with.
pub const PREFIX: &str = "INFINISERVICE_";

/// A setting's value, not yet typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An optional setting that is not set.
    Unset,
    /// `true` or `false`.
    Bool(bool),
    /// A number within its field's bounds.
    Integer(u64),
    /// Text, a path, or one of a choice.
    Text(String),
    /// Text that is never shown, not even by `Debug`.
    Secret(Secret),
    /// A list of names of actions or commands, or of tags.
    List(Vec<String>),
}

/// Which values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A switch.
    Bool,
    /// A whole number, bounds included.
    Integer {
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
    },
    /// One line of printable ASCII without spaces; empty means unset.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// A file's path; empty means unset.
    Path,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Names of actions, exactly as on the wire.
    Actions,
    /// Names of commands of the QEMU guest agent's protocol.
    GuestCommands,
    /// Tags of the machine, each `NAME=VALUE`; an empty list is none.
    Tags,
}

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// When the configuration is read again.
    Live,
    /// When the agent is started again, for this reason; until then a reload reports the difference.
    Restart(&'static str),
}

/// The declaration of one setting, from which file, variable, flag and documentation are derived.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Key in the file; upper-cased behind `INFINISERVICE_` it is the variable.
    pub name: &'static str,
    /// What it does: full sentences.
    pub doc: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// As it would stand in the variable; `None` for an optional setting that is unset.
    pub default: Option<&'static str>,
    /// When a changed value takes effect.
    pub apply: Apply,
    /// Its own flag, beside `--set NAME=VALUE`.
    pub flag: Option<&'static str>,
}

impl Field {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{}{}", PREFIX, self.name.to_ascii_uppercase())
    }

    /// Whether its value is never shown.
    pub fn is_secret(&self) -> bool {
        self.name == "shared_secret"
    }

    /// The unit that its name ends in.
    pub fn unit(&self) -> Option<&'static str> {
        let units = [("_secs", "seconds"), ("_ms", "milliseconds"), ("_bytes", "bytes")];
        units.into_iter().find(|(suffix, _)| self.name.ends_with(suffix)).map(|(_, unit)| unit)
    }

    /// What is allowed, to stand behind "must be".
    pub fn allowed(&self) -> String {
        match self.kind {
            Kind::Bool => "true or false".into(),
            Kind::Integer { min, max } => match self.unit() {
                Some(unit) => format!("a whole number of {unit} from {min} to {max}"),
                None => format!("a whole number from {min} to {max}"),
            },
            Kind::Text { min, max } => format!("{min} to {max} printable ASCII characters without spaces"),
            Kind::Path => "the path of a file".into(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Actions => "a list of at least one action name".into(),
            Kind::GuestCommands => "a list of at least one command of the QEMU guest agent".into(),
            Kind::Tags => format!(
                "a list of at most {} texts NAME=VALUE: a name has {}, a value {}",
                tags::MAX_TAGS,
                tags::NAMES,
                tags::VALUES
            ),
        }
    }

    /// Reads the value's text as it stands in a variable or flag.
    ///
    /// # Errors
    /// What it must be instead.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        match self.kind {
            Kind::Bool => parse_bool(text).ok_or_else(|| {
                format!("must be {} (1 and 0, yes and no, on and off are also accepted)", self.allowed())
            }),
            Kind::Integer { .. } => text.parse().map_err(|_| self.must_be()).and_then(|n| self.integer(n)),
            Kind::Choice(words) => {
                let found = words.iter().find(|word| **word == text);
                found.map(|word| Value::Text((*word).into())).ok_or_else(|| self.must_be())
            }
            Kind::Text { .. } | Kind::Path if text.is_empty() => Ok(Value::Unset),
            Kind::Text { min, max } => {
                let fits = (min..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
                fits.then(|| self.text(text)).ok_or_else(|| self.must_be())
            }
            Kind::Path => {
                let fits = !text.contains(char::is_control);
                fits.then(|| Value::Text(text.into())).ok_or_else(|| self.must_be())
            }
            Kind::Actions | Kind::GuestCommands | Kind::Tags => {
                self.list(text.split(',').map(str::trim).filter(|item| !item.is_empty()))
            }
        }
    }

    fn text(&self, text: &str) -> Value {
        if self.is_secret() { Value::Secret(Secret::new(text.into())) } else { Value::Text(text.into()) }
    }

    /// Checks a number against the bounds.
    ///
    /// # Errors
    /// What it must be instead.
    pub fn integer(&self, number: u64) -> Result<Value, String> {
        match self.kind {
            Kind::Integer { min, max } if (min..=max).contains(&number) => Ok(Value::Integer(number)),
            _ => Err(self.must_be()),
        }
    }

    /// Checks a list. An empty list of names is refused: nobody can tell whether it means all or none.
    ///
    /// # Errors
    /// The first name that is none, and which was probably meant; or what is wrong with the first tag that is none.
    pub fn list<'a>(&self, items: impl Iterator<Item = &'a str>) -> Result<Value, String> {
        let (check, what) = match self.kind {
            Kind::Tags => return tags(items.collect()),
            Kind::GuestCommands => (check_guest_command as fn(&str) -> _, "command"),
            _ => (check_action as fn(&str) -> _, "action"),
        };
        let names: Vec<String> = items.map(check).collect::<Result<_, _>>()?;
        if names.is_empty() {
            return Err(format!("must name at least one {what}; omit the setting to keep its default"));
        }
        Ok(Value::List(names))
    }

    /// "must be …".
    pub fn must_be(&self) -> String {
        format!("must be {}", self.allowed())
    }
}

fn tags(items: Vec<&str>) -> Result<Value, String> {
    let wrong = |wrong| format!("must be a list of NAME=VALUE, but {wrong}");
    Tags::parse(items.iter().copied()).map_err(wrong)?;
    Ok(Value::List(items.into_iter().map(str::to_owned).collect()))
}

fn parse_bool(text: &str) -> Option<Value> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(Value::Bool(true)),
        "false" | "0" | "no" | "off" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Messages that are no actions, so that no policy forbids them.
const ALWAYS: [&str; 5] =
    ["Metrics", "Hello", "KeepAliveResponse", "keep_alive_response", "keep_alive_request"];

/// Every name that a policy can hold, in the contract's order.
pub fn action_names() -> impl Iterator<Item = &'static str> {
    ActionName::ALL.into_iter().map(ActionName::name).chain([UNSAFE_COMMAND])
}

/// The name itself where it is an action's; else what is wrong with it. A misspelt name in `blocked_actions`
/// would block nothing, so it is never let through.
pub(super) fn check_action(name: &str) -> Result<String, String> {
    if action_names().any(|known| known == name) || infiniservice_infinibay::is_host_action(name) {
        return Ok(name.into());
    }
    let hint = match nearest(name, action_names()) {
        _ if ALWAYS.contains(&name) => " (it is always answered)".to_owned(),
        Some(near) => format!("; did you mean {near}?"),
        None => String::new(),
    };
    let actions = action_names().collect::<Vec<_>>().join(", ");
    Err(format!("names {}, which is not an action{hint}; the actions are {actions}", quote(name)))
}

/// Types that a setting may have.
pub(super) trait FromValue: Sized {
    /// `None` when the field's declaration and type disagree, which a test excludes.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Bool(switch) = value { Some(*switch) } else { None }
    }
}

impl FromValue for u64 {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Integer(number) = value { Some(*number) } else { None }
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value) -> Option<Self> {
        u64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for usize {
    fn from_value(value: &Value) -> Option<Self> {
        u64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &Value) -> Option<Self> {
        String::from_value(value).map(Self::from)
    }
}

impl FromValue for Secret {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Secret(secret) = value { Some(secret.clone()) } else { None }
    }
}

impl FromValue for log::LevelFilter {
    fn from_value(value: &Value) -> Option<Self> {
        String::from_value(value)?.parse().ok()
    }
}

impl FromValue for Vec<String> {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::List(items) = value { Some(items.clone()) } else { None }
    }
}

impl FromValue for Tags {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::List(items) = value { Self::parse(items.iter().map(String::as_str)).ok() } else { None }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        if *value == Value::Unset { Some(None) } else { T::from_value(value).map(Some) }
    }
}

/// The shared secret. `Debug` does not show it; all clones share one text, which is overwritten with the last of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Wraps the text.
    pub fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    /// The text itself, for the MAC.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// The name itself where it is a command's of the QEMU guest agent's protocol; else what is wrong with it.
fn check_guest_command(name: &str) -> Result<String, String> {
    let all = || infiniservice_qga::table::rows().map(|row| row.name);
    if all().any(|known| known == name) {
        return Ok(name.into());
    }
    let hint = nearest(name, all()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    Err(format!("names {}, which is not a command of the QEMU guest agent{hint}", quote(name)))
}

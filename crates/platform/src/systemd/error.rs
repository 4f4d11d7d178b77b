//! Why systemd could not be asked, or refused.

use std::time::Duration;
use zbus::DBusError;

/// How long one call may take. systemd answers in milliseconds unless the machine is starved.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(25);

/// A failure of an exchange with systemd.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SystemdError {
    /// There is no bus, or systemd is not on it.
    #[error("systemd cannot be reached: {0}")]
    Unreachable(String),
    /// systemd or its policy refused.
    #[error("systemd refused: {0}")]
    Denied(String),
    /// No such unit or unit file.
    #[error("there is no unit {0}")]
    NotFound(String),
    /// The unit is masked, so it cannot be started or enabled.
    #[error("{0} is masked; run `systemctl unmask {0}` to make it usable again")]
    Masked(String),
    /// systemd did not answer in time.
    #[error("systemd did not answer within {0} s")]
    TimedOut(u64),
    /// Anything else that systemd said.
    #[error("systemd said: {0}")]
    Failed(String),
}

/// systemd's and the bus's error names, without their common prefixes (`bus-common-errors.h`).
const DENIED: [&str; 4] =
    ["AccessDenied", "InteractiveAuthorizationRequired", "AuthFailed", "OnlyByDependency"];
const NOT_FOUND: [&str; 5] = ["NoSuchUnit", "NoSuchUnitFile", "FileNotFound", "UnitNotFound", "LoadFailed"];
const UNREACHABLE: [&str; 5] = ["ServiceUnknown", "NameHasNoOwner", "NoServer", "Disconnected", "NoReply"];

impl SystemdError {
    /// The failure of a call that concerned `unit`.
    pub(super) fn of_call(unit: &str, error: &zbus::Error) -> Self {
        match error {
            zbus::Error::MethodError(name, text, _) => {
                Self::named(unit, name.as_str(), text.as_deref().unwrap_or("no details"))
            }
            // What the bus itself says, of which the library makes a type of its own.
            zbus::Error::FDO(error) => {
                let text = error.description().unwrap_or("no details").to_owned();
                Self::named(unit, error.name().as_str(), &text)
            }
            zbus::Error::InputOutput(io) if io.kind() == std::io::ErrorKind::TimedOut => {
                Self::TimedOut(CALL_TIMEOUT.as_secs())
            }
            zbus::Error::InputOutput(io) => Self::Unreachable(io.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }

    fn named(unit: &str, name: &str, text: &str) -> Self {
        let short = name.rsplit('.').next().unwrap_or(name);
        match short {
            "UnitMasked" => Self::Masked(unit.into()),
            short if NOT_FOUND.contains(&short) => Self::NotFound(unit.into()),
            short if DENIED.contains(&short) => Self::Denied(text.into()),
            short if UNREACHABLE.contains(&short) => Self::Unreachable(text.into()),
            _ => Self::Failed(text.into()),
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn breaks_connection(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buss_own_errors_are_read_like_systemds() {
        let of = |error: zbus::fdo::Error| SystemdError::of_call("x.service", &error.into());
        let unknown = of(zbus::fdo::Error::ServiceUnknown("no such name".into()));
        assert_eq!(unknown, SystemdError::Unreachable("no such name".into()));
        let denied = of(zbus::fdo::Error::AccessDenied("no".into()));
        assert_eq!(denied, SystemdError::Denied("no".into()));
    }

    #[test]
    fn systemds_error_names_become_what_a_command_can_say() {
        let named = |name: &str| SystemdError::named("x.service", name, "text");
        let unit = || "x.service".to_owned();
        assert_eq!(named("org.freedesktop.systemd1.NoSuchUnit"), SystemdError::NotFound(unit()));
        assert_eq!(named("org.freedesktop.DBus.Error.FileNotFound"), SystemdError::NotFound(unit()));
        assert_eq!(named("org.freedesktop.systemd1.UnitMasked"), SystemdError::Masked(unit()));
        let denied = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";
        assert_eq!(named(denied), SystemdError::Denied("text".into()));
        assert!(named("org.freedesktop.DBus.Error.ServiceUnknown").breaks_connection());
        assert_eq!(named("org.example.Other"), SystemdError::Failed("text".into()));
    }
}

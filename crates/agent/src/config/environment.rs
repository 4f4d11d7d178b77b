//! The `INFINISERVICE_*` variables and `INFINIBAY_VM_ID`; and the process's own environment, out of which the shared secret is
//! taken: the kernel shows the block that a program was started with for as long as it lives (`/proc/PID/environ`), whatever
//! becomes of the variables.

use super::error::{Origin, quote};
use super::field::{Field, PREFIX};
use super::layers::{Fragment, field};
use infiniservice_platform::environment::forget;
use infiniservice_platform::sanitize::blanked;
use std::ffi::{OsStr, OsString};

/// The configuration file's path, like `--config`.
pub const CONFIG: &str = "INFINISERVICE_CONFIG";
/// Also sets `vm_id`; `INFINISERVICE_VM_ID` comes before it.
pub(crate) const VM_ID: &str = "INFINIBAY_VM_ID";

/// A process's environment.
pub type Environment = [(OsString, OsString)];

/// What the variables say.
pub(super) fn read(environment: &Environment) -> Fragment {
    let mut fragment = Fragment::default();
    if let Some(value) = lookup(environment, VM_ID) {
        take(&mut fragment, VM_ID, "vm_id", value);
    }
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| *name != CONFIG) else { continue };
        if let Some(rest) = name.strip_prefix(PREFIX) {
            take(&mut fragment, name, &rest.to_ascii_lowercase(), value);
        }
    }
    fragment
}

/// One variable's value.
pub(crate) fn lookup<'a>(environment: &'a Environment, name: &str) -> Option<&'a OsStr> {
    environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_os_str())
}

fn take(fragment: &mut Fragment, variable: &str, name: &str, value: &OsStr) {
    // A name that is none of ours may hold anything, and messages name it.
    let origin = Origin::Variable { name: blanked(variable) };
    match (field(name), value.to_str()) {
        (None, _) => fragment.unknown(name, origin, variable),
        (Some(_), Some(text)) => fragment.text(name, origin, text),
        (Some(field), None) => {
            fragment.take(field, origin, &quote(&value.to_string_lossy()), Err("is not UTF-8".into()));
        }
    }
}

/// All variables. Those that hold a secret are then gone from the process: from its variables, and from the block that the
/// kernel shows. To be called first, before there is a second thread; with one, nothing is taken out.
pub fn of_process() -> Vec<(OsString, OsString)> {
    let environment: Vec<_> = std::env::vars_os().collect();
    environment.iter().filter(|(name, _)| is_secret(name)).for_each(|(name, _)| forget(name));
    environment
}

/// In any case, as the settings' names are read.
pub(super) fn is_secret(name: &OsStr) -> bool {
    let setting = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).map(str::to_ascii_lowercase);
    setting.and_then(|setting| field(&setting)).is_some_and(Field::is_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_told_from_the_other_variables_in_any_case() {
        for name in ["INFINISERVICE_SHARED_SECRET", "INFINISERVICE_Shared_Secret"] {
            assert!(is_secret(OsStr::new(name)), "{name}");
        }
        for name in ["INFINISERVICE_SHARED_SECRET_FILE", "INFINISERVICE_VM_ID", "SHARED_SECRET", ""] {
            assert!(!is_secret(OsStr::new(name)), "{name}");
        }
    }
}

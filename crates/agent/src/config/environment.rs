//! The `INFINISERVICE_*` variables, and `INFINIBAY_VM_ID`.

use super::error::quote;
use super::fragment::{Fragment, field};
use super::origin::Origin;
use infiniservice_platform::one_line::blanked;
use std::ffi::{OsStr, OsString};

/// What every variable of the agent's begins with.
pub const PREFIX: &str = "INFINISERVICE_";
/// The configuration file's path, like `--config`.
pub const CONFIG: &str = "INFINISERVICE_CONFIG";
/// Also sets `vm_id`; `INFINISERVICE_VM_ID` comes before it.
pub const VM_ID: &str = "INFINIBAY_VM_ID";

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
pub(super) fn lookup<'a>(environment: &'a Environment, name: &str) -> Option<&'a OsStr> {
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

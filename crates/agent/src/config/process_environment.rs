//! The process's own environment, with the shared secret taken out of it: the kernel shows the block that a program was started
//! with for as long as it lives (`/proc/PID/environ`), whatever becomes of the variables.

use super::environment::PREFIX;
use infiniservice_platform::environment::forget;
use std::ffi::{OsStr, OsString};

/// All variables. Those that hold a secret are then gone from the process: from its variables, and from the block that the
/// kernel shows. To be called first, before there is a second thread; with one, nothing is taken out.
pub fn take() -> Vec<(OsString, OsString)> {
    let environment: Vec<_> = std::env::vars_os().collect();
    environment.iter().filter(|(name, _)| is_secret(name)).for_each(|(name, _)| forget(name));
    environment
}

/// In any case, as the settings' names are read.
pub(super) fn is_secret(name: &OsStr) -> bool {
    let setting = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).map(str::to_ascii_lowercase);
    setting.and_then(|setting| super::fragment::field(&setting)).is_some_and(super::field::Field::is_secret)
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

//! Win32 error codes (`winerror.h`) that the agent's own sentences need, by name and in words.

/// `ERROR_SERVICE_NEVER_STARTED`: the exit code of a service that did not run since boot.
pub const NEVER_STARTED: u32 = 1077;
/// `ERROR_SERVICE_SPECIFIC_ERROR`: the service's own code stands beside it.
pub const SPECIFIC: u32 = 1066;

const KNOWN: &[Known] = &[
    k(2, "FILE_NOT_FOUND", "the file does not exist"),
    k(3, "PATH_NOT_FOUND", "the path does not exist"),
    k(5, "ACCESS_DENIED", "access is denied"),
    k(32, "SHARING_VIOLATION", "another process has the file open"),
    k(87, "INVALID_PARAMETER", "a parameter is not valid"),
    k(122, "INSUFFICIENT_BUFFER", "the buffer is too small"),
    k(193, "BAD_EXE_FORMAT", "the file is not a program for this system"),
    k(1051, "DEPENDENT_SERVICES_RUNNING", "services that depend on it are running"),
    k(1052, "INVALID_SERVICE_CONTROL", "the service does not accept that control"),
    k(1053, "SERVICE_REQUEST_TIMEOUT", "the service did not answer in time"),
    k(1054, "SERVICE_NO_THREAD", "no thread could be created for the service"),
    k(1055, "SERVICE_DATABASE_LOCKED", "the service database is locked"),
    k(1056, "SERVICE_ALREADY_RUNNING", "the service is already running"),
    k(1057, "INVALID_SERVICE_ACCOUNT", "the account of the service is not valid"),
    k(1058, "SERVICE_DISABLED", "the service is disabled"),
    k(1059, "CIRCULAR_DEPENDENCY", "the services have a circular dependency"),
    k(1060, "SERVICE_DOES_NOT_EXIST", "there is no such service"),
    k(1061, "SERVICE_CANNOT_ACCEPT_CTRL", "the service cannot accept controls now"),
    k(1062, "SERVICE_NOT_ACTIVE", "the service is not running"),
    k(1063, "FAILED_SERVICE_CONTROLLER_CONNECT", "the service manager did not start this process"),
    k(1066, "SERVICE_SPECIFIC_ERROR", "the service ended with an error of its own"),
    k(1067, "PROCESS_ABORTED", "the process of the service ended unexpectedly"),
    k(1068, "SERVICE_DEPENDENCY_FAIL", "a service that it depends on did not start"),
    k(1069, "SERVICE_LOGON_FAILED", "the account of the service could not log on"),
    k(1070, "SERVICE_START_HANG", "the service hangs while it starts"),
    k(1072, "SERVICE_MARKED_FOR_DELETE", "the service is being deleted"),
    k(1075, "SERVICE_DEPENDENCY_DELETED", "a service that it depends on does not exist"),
    k(1077, "SERVICE_NEVER_STARTED", "it has not been started since boot"),
    k(1079, "DIFFERENT_SERVICE_ACCOUNT", "another service of the same process has another account"),
    k(1084, "NOT_SAFEBOOT_SERVICE", "the service does not run in safe mode"),
    k(1115, "SHUTDOWN_IN_PROGRESS", "the system is shutting down"),
];

/// The code of this number, where it is known here.
pub fn find(number: u32) -> Option<&'static Known> {
    KNOWN.iter().find(|code| code.number == number)
}

/// `access is denied (ERROR_ACCESS_DENIED, 5)`; of one not known here its number.
pub fn explain(number: u32) -> String {
    match find(number) {
        Some(code) => format!("{} (ERROR_{}, {number})", code.words, code.name),
        None => format!("Windows error {number}"),
    }
}

/// A number with its name and its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The number.
    pub number: u32,
    /// Its name in the header; of a Win32 code without `ERROR_`.
    pub name: &'static str,
    /// What it means here, for people.
    pub words: &'static str,
}

/// One line of a table.
pub(super) const fn k(number: u32, name: &'static str, words: &'static str) -> Known {
    Known { number, name, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_by_words_name_and_number() {
        assert_eq!(explain(1058), "the service is disabled (ERROR_SERVICE_DISABLED, 1058)");
        assert_eq!(explain(31), "Windows error 31");
    }

    #[test]
    fn each_code_stands_once_and_in_order() {
        assert!(KNOWN.windows(2).all(|pair| pair[0].number < pair[1].number));
    }
}

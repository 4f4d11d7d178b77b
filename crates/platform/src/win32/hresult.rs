//! HRESULTs that Windows' own interfaces answer with, by name and in words (`winerror.h`, `wuerror.h`, `wbemcli.h`, and the App
//! Installer's list of return codes).

use super::codes::{self, Known, k};
use std::io;

/// `FACILITY_WIN32` with the error bit.
const WIN32: u32 = 0x8007_0000;

/// The Win32 code in an HRESULT; one of another facility comes back as it is.
pub fn win32(hresult: i32) -> u32 {
    let number = hresult.cast_unsigned();
    if number & 0xFFFF_0000 == WIN32 { number & 0xFFFF } else { number }
}

/// An error of a call as the standard library's calls tell it, by the Win32 code: only so its kind is known ([`io::ErrorKind`]).
pub fn io(hresult: i32) -> io::Error {
    io::Error::from_raw_os_error(win32(hresult).cast_signed())
}

/// `the namespace does not exist (WBEM_E_INVALID_NAMESPACE, 0x8004100E)`.
pub fn explain(hresult: i32) -> String {
    let number = hresult.cast_unsigned();
    if let Some(known) = find(number) {
        return format!("{} ({}, 0x{number:08X})", known.words, known.name);
    }
    if number & 0xFFFF_0000 == WIN32 {
        return format!("{}, HRESULT 0x{number:08X}", codes::explain(number & 0xFFFF));
    }
    format!("HRESULT 0x{number:08X}")
}

/// By number.
pub fn find(number: u32) -> Option<&'static Known> {
    ALL.iter().flat_map(|table| table.iter()).find(|known| known.number == number)
}

/// All tables.
pub const ALL: [&[Known]; 3] = [COMMON, WMI, UPDATE];

/// COM's own (`winerror.h`).
const COMMON: &[Known] = &[
    k(0x8000_4001, "E_NOTIMPL", "this Windows does not implement it"),
    k(0x8000_4002, "E_NOINTERFACE", "the interface is not supported"),
    k(0x8000_4004, "E_ABORT", "it was aborted"),
    k(0x8000_4005, "E_FAIL", "it failed for an unknown reason"),
    k(0x8000_FFFF, "E_UNEXPECTED", "it failed unexpectedly"),
    k(0x8001_06BA, "MP_E_SERVICE_UNAVAILABLE", "its service is not running"),
    k(0x8001_010E, "RPC_E_WRONG_THREAD", "it was called from another thread's apartment"),
    k(
        0x8008_0005,
        "CO_E_SERVER_EXEC_FAILURE",
        "the component's process could not be started; restart the service, or the machine",
    ),
    k(0x8004_0154, "REGDB_E_CLASSNOTREG", "the component is not installed"),
    k(0x8007_000E, "E_OUTOFMEMORY", "there is not enough memory"),
    k(0x8007_06BA, "RPC_S_SERVER_UNAVAILABLE", "its service is not running"),
    k(0x8007_0422, "ERROR_SERVICE_DISABLED", "its service is disabled"),
    k(0x8007_0BC2, "ERROR_SUCCESS_REBOOT_REQUIRED", "it is done, and a reboot is needed"),
];

/// WMI (`wbemcli.h`).
const WMI: &[Known] = &[
    k(0x8004_1001, "WBEM_E_FAILED", "the provider failed"),
    k(0x8004_1002, "WBEM_E_NOT_FOUND", "there is no such object"),
    k(0x8004_1003, "WBEM_E_ACCESS_DENIED", "WMI denies access"),
    k(0x8004_1004, "WBEM_E_PROVIDER_FAILURE", "the provider failed after it had started"),
    k(0x8004_1008, "WBEM_E_INVALID_PARAMETER", "a parameter is not valid"),
    k(0x8004_100C, "WBEM_E_NOT_SUPPORTED", "the provider does not support it"),
    k(0x8004_100E, "WBEM_E_INVALID_NAMESPACE", "the namespace does not exist"),
    k(0x8004_1010, "WBEM_E_INVALID_CLASS", "the class does not exist"),
    k(0x8004_1013, "WBEM_E_PROVIDER_LOAD_FAILURE", "the provider could not be loaded"),
    k(0x8004_1017, "WBEM_E_INVALID_QUERY", "the query is not valid"),
    k(0x8004_1032, "WBEM_E_CALL_CANCELLED", "the call was cancelled"),
    k(0x8004_1033, "WBEM_E_SHUTTING_DOWN", "WMI is shutting down"),
    k(0x8004_1069, "WBEM_E_TIMED_OUT", "WMI gave no answer in time"),
];

/// The Windows Update Agent (`wuerror.h`).
const UPDATE: &[Known] = &[
    k(0x8024_0001, "WU_E_NO_SERVICE", "the update agent could not provide the service"),
    k(0x8024_0004, "WU_E_NOT_INITIALIZED", "the update agent could not be initialised"),
    k(0x8024_0006, "WU_E_ITEMNOTFOUND", "the requested item was not found"),
    k(0x8024_0009, "WU_E_OPERATIONINPROGRESS", "another update operation is in progress"),
    k(0x8024_000B, "WU_E_CALL_CANCELLED", "the operation was cancelled"),
    k(0x8024_000E, "WU_E_XML_INVALID", "the update's description is not valid"),
    k(0x8024_0010, "WU_E_TOO_DEEP_RELATION", "the update's bundles are nested too deeply"),
    k(0x8024_0016, "WU_E_INSTALL_NOT_ALLOWED", "another installation is running, or a reboot is pending"),
    k(0x8024_0017, "WU_E_NOT_APPLICABLE", "no update applies to this machine"),
    k(0x8024_0019, "WU_E_EXCLUSIVE_INSTALL_CONFLICT", "it must be installed without others"),
    k(0x8024_001B, "WU_E_SELFUPDATE_IN_PROGRESS", "the update agent is updating itself"),
    k(0x8024_001E, "WU_E_SERVICE_STOP", "the update service was stopped meanwhile"),
    k(0x8024_001F, "WU_E_NO_CONNECTION", "the network cannot be reached"),
    k(0x8024_0020, "WU_E_NO_INTERACTIVE_USER", "it needs a logged-on user"),
    k(0x8024_0021, "WU_E_TIME_OUT", "it took too long"),
    k(0x8024_0022, "WU_E_ALL_UPDATES_FAILED", "all updates failed"),
    k(0x8024_0023, "WU_E_EULAS_DECLINED", "the licence terms of all updates were declined"),
    k(0x8024_0024, "WU_E_NO_UPDATE", "there are no updates"),
    k(0x8024_0025, "WU_E_USER_ACCESS_DISABLED", "a group policy denies access to Windows Update"),
    k(0x8024_002C, "WU_E_BIN_SOURCE_ABSENT", "the file that a delta update changes is missing"),
    k(0x8024_002E, "WU_E_WU_DISABLED", "a policy does not allow an unmanaged update server"),
    k(0x8024_0032, "WU_E_INVALID_CRITERIA", "the search criteria are not valid"),
    k(0x8024_0033, "WU_E_EULA_UNAVAILABLE", "the licence terms could not be obtained"),
    k(0x8024_0034, "WU_E_DOWNLOAD_FAILED", "the update could not be downloaded"),
    k(0x8024_0035, "WU_E_UPDATE_NOT_PROCESSED", "the update was not processed"),
    k(0x8024_0037, "WU_E_NOT_SUPPORTED", "this system does not support it"),
    k(0x8024_0044, "WU_E_PER_MACHINE_UPDATE_ACCESS_DENIED", "only administrators may do this"),
    k(
        0x8024_0438,
        "WU_E_PT_ENDPOINT_UNREACHABLE",
        "there is no route to the update server; check network, proxy and the WSUS address in the policies",
    ),
    k(0x8024_043D, "WU_E_INSTALL_USERCONTEXT_ACCESSDENIED", "the user's part of the installation was denied"),
    k(0x8024_0FFF, "WU_E_UNEXPECTED", "it failed for a reason that no other code covers"),
    k(0x8024_200B, "WU_E_UH_INSTALLERFAILURE", "the installer of the update failed"),
    k(0x8024_2014, "WU_E_UH_POSTREBOOTSTILLPENDING", "its work after a reboot is still pending"),
    k(0x8024_2015, "WU_E_UH_POSTREBOOTRESULTUNKNOWN", "the result of its work after a reboot is unknown"),
    k(0x8024_4007, "WU_E_PT_SOAPCLIENT_SOAPFAULT", "the update server answered with a fault"),
    k(0x8024_4010, "WU_E_PT_EXCEEDED_MAX_SERVER_TRIPS", "the update server required too many requests"),
    k(0x8024_4017, "WU_E_PT_HTTP_STATUS_DENIED", "the update server denied access (HTTP 401)"),
    k(0x8024_4018, "WU_E_PT_HTTP_STATUS_FORBIDDEN", "the update server refused the request (HTTP 403)"),
    k(0x8024_4019, "WU_E_PT_HTTP_STATUS_NOT_FOUND", "the update server does not have it (HTTP 404)"),
    k(0x8024_401B, "WU_E_PT_HTTP_STATUS_PROXY_AUTH_REQ", "the proxy requires a password (HTTP 407)"),
    k(0x8024_401C, "WU_E_PT_HTTP_STATUS_REQUEST_TIMEOUT", "the update server waited too long (HTTP 408)"),
    k(
        0x8024_401A,
        "WU_E_PT_HTTP_STATUS_BAD_METHOD",
        "the update server refused the method (HTTP 405); a proxy may be in the way",
    ),
    k(0x8024_401E, "WU_E_PT_HTTP_STATUS_GONE", "the update server no longer has it (HTTP 410)"),
    k(0x8024_401F, "WU_E_PT_HTTP_STATUS_SERVER_ERROR", "the update server failed (HTTP 500)"),
    k(
        0x8024_4020,
        "WU_E_PT_HTTP_STATUS_NOT_SUPPORTED",
        "the update server does not support the request (HTTP 501)",
    ),
    k(
        0x8024_4021,
        "WU_E_PT_HTTP_STATUS_BAD_GATEWAY",
        "a proxy got an invalid answer from the update server (HTTP 502)",
    ),
    k(0x8024_4022, "WU_E_PT_HTTP_STATUS_SERVICE_UNAVAIL", "the update server is overloaded (HTTP 503)"),
    k(
        0x8024_402C,
        "WU_E_PT_WINHTTP_NAME_NOT_RESOLVED",
        "the name of the update server or proxy is not known",
    ),
    k(
        0x8024_4023,
        "WU_E_PT_HTTP_STATUS_GATEWAY_TIMEOUT",
        "a proxy waited too long for the update server (HTTP 504)",
    ),
    k(
        0x8024_402B,
        "WU_E_PT_HTTP_STATUS_NOT_MAPPED",
        "the update server answered with an unknown HTTP status",
    ),
    k(
        0x8024_402F,
        "WU_E_PT_ECP_SUCCEEDED_WITH_ERRORS",
        "the update server's files could not all be fetched; a proxy or filter may be in the way",
    ),
    k(0x8024_5001, "WU_E_REDIRECTOR_LOAD_XML", "the list of update servers could not be read"),
    k(
        0x8024_500C,
        "WU_E_REDIRECTOR_CONNECT_POLICY",
        "a policy forbids connections to Windows Update; use the WSUS server that the policies name, or lift the policy",
    ),
    k(
        0x8024_500D,
        "WU_E_REDIRECTOR_ONLINE_DISALLOWED",
        "a policy forbids update servers on the internet; lift it, or name a WSUS server",
    ),
    k(0x8024_8007, "WU_E_DS_NODATA", "the update agent's store does not contain the requested item"),
    k(0x8024_D009, "WU_E_SETUP_SKIP_UPDATE", "a policy skipped the update agent's own update"),
    k(0x8007_2EE2, "ERROR_INTERNET_TIMEOUT", "the update server gave no answer in time"),
    k(0x8007_2EE7, "ERROR_INTERNET_NAME_NOT_RESOLVED", "the name of the update server is not known"),
    k(0x8007_2EFD, "ERROR_INTERNET_CANNOT_CONNECT", "the update server cannot be reached"),
    k(0x8007_2EFE, "ERROR_INTERNET_CONNECTION_ABORTED", "the connection to the update server broke"),
    k(0x8007_2F8F, "ERROR_INTERNET_SECURE_FAILURE", "the connection is not secure; often the clock is wrong"),
    k(0x8007_3712, "ERROR_SXS_COMPONENT_STORE_CORRUPT", "the component store is damaged; DISM can repair it"),
    k(0x8007_3701, "ERROR_SXS_ASSEMBLY_MISSING", "a component that it needs is missing"),
    k(0x8007_0070, "ERROR_DISK_FULL", "the disk is full"),
    k(0x800F_081F, "CBS_E_SOURCE_MISSING", "the source of a component is missing"),
    k(
        0x800F_0922,
        "CBS_E_INSTALLERS_FAILED",
        "an installer failed, often because a system partition is full",
    ),
    k(0x800F_0823, "CBS_E_NEW_SERVICING_STACK_REQUIRED", "a newer servicing stack must be installed first"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hresult_is_told_by_words_name_and_number() {
        let told = explain(0x8004_100E_u32.cast_signed());
        assert!(told.ends_with("(WBEM_E_INVALID_NAMESPACE, 0x8004100E)"), "{told}");
        assert_eq!(explain(0x8765_4321_u32.cast_signed()), "HRESULT 0x87654321");
    }

    #[test]
    fn a_win32_code_inside_one_is_found() {
        assert_eq!(
            (win32(0x8007_0005_u32.cast_signed()), win32(0x8024_0022_u32.cast_signed())),
            (5, 0x8024_0022)
        );
        assert!(explain(0x8007_0005_u32.cast_signed()).contains("access is denied"));
    }

    #[test]
    fn an_error_of_a_call_has_the_code_by_which_its_kind_is_known() {
        assert_eq!(io(0x8007_00B7_u32.cast_signed()).raw_os_error(), Some(183));
        assert_eq!(io(0x8024_0022_u32.cast_signed()).raw_os_error(), Some(0x8024_0022_u32.cast_signed()));
    }

    #[test]
    fn the_update_agents_answers_behind_policies_and_proxies_are_words() {
        for number in [0x8024_0438_u32, 0x8024_500C, 0x8024_402F, 0x8008_0005, 0x8024_500D, 0x8024_4023] {
            assert!(!explain(number.cast_signed()).starts_with("HRESULT"), "{number:X}");
        }
    }

    #[test]
    fn no_number_stands_twice() {
        let mut numbers: Vec<u32> = ALL.iter().flat_map(|t| t.iter()).map(|k| k.number).collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
    }
}

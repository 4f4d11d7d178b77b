//! Membership in a domain: `NetGetJoinInformation`, `NetJoinDomain`, and the computer's name.
#![allow(unsafe_code)]

use super::wide::wide;
use windows::Win32::NetworkManagement::NetManagement::{
    NET_JOIN_DOMAIN_JOIN_OPTIONS, NETSETUP_ACCT_CREATE, NETSETUP_JOIN_DOMAIN, NETSETUP_JOIN_STATUS,
    NETSETUP_JOIN_WITH_NEW_NAME, NetApiBufferFree, NetGetJoinInformation, NetJoinDomain, NetSetupDomainName,
};
use windows::Win32::System::SystemInformation::{
    COMPUTER_NAME_FORMAT, ComputerNamePhysicalDnsHostname, ComputerNamePhysicalNetBIOS, GetComputerNameExW,
    SetComputerNameExW,
};
use windows::core::{PCWSTR, PWSTR};

/// Longest name of a domain or computer that is read, in characters.
const NAME_MAX: u32 = 256;

/// Who joins what.
pub struct Join<'a> {
    /// The domain's DNS name.
    pub domain: &'a str,
    /// Where the computer's account is made, as a distinguished name.
    pub ou: Option<&'a str>,
    /// `DOMAIN\user` or `user@domain`.
    pub account: &'a str,
    /// Its password.
    pub password: &'a str,
    /// Whether the name was changed since the machine started.
    pub renamed: bool,
}

/// The domain that the machine belongs to; `None` for a workgroup.
///
/// # Errors
/// The code of `NetGetJoinInformation`.
pub fn membership() -> Result<Option<String>, u32> {
    let (mut name, mut status) = (PWSTR::null(), NETSETUP_JOIN_STATUS::default());
    // SAFETY: this machine is meant, and both places live through the call.
    let code = unsafe { NetGetJoinInformation(PCWSTR::null(), &raw mut name, &raw mut status) };
    if code != 0 {
        return Err(code);
    }
    // SAFETY: the call succeeded, so `name` is null or a text that ends with a zero.
    let text = if name.is_null() { String::new() } else { unsafe { name.to_string() }.unwrap_or_default() };
    if !name.is_null() {
        // SAFETY: it came from a function that allocates for its caller, and is not used after this.
        unsafe { NetApiBufferFree(Some(name.as_ptr().cast_const().cast())) };
    }
    Ok((status == NetSetupDomainName).then_some(text))
}

/// Joins; the machine is a member from its next start on.
///
/// # Errors
/// The code of `NetJoinDomain`.
pub fn join(join: &Join<'_>) -> Result<(), u32> {
    let (domain, account) = (wide(join.domain), wide(join.account));
    let mut password = wide(join.password);
    let ou = join.ou.map(wide);
    let mut options: NET_JOIN_DOMAIN_JOIN_OPTIONS = NETSETUP_JOIN_DOMAIN | NETSETUP_ACCT_CREATE;
    if join.renamed {
        options |= NETSETUP_JOIN_WITH_NEW_NAME;
    }
    let ou = ou.as_ref().map_or(PCWSTR::null(), |ou| PCWSTR(ou.as_ptr()));
    // SAFETY: all texts end with a zero and live through the call; this machine is meant.
    let code = unsafe {
        NetJoinDomain(
            PCWSTR::null(),
            PCWSTR(domain.as_ptr()),
            ou,
            PCWSTR(account.as_ptr()),
            PCWSTR(password.as_ptr()),
            options,
        )
    };
    // It is not to be found in freed memory.
    password.fill(0);
    std::hint::black_box(&password);
    if code == 0 { Ok(()) } else { Err(code) }
}

/// Gives the machine this name from its next start on.
///
/// # Errors
/// The system's code.
pub fn rename(name: &str) -> Result<(), u32> {
    let name = wide(name);
    // SAFETY: the text ends with a zero and lives through the call.
    let renamed = unsafe { SetComputerNameExW(ComputerNamePhysicalDnsHostname, PCWSTR(name.as_ptr())) };
    renamed.map_err(|error| error.code().0.cast_unsigned() & 0xFFFF)
}

/// The machine's name in a domain; empty where the system does not tell.
pub fn own_name() -> String {
    name(ComputerNamePhysicalNetBIOS)
}

/// The machine's whole name, as [`rename`] takes it; empty where the system does not tell.
pub fn host_name() -> String {
    name(ComputerNamePhysicalDnsHostname)
}

fn name(kind: COMPUTER_NAME_FORMAT) -> String {
    let mut units = vec![0; NAME_MAX as usize];
    let mut length = NAME_MAX;
    let buffer = Some(PWSTR(units.as_mut_ptr()));
    // SAFETY: the buffer has as many units as `length` says.
    let told = unsafe { GetComputerNameExW(kind, buffer, &raw mut length) };
    if told.is_err() {
        return String::new();
    }
    super::wide::narrow(&units)
}

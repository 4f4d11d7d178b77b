//! Names of Windows services.

/// Longest name, in UTF-16 units (`CreateServiceW`).
const MAX_UNITS: usize = 256;

/// Checks a name as `CreateServiceW` takes it: no slash of either kind, nothing that does not print. What no option or path is
/// the wire's parser has checked.
pub fn check(name: &str) -> Result<(), String> {
    let odd = |c: char| c == '/' || c == '\\' || c == '"' || c.is_control() || c.is_whitespace();
    let must = if name.is_empty() {
        "not be empty"
    } else if name.encode_utf16().count() > MAX_UNITS {
        "be at most 256 characters long"
    } else if name.starts_with('-') {
        "not start with -"
    } else if name.contains(odd) {
        "be the short name of a service, such as wuauserv: no blanks, quotes or slashes"
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(80).collect();
    Err(format!("`service` must {must}, not {shown:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_services_pass() {
        for name in ["wuauserv", "W32Time", "MSSQL$SQLEXPRESS", "WpnUserService_3c8f1", "Net.Tcp.PortSharing"]
        {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_parameters_name() {
        let long = "x".repeat(257);
        for name in ["", "-x", "a/b", "..\\x", "a b", "a\nb", "a\u{7}", "\"a\"", &long] {
            assert!(check(name).unwrap_err().contains("`service`"), "{name}");
        }
    }
}

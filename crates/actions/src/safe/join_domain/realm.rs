//! What realmd's tool `realm` tells: the domains that the machine belongs to, and why it could not join
//! one. The texts are those of realmd 0.17.1 and adcli 0.9.2 with Samba 4.17 (`cargo xtask lab domain`).

use infiniservice_platform::sanitize;
use infiniservice_protocol::ErrorCode;

/// More domains than any machine belongs to.
const REALMS_MAX: usize = 1000;

/// The domains of `realm list` to which the machine belongs.
pub(super) fn joined(list: &str) -> Vec<String> {
    let mut realms: Vec<(String, bool)> = Vec::new();
    for line in list.lines() {
        if !line.starts_with(char::is_whitespace) && !line.trim().is_empty() {
            if realms.len() >= REALMS_MAX {
                break;
            }
            realms.push((sanitize::quote(line.trim()), false));
        } else if let Some(("configured", value)) = line.trim().split_once(": ")
            && let Some((_, configured)) = realms.last_mut()
        {
            *configured = value.trim() != "no";
        }
    }
    realms.into_iter().filter(|(_, configured)| *configured).map(|(name, _)| name).collect()
}

/// What tools say where each of these is the reason, in small letters.
const REASONS: &[(&[&str], ErrorCode, &str)] = &[
    (
        &["no such realm found", "cannot find realm", "couldn't find a valid domain"],
        ErrorCode::NotFound,
        "the domain was not found: no controller of it answers under that name",
    ),
    (&["already joined"], ErrorCode::Conflict, "this machine belongs to a domain already"),
    (
        &[
            "preauthentication failed",
            "password incorrect",
            "client not found in kerberos database",
            "invalid credentials",
            "couldn't authenticate as",
            "logon failure",
        ],
        ErrorCode::PermissionDenied,
        "the domain does not accept this user name with this password",
    ),
    (
        &["insufficient permissions", "insufficient access", "access denied"],
        ErrorCode::PermissionDenied,
        "this user may not let machines join the domain",
    ),
    (
        &["clients credentials have been revoked", "credentials have been revoked"],
        ErrorCode::PermissionDenied,
        "this user's account is locked or has expired",
    ),
    (
        &["clock skew too great"],
        ErrorCode::ExecutionFailed,
        "the clocks of this machine and of the domain differ too much",
    ),
    (
        &[
            "necessary packages are not installed",
            "no packages to install",
            "packages could not be installed",
        ],
        ErrorCode::Unsupported,
        "packages for joining a domain are missing",
    ),
    (
        &["computer account", "no such object"],
        ErrorCode::InvalidParameter,
        "the domain does not have that organizational unit, or refuses the computer's account there",
    ),
];

/// The code and a sentence for what `realm join` wrote.
pub(super) fn failure(stderr: &str) -> (ErrorCode, String) {
    let lower = stderr.to_ascii_lowercase();
    let known = REASONS.iter().find(|(signs, ..)| signs.iter().any(|sign| lower.contains(sign)));
    let last = stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let said = sanitize::quote(last.strip_prefix("realm: ").unwrap_or(last));
    match known {
        Some((_, code, sentence)) => (*code, format!("{sentence} ({said})")),
        None => (ErrorCode::ExecutionFailed, format!("the machine could not join the domain: {said}")),
    }
}

/// The name as realmd's tools take it: with the realm in capitals, without the domain's short name in front.
pub(super) fn principal(username: &str) -> String {
    if let Some((user, realm)) = username.rsplit_once('@') {
        return format!("{user}@{}", realm.to_ascii_uppercase());
    }
    username.rsplit('\\').next().unwrap_or(username).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: &str = "lab.example\n  type: kerberos\n  realm-name: LAB.EXAMPLE\n  domain-name: lab.example\n  \
        configured: kerberos-member\n  server-software: active-directory\n  client-software: sssd\n  \
        required-package: sssd-tools\n  login-formats: %U@lab.example\n  login-policy: allow-realm-logins\n\
        other.example\n  type: kerberos\n  configured: no\n";

    #[test]
    fn only_domains_that_are_configured_count() {
        assert_eq!(joined(LIST), ["lab.example"]);
        assert_eq!(joined(""), [""; 0]);
    }

    #[test]
    fn each_known_reason_has_its_code() {
        let code = |text: &str| failure(text).0;
        assert_eq!(code("realm: No such realm found: nosuch.example\n"), ErrorCode::NotFound);
        assert_eq!(code("realm: Already joined to this domain\n"), ErrorCode::Conflict);
        let refused = " ! Couldn't authenticate as: Administrator@LAB.EXAMPLE: Preauthentication failed\n\
            adcli: couldn't connect to lab.example domain: Couldn't authenticate as: \
            Administrator@LAB.EXAMPLE: Preauthentication failed\n ! Failed to join the domain\n\
            realm: Couldn't join realm: Failed to join the domain\n";
        let (code, why) = failure(refused);
        assert_eq!(code, ErrorCode::PermissionDenied);
        assert!(why.contains("does not accept this user name"), "{why}");
        assert_eq!(
            failure("realm: something new\n").1,
            "the machine could not join the domain: something new"
        );
    }

    #[test]
    fn what_adcli_says_counts_before_realms_last_words() {
        let unknown = " ! Couldn't authenticate as: nobody-here@LAB.EXAMPLE: Client 'nobody-here@LAB.EXAMPLE' not found in \
            Kerberos database\n ! Failed to join the domain\nrealm: Couldn't join realm: Failed to join the domain\n";
        assert_eq!(failure(unknown).0, ErrorCode::PermissionDenied);
        let nowhere = " * A computer account for WEB-1$ does not exist\n ! The organizational unit does not exist: \
            OU=Nowhere,DC=lab,DC=example\n ! Failed to join the domain\n";
        assert_eq!(failure(nowhere).0, ErrorCode::InvalidParameter);
    }

    #[test]
    fn users_are_named_as_kerberos_names_them() {
        let names = ["Administrator", "ops@lab.example", "LAB\\ops"].map(principal);
        assert_eq!(names, ["Administrator", "ops@LAB.EXAMPLE", "ops"]);
    }

    proptest! {
        #[test]
        fn any_output_gives_a_sentence_of_one_line(text: String) {
            prop_assert!(!failure(&text).1.contains('\n'));
            prop_assert!(joined(&text).iter().all(|name| !name.contains('\n')));
        }
    }
}

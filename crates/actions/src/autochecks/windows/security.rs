//! `defender` and `firewall`: whether Microsoft Defender protects this machine with signatures that are not
//! too old, and whether Windows' firewall is on in each of its profiles.

use crate::autochecks::finding::{Assessed, Finding, Skip};
use crate::autochecks::thresholds::{Thresholds, worse};
use infiniservice_protocol::data::{CheckStatus, DefenderStatusData};
use serde_json::json;

/// Age of the signatures in days.
const AGE: Thresholds = Thresholds::new(3.0, 14.0);

/// Another product that protects the machine leaves Defender passive, which is no fault.
pub(super) fn assess_defender(status: &DefenderStatusData) -> Finding {
    let passive = status.running_mode.to_ascii_lowercase().contains("passive");
    let age = status.signature_age_days;
    let of_age = match age {
        Some(days) => AGE.judge(days.into()),
        None => CheckStatus::Failed,
    };
    let (status_now, message) = match () {
        () if passive => (
            CheckStatus::Passed,
            "Microsoft Defender is passive: another product protects the machine.".into(),
        ),
        () if !status.enabled => (
            CheckStatus::Failed,
            format!("Microsoft Defender is not protecting the machine ({}).", status.running_mode),
        ),
        () if !status.real_time_protection => (
            worse(CheckStatus::Warning, of_age),
            "Microsoft Defender is running, but its real-time protection is off.".into(),
        ),
        () => (
            of_age,
            match age {
                Some(days) => {
                    format!("Microsoft Defender protects the machine; its signatures are {days} day(s) old.")
                }
                None => "Microsoft Defender is running, but its signatures were never updated.".into(),
            },
        ),
    };
    let details = json!({
        "running_mode": status.running_mode,
        "real_time_protection": status.real_time_protection,
        "signature_age_days": age,
        "signature_version": status.signature_version,
    });
    Finding::new(status_now, message).with_details(details).advise(
        "Turn Microsoft Defender's protection on and update its signatures, or install another product.",
    )
}

/// The profiles' names in the registry and for people.
pub(super) const PROFILES: [(&str, &str); 3] =
    [("DomainProfile", "domain"), ("StandardProfile", "private"), ("PublicProfile", "public")];

/// One profile; `None` where neither policy nor machine say anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// For people.
    pub name: &'static str,
    /// `EnableFirewall` of the group policy, which goes before the machine's own.
    pub by_policy: Option<bool>,
    /// `EnableFirewall` of the machine.
    pub by_machine: Option<bool>,
}

impl Profile {
    fn is_on(self) -> Option<bool> {
        self.by_policy.or(self.by_machine)
    }
}

/// The public profile off is a failure: it is the one of unknown networks.
pub(super) fn assess_firewall(profiles: &[Profile]) -> Assessed {
    if profiles.iter().all(|profile| profile.is_on().is_none()) {
        return Err(Skip::because("the registry has no firewall profiles"));
    }
    let off: Vec<&str> = profiles.iter().filter(|p| p.is_on() == Some(false)).map(|p| p.name).collect();
    let status = match off.as_slice() {
        [] => CheckStatus::Passed,
        off if off.contains(&"public") => CheckStatus::Failed,
        _ => CheckStatus::Warning,
    };
    let unknown: Vec<&str> = profiles.iter().filter(|p| p.is_on().is_none()).map(|p| p.name).collect();
    let unseen = (!unknown.is_empty())
        .then(|| format!("It is unknown whether it is on in the {} profile(s).", unknown.join(" and ")));
    let message = match (off.as_slice(), unknown.as_slice()) {
        ([], []) => "The firewall is on in every profile.".to_owned(),
        ([], _) => "The firewall is on.".to_owned(),
        _ => format!("The firewall is off in the {} profile(s).", off.join(" and ")),
    };
    let told: serde_json::Map<_, _> =
        profiles.iter().map(|p| (p.name.to_owned(), json!(p.is_on()))).collect();
    let finding = Finding::new(status, message).with_details(json!({"profiles": told})).with_unseen(unseen);
    Ok(finding.advise("Turn the firewall on, unless another product replaces it."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected() -> DefenderStatusData {
        DefenderStatusData {
            enabled: true,
            running_mode: "Normal".into(),
            real_time_protection: true,
            signature_age_days: Some(0),
            ..DefenderStatusData::default()
        }
    }

    #[test]
    fn the_age_of_the_signatures_and_what_is_off_decide() {
        let of = |status: DefenderStatusData| assess_defender(&status).status;
        assert_eq!(of(protected()), CheckStatus::Passed);
        assert_eq!(
            of(DefenderStatusData { signature_age_days: Some(3), ..protected() }),
            CheckStatus::Warning
        );
        assert_eq!(
            of(DefenderStatusData { signature_age_days: Some(30), ..protected() }),
            CheckStatus::Failed
        );
        assert_eq!(of(DefenderStatusData { signature_age_days: None, ..protected() }), CheckStatus::Failed);
        assert_eq!(
            of(DefenderStatusData { real_time_protection: false, ..protected() }),
            CheckStatus::Warning
        );
        assert_eq!(of(DefenderStatusData { enabled: false, ..protected() }), CheckStatus::Failed);
    }

    #[test]
    fn a_passive_defender_is_no_fault() {
        let passive = DefenderStatusData { enabled: false, running_mode: "Passive".into(), ..protected() };
        assert_eq!(assess_defender(&passive).status, CheckStatus::Passed);
    }

    fn profile(name: &'static str, by_policy: Option<bool>, by_machine: Option<bool>) -> Profile {
        Profile { name, by_policy, by_machine }
    }

    #[test]
    fn a_profile_that_is_off_is_named_and_the_public_one_weighs_most() {
        let on = profile("domain", None, Some(true));
        assert_eq!(assess_firewall(&[on]).unwrap().status, CheckStatus::Passed);
        let finding = assess_firewall(&[on, profile("private", None, Some(false))]).unwrap();
        assert_eq!((finding.status, finding.message.contains("private")), (CheckStatus::Warning, true));
        assert_eq!(
            assess_firewall(&[profile("public", None, Some(false))]).unwrap().status,
            CheckStatus::Failed
        );
    }

    #[test]
    fn the_policy_goes_before_the_machine_and_nothing_known_is_skipped() {
        assert_eq!(
            assess_firewall(&[profile("public", Some(true), Some(false))]).unwrap().status,
            CheckStatus::Passed
        );
        assert!(assess_firewall(&[profile("public", None, None)]).is_err());
    }

    #[test]
    fn a_profile_of_which_nothing_is_known_is_not_taken_for_on() {
        let profiles = [profile("domain", None, Some(true)), profile("public", None, None)];
        let told = assess_firewall(&profiles).unwrap().told();
        assert_eq!(told.status, CheckStatus::Warning);
        assert!(told.message.contains("in the public profile"), "{}", told.message);
    }
}

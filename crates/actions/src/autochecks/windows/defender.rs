//! `defender`: whether Microsoft Defender protects this machine, with signatures that are not too old.

use crate::autochecks::finding::Finding;
use crate::autochecks::levels::{Levels, worse};
use infiniservice_protocol::data::{CheckStatus, DefenderStatusData};
use serde_json::json;

/// Age of the signatures in days.
const AGE: Levels = Levels::new(3.0, 14.0);

/// Another product that protects the machine leaves Defender passive, which is no fault.
pub fn assess(status: &DefenderStatusData) -> Finding {
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
        let of = |status: DefenderStatusData| assess(&status).status;
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
        assert_eq!(assess(&passive).status, CheckStatus::Passed);
    }
}

//! Microsoft Defender by WMI (`root\Microsoft\Windows\Defender`): its state, scans, and what they found.

#[cfg(target_os = "windows")]
mod client;

#[cfg(target_os = "windows")]
pub use client::{scan, status};

use infiniservice_platform::win32::record::Record;
use infiniservice_protocol::data::{DefenderStatusData, RecentThreat, Threat};
use infiniservice_protocol::timestamp::rfc3339_millis;
use std::time::SystemTime;

/// The class of the one object that tells the state.
pub(crate) const STATUS: &str = "MSFT_MpComputerStatus";
/// Its properties that are read.
pub(crate) const STATUS_PROPERTIES: [&str; 13] = [
    "AMServiceEnabled",
    "AMRunningMode",
    "AntivirusEnabled",
    "AntispywareEnabled",
    "RealTimeProtectionEnabled",
    "AntivirusSignatureVersion",
    "AntivirusSignatureLastUpdated",
    "AntivirusSignatureAge",
    "AMEngineVersion",
    "QuickScanEndTime",
    "FullScanEndTime",
    "QuickScanStartTime",
    "FullScanStartTime",
];
/// The class with one object for each time that a threat was found.
pub(crate) const DETECTION: &str = "MSFT_MpThreatDetection";
/// Its properties that are read.
pub(crate) const DETECTION_PROPERTIES: [&str; 5] =
    ["ThreatID", "InitialDetectionTime", "CleaningActionID", "LastThreatStatusChangeTime", "ThreatStatusID"];
/// The class with one object for each known threat.
pub(crate) const THREAT: &str = "MSFT_MpThreat";
/// Its properties that are read.
pub(crate) const THREAT_PROPERTIES: [&str; 4] = ["ThreatID", "ThreatName", "SeverityID", "IsActive"];
/// What it means that Defender's service does not run, and what to do.
pub(crate) const TURNED_OFF: &str = "Microsoft Defender is turned off here, by another antivirus product or by a \
    policy: use that product, or remove it and turn Defender on in Windows Security";

/// Whether a failure says that Defender's service is stopped or disabled.
pub(crate) fn is_off(number: u32) -> bool {
    matches!(number, 0x8001_06BA | 0x8007_06BA | 0x8007_0422 | 0x8007_0426 | 0x8007_042C)
}

/// What stands for never, in days.
const NEVER: u64 = 65_535;
/// Threats told of one scan.
const MAX_THREATS: usize = 500;

/// The state.
pub(crate) fn status_of(record: &Record) -> DefenderStatusData {
    let service = record.flag("AMServiceEnabled");
    let antivirus = record.flag("AntivirusEnabled");
    DefenderStatusData {
        enabled: service && antivirus,
        running_mode: mode(&record.text("AMRunningMode"), service),
        real_time_protection: record.flag("RealTimeProtectionEnabled"),
        antivirus_enabled: antivirus,
        antispyware_enabled: record.flag("AntispywareEnabled"),
        signature_version: record.text("AntivirusSignatureVersion"),
        signature_last_updated: record.time("AntivirusSignatureLastUpdated").map(rfc3339_millis),
        signature_age_days: age(record.number("AntivirusSignatureAge")),
        engine_version: record.text("AMEngineVersion"),
        last_quick_scan: record.time("QuickScanEndTime").map(rfc3339_millis),
        last_full_scan: record.time("FullScanEndTime").map(rfc3339_millis),
        recent_threats: None,
    }
}

/// Older platforms do not tell a mode.
fn mode(told: &str, service: bool) -> String {
    match (told, service) {
        ("", true) => "Normal".into(),
        ("", false) => "Not running".into(),
        (told, _) => told.to_owned(),
    }
}

fn age(days: Option<u64>) -> Option<u32> {
    days.filter(|days| *days < NEVER).and_then(|days| u32::try_from(days).ok())
}

/// Threats first found, or dealt with, since `start`; each once.
pub(crate) fn threats(detections: &[Record], known: &[Record], start: SystemTime) -> Vec<Threat> {
    let since = |record: &&Record| {
        let times = ["InitialDetectionTime", "LastThreatStatusChangeTime"].map(|name| record.time(name));
        times.into_iter().flatten().any(|time| time >= start)
    };
    let mut seen = std::collections::HashSet::new();
    let new = detections.iter().filter(since).filter(|record| seen.insert(record.text("ThreatID")));
    new.take(MAX_THREATS).map(|detection| threat(detection, known)).collect()
}

fn threat(detection: &Record, known: &[Record]) -> Threat {
    let id = detection.text("ThreatID");
    let known = known.iter().find(|record| record.text("ThreatID") == id);
    let name = known.map(|record| record.text("ThreatName")).filter(|name| !name.is_empty());
    Threat {
        name: name.unwrap_or_else(|| format!("threat {id}")),
        severity: severity(known.and_then(|record| record.number("SeverityID"))).into(),
        action: action(detection.number("CleaningActionID")).into(),
    }
}

/// All threats that were found, the newest first.
pub(crate) fn recent(detections: &[Record], known: &[Record]) -> Vec<RecentThreat> {
    let mut all: Vec<_> = detections.iter().collect();
    all.sort_by_key(|record| std::cmp::Reverse(record.time("InitialDetectionTime")));
    all.into_iter().take(MAX_THREATS).map(|detection| past(detection, known)).collect()
}

fn past(detection: &Record, known: &[Record]) -> RecentThreat {
    let id = detection.text("ThreatID");
    let of = known.iter().find(|record| record.text("ThreatID") == id);
    let severity = of.and_then(|record| record.number("SeverityID"));
    let is_active = of.is_some_and(|record| record.flag("IsActive"));
    RecentThreat {
        name: threat(detection, known).name,
        status: status_word(detection.number("ThreatStatusID"), is_active).into(),
        severity_id: severity.and_then(|id| u32::try_from(id).ok()),
        detection_time: detection.time("InitialDetectionTime").map(rfc3339_millis),
    }
}

/// `ThreatStatusID` of `MSFT_MpThreatDetection`; those from 102 on are failures to deal with it.
fn status_word(id: Option<u64>, is_active: bool) -> &'static str {
    if is_active {
        return "active";
    }
    match id {
        Some(2) => "cleaned",
        Some(3) => "quarantined",
        Some(4) => "removed",
        Some(5) => "allowed",
        Some(6) => "blocked",
        Some(102..) => "active",
        _ => "detected",
    }
}

/// `SeverityID` of `MSFT_MpThreat`.
fn severity(id: Option<u64>) -> &'static str {
    match id {
        Some(1) => "Low",
        Some(2) => "Moderate",
        Some(4) => "High",
        Some(5) => "Severe",
        _ => "Unknown",
    }
}

/// `CleaningActionID` of `MSFT_MpThreatDetection`.
fn action(id: Option<u64>) -> &'static str {
    match id {
        Some(1) => "Cleaned",
        Some(2) => "Quarantined",
        Some(3) => "Removed",
        Some(6) => "Allowed",
        Some(8) => "UserDefined",
        Some(9) => "None",
        Some(10) => "Blocked",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_platform::win32::hresult::explain;
    use infiniservice_platform::win32::record::Value;
    use std::time::{Duration, UNIX_EPOCH};

    fn record(values: &[(&str, Value)]) -> Record {
        Record(values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn text(value: &str) -> Value {
        Value::Text(value.into())
    }

    #[test]
    fn threats_of_the_past_are_told_with_what_became_of_them_the_newest_first() {
        let detection = |id: &str, time: &str, status: i64| {
            record(&[
                ("ThreatID", text(id)),
                ("InitialDetectionTime", text(time)),
                ("ThreatStatusID", Value::Number(status)),
            ])
        };
        let detections = [
            detection("1", "20261120084512.000000+000", 3),
            detection("2", "20261123084512.000000+000", 103),
            detection("3", "20261122084512.000000+000", 1),
        ];
        let known = [record(&[
            ("ThreatID", text("1")),
            ("ThreatName", text("Virus:DOS/EICAR_Test_File")),
            ("SeverityID", Value::Number(5)),
        ])];
        let told: Vec<_> = recent(&detections, &known)
            .into_iter()
            .map(|one| (one.name, one.status, one.severity_id))
            .collect();
        let of = |name: &str, status: &str, severity| (name.to_owned(), status.to_owned(), severity);
        assert_eq!(
            told,
            [
                of("threat 2", "active", None),
                of("threat 3", "detected", None),
                of("Virus:DOS/EICAR_Test_File", "quarantined", Some(5)),
            ]
        );
        assert_eq!(status_word(Some(4), true), "active");
    }

    #[test]
    fn a_machine_that_is_protected_says_so() {
        let status = status_of(&record(&[
            ("AMServiceEnabled", Value::Flag(true)),
            ("AMRunningMode", text("Normal")),
            ("AntivirusEnabled", Value::Flag(true)),
            ("RealTimeProtectionEnabled", Value::Flag(true)),
            ("AntivirusSignatureVersion", text("1.421.18.0")),
            ("AntivirusSignatureLastUpdated", text("20261123084512.000000+000")),
            ("AntivirusSignatureAge", Value::Number(0)),
            ("QuickScanEndTime", Value::Nothing),
        ]));
        assert!(status.enabled && status.real_time_protection && !status.antispyware_enabled);
        assert_eq!((status.running_mode.as_str(), status.signature_age_days), ("Normal", Some(0)));
        assert_eq!(status.signature_last_updated.as_deref(), Some("2026-11-23T08:45:12.000Z"));
        assert_eq!(status.last_quick_scan, None);
    }

    #[test]
    fn a_defender_that_another_product_turned_off_is_told_in_words() {
        for number in [0x8001_06BA, 0x8007_06BA, 0x8007_0422] {
            assert!(is_off(number), "{number:X}");
            assert!(!explain(number.cast_signed()).starts_with("HRESULT"), "{number:X}");
        }
        assert!(!is_off(0x8004_100E) && TURNED_OFF.contains("another antivirus product"));
    }

    #[test]
    fn signatures_that_were_never_updated_have_no_age_and_a_passive_defender_tells_its_mode() {
        let told = status_of(&record(&[
            ("AntivirusSignatureAge", Value::Number(-1)),
            ("AMRunningMode", text("Passive")),
        ]));
        assert_eq!(
            (told.signature_age_days, told.running_mode.as_str(), told.enabled),
            (None, "Passive", false)
        );
        assert_eq!(status_of(&Record::default()).running_mode, "Not running");
    }

    #[test]
    fn only_what_was_found_since_the_start_of_the_scan_is_told_and_once() {
        let detection = |id: &str, time: &str| {
            record(&[
                ("ThreatID", text(id)),
                ("InitialDetectionTime", text(time)),
                ("CleaningActionID", Value::Number(2)),
            ])
        };
        let detections = [
            detection("7", "20261123084512.000000+000"),
            detection("7", "20261123084513.000000+000"),
            detection("8", "20200101000000.000000+000"),
        ];
        let known = [record(&[
            ("ThreatID", text("7")),
            ("ThreatName", text("EICAR")),
            ("SeverityID", Value::Number(5)),
        ])];
        let start = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let want = Threat { name: "EICAR".into(), severity: "Severe".into(), action: "Quarantined".into() };
        assert_eq!(threats(&detections, &known, start), [want]);
    }
}

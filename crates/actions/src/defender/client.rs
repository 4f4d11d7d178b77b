//! Asks Defender, by WMI on threads of its own.

use super::{
    DETECTION, DETECTION_PROPERTIES, STATUS, STATUS_PROPERTIES, THREAT, THREAT_PROPERTIES, TURNED_OFF,
    is_off, recent, status_of, threats,
};
use infiniservice_exec::com::on_thread;
use infiniservice_exec::{Cancellation, CommandError};
use infiniservice_platform::win32::com_unsafe::Wmi;
use infiniservice_platform::win32::hresult::explain;
use infiniservice_platform::win32::record::Record;
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::ScanType;
use infiniservice_protocol::data::{DefenderScanData, DefenderStatusData};
use std::time::{Duration, Instant, SystemTime};
use windows::core::Error;

const NAMESPACE: &str = r"root\Microsoft\Windows\Defender";
/// Between two looks at whether a scan has ended.
const LOOK: Duration = Duration::from_secs(5);
/// Clocks and rounding: a threat found in the second of the start counts.
const SLACK: Duration = Duration::from_secs(2);

/// The state of Defender on this machine.
pub async fn status(cancellation: &Cancellation) -> Result<DefenderStatusData, CommandError> {
    let status = status_of(&record(cancellation).await?);
    // A state without its threats is better than none.
    let found = found(cancellation).await;
    let recent_threats = found.ok().map(|(detections, known)| recent(&detections, &known));
    Ok(DefenderStatusData { recent_threats, ..status })
}

async fn record(cancellation: &Cancellation) -> Result<Record, CommandError> {
    let asked =
        on_thread("defender", cancellation, || Wmi::connect(NAMESPACE)?.all(STATUS, &STATUS_PROPERTIES));
    let records = asked.await?.map_err(|error| failure(&error))?;
    records.into_iter().next().ok_or_else(|| unsupported("it reports nothing about itself"))
}

/// Scans and waits for its end; `TIMEOUT` leaves the scan going on.
pub async fn scan(kind: ScanType, cancellation: &Cancellation) -> Result<DefenderScanData, CommandError> {
    let before = record(cancellation).await?;
    if !status_of(&before).enabled {
        let mode = status_of(&before).running_mode;
        let error = format!("Microsoft Defender is not active here (running mode {mode}), so it cannot scan");
        return Err(CommandError::new(ErrorCode::Unsupported, error));
    }
    let (start, began) = (SystemTime::now() - SLACK, Instant::now());
    let (number, ended) = match kind {
        ScanType::Quick => (1, "QuickScanEndTime"),
        ScanType::Full => (2, "FullScanEndTime"),
    };
    let called = on_thread("defender-scan", cancellation, move || {
        Wmi::connect(NAMESPACE)?.call("MSFT_MpScan", "Start", &[("ScanType", number)])
    });
    let returned = called.await.map_err(goes_on)?.map_err(|error| failure(&error))?;
    if returned != 0 {
        let why = explain((returned as u32).cast_signed());
        return Err(CommandError::new(ErrorCode::ExecutionFailed, format!("the scan did not start: {why}")));
    }
    // Some platforms answer when the scan has begun, others when it has ended.
    while record(cancellation).await.map_err(goes_on)?.time(ended) == before.time(ended) {
        cancellation.run_until_cancelled(tokio::time::sleep(LOOK)).await.map_err(goes_on)?;
    }
    let (detections, known) = found(cancellation).await?;
    let threats = threats(&detections, &known, start);
    Ok(DefenderScanData {
        scan_type: kind,
        threats_found: u32::try_from(threats.len()).unwrap_or(u32::MAX),
        threats,
        scan_duration_secs: began.elapsed().as_secs(),
    })
}

async fn found(cancellation: &Cancellation) -> Result<(Vec<Record>, Vec<Record>), CommandError> {
    let asked = on_thread("defender", cancellation, || {
        let defender = Wmi::connect(NAMESPACE)?;
        Ok((defender.all(DETECTION, &DETECTION_PROPERTIES)?, defender.all(THREAT, &THREAT_PROPERTIES)?))
    });
    asked.await?.map_err(|error| failure(&error))
}

fn goes_on(mut error: CommandError) -> CommandError {
    if matches!(error.code, ErrorCode::Timeout | ErrorCode::Cancelled) {
        error.error.push_str("; Defender continues the scan");
    }
    error
}

/// No such namespace or class: there is no Defender.
fn failure(error: &Error) -> CommandError {
    let number = error.code().0;
    match number.cast_unsigned() {
        number if is_off(number) => CommandError::new(
            ErrorCode::Unsupported,
            format!("{TURNED_OFF} ({})", explain(number.cast_signed())),
        ),
        0x8004_100E | 0x8004_1010 | 0x8004_1013 | 0x8004_0154 => unsupported(&explain(number)),
        0x8004_1003 | 0x8007_0005 => {
            CommandError::new(ErrorCode::PermissionDenied, format!("Microsoft Defender: {}", explain(number)))
        }
        _ => {
            CommandError::new(ErrorCode::ExecutionFailed, format!("Microsoft Defender: {}", explain(number)))
        }
    }
}

fn unsupported(why: &str) -> CommandError {
    CommandError::new(ErrorCode::Unsupported, format!("Microsoft Defender is not on this machine: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn defender_tells_its_state_or_is_told_to_be_absent() {
        let cancellation = Cancellation::for_at_most(Duration::from_secs(60));
        match status(&cancellation).await {
            Ok(status) => assert!(!status.running_mode.is_empty(), "{status:?}"),
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Unsupported, "{error}");
                assert!(error.error.contains("0x8004100E"), "{error}");
                let scan = scan(ScanType::Quick, &cancellation).await.unwrap_err();
                assert_eq!(scan.code, ErrorCode::Unsupported, "{scan}");
            }
        }
    }
}

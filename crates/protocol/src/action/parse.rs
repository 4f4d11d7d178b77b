//! Names and parameters of the wire to typed actions.

use super::parameter::Params;
use super::{Action, ActionName, ParamError, ProcessSort, ScanType, ServiceOperation};
use crate::ErrorCode;
use crate::parse::quote;
use serde_json::{Map, Value};

/// Largest `limit`.
pub const MAX_LIMIT: u32 = 100_000;

/// Largest pid: 31 bits.
pub const MAX_PID: u32 = i32::MAX as u32;

/// Largest `older_than_days`.
pub const MAX_DAYS: u32 = 3650;

/// Most items of a list of names.
pub const MAX_LIST: usize = 100;

/// What `state` of `ServiceList` may be.
pub const SERVICE_STATES: [&str; 8] =
    ["running", "stopped", "failed", "starting", "stopping", "exited", "reloading", "paused"];

const OPERATIONS: [(&str, ServiceOperation); 6] = [
    ("start", ServiceOperation::Start),
    ("stop", ServiceOperation::Stop),
    ("restart", ServiceOperation::Restart),
    ("enable", ServiceOperation::Enable),
    ("disable", ServiceOperation::Disable),
    ("status", ServiceOperation::Status),
];

const SORTS: [(&str, ProcessSort); 4] = [
    ("cpu", ProcessSort::Cpu),
    ("memory", ProcessSort::Memory),
    ("pid", ProcessSort::Pid),
    ("name", ProcessSort::Name),
];

const SCANS: [(&str, ScanType); 2] = [("quick", ScanType::Quick), ("full", ScanType::Full)];

impl Action {
    /// Types an action's parameters. Parameters that it does not know are ignored.
    pub fn parse(name: &str, params: &Map<String, Value>) -> Result<Self, ParamError> {
        let name = ActionName::from_name(name).ok_or_else(|| unknown(name))?;
        let params = Params(params);
        match name {
            ActionName::ServiceList | ActionName::ServiceControl => service(name, &params),
            ActionName::ProcessList | ActionName::ProcessKill => process(name, &params),
            ActionName::PackageList | ActionName::ApplicationInventory => inventory(name, &params),
            ActionName::PackageInstall | ActionName::PackageUpdate | ActionName::PackageRemove => {
                package(name, &params)
            }
            ActionName::PackageChangeStatus => Ok(Self::PackageChangeStatus { id: params.filter("id")? }),
            ActionName::UpdateCheck => Ok(Self::UpdateCheck {}),
            ActionName::UpdateInstall => Ok(Self::UpdateInstall {
                security_only: params.flag("security_only")?,
                cascade: params.flag("cascade")?,
            }),
            ActionName::Autochecks => autochecks(&params),
            ActionName::DiskCleanup => disk_cleanup(&params),
            ActionName::Shutdown => Ok(Self::Shutdown {}),
            ActionName::Reboot => Ok(Self::Reboot {}),
            ActionName::WindowsUpdateCheck
            | ActionName::WindowsUpdateInstall
            | ActionName::WindowsDefenderStatus
            | ActionName::WindowsDefenderScan => windows(name, &params),
        }
    }
}

fn unknown(name: &str) -> ParamError {
    let all: Vec<_> = ActionName::ALL.into_iter().map(ActionName::name).collect();
    let message = format!("action {} is unknown; it must be one of {}", quote(name), all.join(", "));
    ParamError { code: ErrorCode::UnknownAction, parameter: None, message }
}

fn service(name: ActionName, params: &Params) -> Result<Action, ParamError> {
    if name == ActionName::ServiceList {
        let states = SERVICE_STATES.map(|state| (state, state));
        return Ok(Action::ServiceList { state: params.choice("state", &states)?.map(str::to_owned) });
    }
    let service = params.name("service")?;
    let operation = params.choice("operation", &OPERATIONS)?;
    let missing = || {
        let words = OPERATIONS.map(|(word, _)| word).join(", ");
        ParamError::invalid("operation", format!("`operation` is missing; it must be one of {words}"))
    };
    Ok(Action::ServiceControl { service, operation: operation.ok_or_else(missing)? })
}

fn process(name: ActionName, params: &Params) -> Result<Action, ParamError> {
    if name == ActionName::ProcessList {
        return Ok(Action::ProcessList {
            limit: params.integer("limit", 1..=MAX_LIMIT)?,
            sort_by: params.choice("sort_by", &SORTS)?,
            filter: params.filter("filter")?,
        });
    }
    let missing =
        || ParamError::invalid("pid", format!("`pid` is missing; it must be an integer from 1 to {MAX_PID}"));
    let pid = params.integer("pid", 1..=MAX_PID)?.ok_or_else(missing)?;
    Ok(Action::ProcessKill { pid, force: params.flag("force")? })
}

fn inventory(name: ActionName, params: &Params) -> Result<Action, ParamError> {
    let (limit, filter) = (params.integer("limit", 1..=MAX_LIMIT)?, params.filter("filter")?);
    Ok(match name {
        ActionName::PackageList => Action::PackageList { limit, filter },
        _ => Action::ApplicationInventory { limit, filter },
    })
}

fn package(name: ActionName, params: &Params<'_>) -> Result<Action, ParamError> {
    let (package, cascade) = (params.name("package")?, params.flag("cascade")?);
    Ok(match name {
        ActionName::PackageInstall => Action::PackageInstall { package, cascade },
        ActionName::PackageUpdate => Action::PackageUpdate { package, cascade },
        _ => Action::PackageRemove { package, cascade },
    })
}

fn autochecks(params: &Params) -> Result<Action, ParamError> {
    let checks = params.words("checks", MAX_LIST)?;
    let warning_percent = params.percent("warning_percent")?;
    let critical_percent = params.percent("critical_percent")?;
    if let (Some(warning), Some(critical)) = (warning_percent, critical_percent)
        && critical <= warning
    {
        let must = format!("be above `warning_percent` ({warning})");
        return Err(ParamError::must("critical_percent", &must, &critical.to_string()));
    }
    Ok(Action::Autochecks { checks, warning_percent, critical_percent })
}

fn disk_cleanup(params: &Params) -> Result<Action, ParamError> {
    Ok(Action::DiskCleanup {
        targets: params.words("targets", MAX_LIST)?,
        older_than_days: params.integer("older_than_days", 0..=MAX_DAYS)?,
        dry_run: params.flag("dry_run")?,
    })
}

fn windows(name: ActionName, params: &Params) -> Result<Action, ParamError> {
    Ok(match name {
        ActionName::WindowsUpdateInstall => {
            let articles = params.words("kb_articles", MAX_LIST)?;
            let articles = articles.map(|articles| articles.iter().map(|text| kb_article(text)).collect());
            Action::WindowsUpdateInstall { kb_articles: articles.transpose()? }
        }
        ActionName::WindowsDefenderScan => {
            Action::WindowsDefenderScan { scan_type: params.choice("scan_type", &SCANS)?.unwrap_or_default() }
        }
        ActionName::WindowsUpdateCheck => Action::WindowsUpdateCheck {},
        _ => Action::WindowsDefenderStatus {},
    })
}

/// `KB5034441` or `5034441`, in any case, to the former.
fn kb_article(text: &str) -> Result<String, ParamError> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.strip_prefix("KB").unwrap_or(&upper);
    if (4..=10).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(format!("KB{digits}"));
    }
    Err(ParamError::must("kb_articles", "name articles such as KB5034441", &quote(text)))
}

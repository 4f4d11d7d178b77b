//! What the agent does for each of the host's actions: one row each, and the parameters on the way.

use crate::platform::Platform;
use infiniservice_protocol::ErrorCode;
use serde_json::{Map, Value, json};

/// Parameters of an action.
pub(crate) type Params = Map<String, Value>;

/// How an answer is laid out for the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As the agent has it.
    Plain,
    /// 8.2.
    Services,
    /// A sentence of the service's state.
    Service,
    /// 8.3.
    Processes,
    /// A sentence of the process.
    Killed,
    /// The list of packages.
    Packages,
    /// 8.4.
    Found,
    /// A sentence of what became of the package.
    Package,
    /// 8.6.
    Users,
    /// 8.8.
    AllChecks,
    /// 8.9; whether all checks were made because none was named.
    OneCheck { all: bool },
    /// 8.10.
    Optimization,
    /// Cleaned targets; whether the browser's cache was asked for, which nothing empties.
    Cleaned { browser: bool },
    /// 8.11.
    LinuxUpdates,
    /// 8.12.
    WindowsUpdates,
    /// 8.13.
    History,
    /// 8.14.
    Applications,
    /// 8.15.
    ApplicationUpdates,
    /// A sentence of what was updated.
    Installed,
    /// 8.16.
    Defender,
    /// The threats of 8.16 alone.
    Threats,
    /// 8.17.
    Scan,
    /// A sentence of the domain.
    Joined,
    /// A sentence of what was sealed.
    Sealed,
    /// The output of a raw command, and nothing in `data`.
    Raw,
    /// The output of a script's text.
    Script,
}

/// What is done for an action.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Route {
    /// The agent's own action, and the shape of its answer.
    Native(&'static str, Params, Shape),
    /// Told from the last collection.
    Sample(Sampled),
    /// The machine starts anew, whether or not packages are changing.
    Reboot { force: bool },
    /// A text for PowerShell.
    PowerShell(Params),
    /// Nothing, and why.
    Refused(ErrorCode, String),
    /// The host's word is the agent's own.
    Own,
}

/// What the last collection tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampled {
    /// 8.7.
    Disks,
    /// 8.5, after which fresh metrics are sent.
    System,
    /// 8.5.
    Os,
}

/// Processes listed where the host names no number.
const PROCESSES: u64 = 2000;
/// The same of the busiest.
const TOP: u64 = 10;
/// The most that may be asked for.
const LIMIT_MAX: u64 = 100_000;

/// The checks by the host's names; on Windows some are others.
const CHECKS: [(&str, &str, &str); 10] = [
    ("disk_space", "disk_space", "disk_space"),
    ("disk_health", "disk_errors", ""),
    ("windows_updates", "pending_updates", "pending_updates"),
    ("security_updates", "security_updates", "security_updates"),
    ("windows_defender", "", "defender"),
    ("firewall_status", "", "firewall"),
    ("memory_usage", "memory", "memory"),
    ("cpu_usage", "cpu_load", "cpu_load"),
    ("critical_services", "failed_units", "failed_services"),
    ("event_log_errors", "", "event_log_errors"),
];

/// The check that measures how long processors waited for disks; how it is judged is of no interest.
pub(crate) const STEAL: &str = "cpu_steal";

impl Route {
    /// What is done for the action of this name.
    pub(crate) fn of(name: &str, params: &Params, platform: Platform) -> Self {
        match name {
            "ServiceList" => native("ServiceList", params, Shape::Services),
            "ServiceControl" => native("ServiceControl", params, Shape::Service),
            "RestartServices" => restart(params),
            "ProcessList" => listed(params, PROCESSES),
            "ProcessTop" => listed(params, TOP),
            "ProcessKill" => native("ProcessKill", params, Shape::Killed),
            "PackageList" => native("PackageList", params, Shape::Packages),
            "PackageSearch" => native("PackageSearch", params, Shape::Found),
            "PackageInstall" => package("PackageInstall", params),
            "PackageRemove" => package("PackageRemove", params),
            "PackageUpdate" => package("PackageUpdate", params),
            "SystemInfo" => Self::Sample(Sampled::System),
            "OsInfo" => Self::Sample(Sampled::Os),
            "UserList" => native("UserList", params, Shape::Users),
            "JoinDomain" => native("JoinDomain", params, Shape::Joined),
            "PrepareGoldenImage" => native("PrepareGoldenImage", params, Shape::Sealed),
            "RebootSystem" => Self::Reboot { force: params.get("force") == Some(&Value::Bool(true)) },
            _ => Self::of_health(name, params, platform),
        }
    }

    fn of_health(name: &str, params: &Params, platform: Platform) -> Self {
        match name {
            "CheckDiskSpace" => Self::Sample(Sampled::Disks),
            "RunAllHealthChecks" => native("Autochecks", &Params::new(), Shape::AllChecks),
            "RunHealthCheck" | "ValidateSystemHealth" => check(params, platform),
            "CheckResourceOptimization" => {
                let measured = if platform == Platform::Linux { vec![STEAL] } else { Vec::new() };
                checks(&[optimization(platform), measured].concat(), Shape::Optimization)
            }
            "DiskCleanup" => cleanup(params, platform),
            "CleanTemporaryFiles" => clean(&["temp"], false, &Params::new()),
            "GetInstalledApplicationsWMI" => {
                native("ApplicationInventory", &Params::new(), Shape::Applications)
            }
            "UpdateSystemSoftware" => update(params, platform),
            "CheckApplicationUpdates" => native("UpdateCheck", &Params::new(), Shape::ApplicationUpdates),
            "RunMaintenanceTask"
            | "CheckSystemIntegrity"
            | "GetApplicationDetails"
            | "AutoFixDefender"
            | "AutoFixWindowsUpdates"
            | "AutoOptimizeDisk" => unsupported(name, "nothing here does that"),
            _ => match platform {
                Platform::Linux => Self::of_linux(name),
                Platform::Windows => Self::of_windows(name, params),
            },
        }
    }

    fn of_linux(name: &str) -> Self {
        match name {
            "CheckLinuxUpdates" => native("UpdateCheck", &Params::new(), Shape::LinuxUpdates),
            "CheckWindowsUpdates"
            | "GetPendingUpdates"
            | "GetUpdateHistory"
            | "CheckWindowsDefender"
            | "GetDefenderStatus"
            | "RunDefenderQuickScan"
            | "GetThreatHistory"
            | "ExecutePowerShellScript" => unsupported(name, "it exists on Windows only"),
            _ => Self::Own,
        }
    }

    fn of_windows(name: &str, params: &Params) -> Self {
        let none = Params::new();
        match name {
            "CheckWindowsUpdates" | "GetPendingUpdates" => {
                native("WindowsUpdateCheck", &none, Shape::WindowsUpdates)
            }
            "CheckWindowsDefender" | "GetDefenderStatus" => {
                native("WindowsDefenderStatus", &none, Shape::Defender)
            }
            "GetThreatHistory" => native("WindowsDefenderStatus", &none, Shape::Threats),
            "GetUpdateHistory" => native("UpdateHistory", &none, Shape::History),
            "RunDefenderQuickScan" => {
                native("WindowsDefenderScan", &params_of(json!({"scan_type": "quick"})), Shape::Scan)
            }
            "ExecutePowerShellScript" => Self::PowerShell(params.clone()),
            "CheckLinuxUpdates" => unsupported(name, "it exists on Linux only"),
            _ => Self::Own,
        }
    }
}

fn params_of(value: Value) -> Params {
    if let Value::Object(params) = value { params } else { Params::new() }
}

fn native(name: &'static str, params: &Params, shape: Shape) -> Route {
    Route::Native(name, params.clone(), shape)
}

/// Whose message holds none of the words that make the host try again.
fn unsupported(name: &str, why: &str) -> Route {
    Route::Refused(ErrorCode::Unsupported, format!("{name} is not available: {why}"))
}

fn invalid(error: &str) -> Route {
    Route::Refused(ErrorCode::InvalidParameter, error.to_owned())
}

/// A parameter's text; `null` and empty are the same as absent.
fn text<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn restart(params: &Params) -> Route {
    let Some(service) = text(params, "service_name") else {
        return invalid("`service_name` is missing; all services are never restarted at once");
    };
    native("ServiceControl", &params_of(json!({"service": service, "operation": "restart"})), Shape::Service)
}

/// `limit` and `sort_by` of 0, false and absence mean the same.
fn listed(params: &Params, most: u64) -> Route {
    let mut asked = params.clone();
    asked
        .retain(|_, value| !matches!(value, Value::Null | Value::Bool(false)) && value.as_f64() != Some(0.0));
    let limit = asked.get("limit").and_then(Value::as_u64).map(|limit| limit.min(LIMIT_MAX));
    if limit.is_some() || !asked.contains_key("limit") {
        asked.insert("limit".into(), limit.unwrap_or(most).into());
    }
    native("ProcessList", &asked, Shape::Processes)
}

fn package(name: &'static str, params: &Params) -> Route {
    let fits = |text: &str| {
        (1..=100).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:+-".contains(&byte))
    };
    match params.get("package").and_then(Value::as_str) {
        Some(package) if !fits(package) => {
            invalid("`package` must be 1 to 100 of the characters A-Z a-z 0-9 . _ : + -")
        }
        _ => native(name, params, Shape::Package),
    }
}

fn check(params: &Params, platform: Platform) -> Route {
    let Some(name) = text(params, "check_name") else {
        return native("Autochecks", &Params::new(), Shape::OneCheck { all: true });
    };
    if name == "resource_optimization" {
        return checks(&optimization(platform), Shape::OneCheck { all: false });
    }
    let row = CHECKS.iter().find(|(host, ..)| *host == name);
    let own = row.map(|(_, linux, windows)| if platform == Platform::Linux { *linux } else { *windows });
    match own {
        Some(own) if !own.is_empty() => checks(&[own], Shape::OneCheck { all: false }),
        _ => {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            unsupported(&format!("the check \"{shown}\""), "it has no counterpart here")
        }
    }
}

fn optimization(platform: Platform) -> Vec<&'static str> {
    match platform {
        Platform::Linux => vec!["memory", "memory_pressure", "swap", "cpu_load", "disk_space"],
        Platform::Windows => vec!["memory", "cpu_load", "disk_space"],
    }
}

fn checks(names: &[&str], shape: Shape) -> Route {
    native("Autochecks", &params_of(json!({ "checks": names })), shape)
}

/// Without targets the user may have ticked one box of four, so that only temporary files are meant.
fn cleanup(params: &Params, platform: Platform) -> Route {
    if let Some(drive) = text(params, "drive")
        && !platform.is_system_drive(drive)
    {
        return unsupported("DiskCleanup", "only the system's drive is cleaned");
    }
    let asked = match params.get("targets") {
        None | Some(Value::Null) => return clean(&["temp"], false, params),
        Some(Value::Array(asked)) if asked.is_empty() => return clean(&["temp"], false, params),
        Some(Value::Array(asked)) => asked,
        Some(_) => return invalid("`targets` must be a list of strings"),
    };
    let words: Vec<_> = asked.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect();
    let browser = words.iter().any(|word| word == "browser_cache");
    let words: Vec<_> = words.iter().map(String::as_str).filter(|word| *word != "browser_cache").collect();
    match words.iter().map(|word| target(word)).collect::<Option<Vec<_>>>() {
        Some(targets) if targets.is_empty() => {
            unsupported("DiskCleanup", "the caches of browsers are not emptied here")
        }
        Some(targets) => clean(&targets, browser, params),
        None => invalid("`targets` must be of temp_files, system_cache, recycle_bin and browser_cache"),
    }
}

fn target(word: &str) -> Option<&'static str> {
    Some(match word {
        "temp_files" | "temp" => "temp",
        "system_cache" | "package_cache" => "package_cache",
        "recycle_bin" | "trash" => "trash",
        "logs" => "logs",
        "crash_dumps" => "crash_dumps",
        "thumbnails" => "thumbnails",
        _ => return None,
    })
}

fn clean(targets: &[&'static str], browser: bool, params: &Params) -> Route {
    let mut asked = params_of(json!({ "targets": targets }));
    for name in ["older_than_days", "dry_run"] {
        asked.extend(params.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    Route::Native("DiskCleanup", asked, Shape::Cleaned { browser })
}

fn update(params: &Params, platform: Platform) -> Route {
    match (text(params, "package"), platform) {
        (Some(_), _) => package("PackageUpdate", params),
        (None, Platform::Linux) => native("UpdateInstall", &Params::new(), Shape::Installed),
        (None, Platform::Windows) => native("WindowsUpdateInstall", &Params::new(), Shape::Installed),
    }
}

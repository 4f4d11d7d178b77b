//! The table of all actions: the one place where a safe command is declared.
//!
//! [`Action`], [`ActionName`], the reading of parameters, the schemas under `docs/schema`, the table in
//! `docs/protocol.md` and the sections of `docs/commands.md` follow from it. The agent's `HANDLERS` say what runs for it.
//!
//! A row is `Name(timeout s, effect, platforms) -> type of the answer's data { parameters }`. A parameter is
//!
//! - `required(type)`, `optional(type)`, `default(type)` (its default when absent), or `sparse(bool)` (`false` when
//!   absent, and not written when `false`);
//! - `= reader`, a method of `Params`, and its bound: `in 1..=MAX` for a number, `up to` for a share, `long 1..=MAX` for
//!   a text's characters or a list's items.

use super::parameter::Params;
use super::{
    CleanupLevel, Effect, Facts, LogPriority, MAX_COMPUTER_CHARS, MAX_DAYS, MAX_DOMAIN_CHARS, MAX_HITS,
    MAX_LIMIT, MAX_LIST, MAX_LOG_LINES, MAX_NAME_CHARS, MAX_PASSWORD_CHARS, MAX_PID, MAX_SCRIPT_BYTES,
    MAX_SCRIPT_SECS, ParamError, Parameter, Password, Platforms, ProcessSort, ScanType, ScriptShell,
    ServiceOperation,
};
use crate::parse::quote;
use crate::{ErrorCode, data};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

macro_rules! actions {
    ($(
        $(#[doc = $about:literal])+
        $name:ident($secs:literal s, $effect:ident $($but:literal)?, $platforms:ident $(or $counterpart:ident)?)
            -> $data:ty {
            $(
                $(#[doc = $doc:literal])+
                $param:ident: $(required($required:ty))? $(optional($optional:ty))? $(default($default:ty))?
                    $(sparse($sparse:ty))? = $read:ident $(in $least:literal..=$most:ident)? $(up to $top:literal)?
                    $(long $short:literal..=$long:ident)?;
            )*
        }
    )+) => {
        /// What a `SafeCommand` asks for. Serialised, it is the wire's `command_type`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "action")]
        pub enum Action {
            $(
                $(#[doc = $about])+
                $name {
                    $(
                        $(#[doc = $doc])+
                        $(#[cfg_attr(feature = "schema", schemars(range(min = $least, max = $most)))])?
                        $(#[cfg_attr(feature = "schema", schemars(range(max = $top)))])?
                        $(#[cfg_attr(feature = "schema", schemars(length(min = $short, max = $long)))])?
                        $($param: $required,)?
                        $(#[serde(default, skip_serializing_if = "Option::is_none")] $param: Option<$optional>,)?
                        $(#[serde(default)] $param: $default,)?
                        $(#[serde(default, skip_serializing_if = "std::ops::Not::not")] $param: $sparse,)?
                    )*
                },
            )+
        }

        /// Name of an action, spelt as on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[allow(missing_docs, reason = "each is documented at the variant of Action with the same name")]
        pub enum ActionName { $($name,)+ }

        impl ActionName {
            /// All of them, in the contract's order.
            pub const ALL: [Self; [$(stringify!($name)),+].len()] = [$(Self::$name),+];

            /// Its row of the table.
            pub const fn facts(self) -> &'static Facts {
                match self {
                    $(Self::$name => const { &Facts {
                        name: stringify!($name),
                        default_timeout_secs: $secs,
                        effect: Effect::$effect,
                        exception: { let but: &[&str] = &[$($but)?]; but.first().copied() },
                        platforms: Platforms::$platforms,
                        counterpart: { let other: &[Self] = &[$(Self::$counterpart)?]; other.first().copied() },
                        parameters: &[$(Parameter {
                            name: stringify!($param),
                            required: { let required: &[&str] = &[$(stringify!($required))?]; !required.is_empty() },
                        },)*],
                    } },)+
                }
            }

            /// Whether `data` is what this action answers with, and holds nothing that its type does not know.
            pub fn answers_with(self, data: &Value) -> bool {
                match self {
                    $(Self::$name => is_exactly::<$data>(data),)+
                }
            }

            /// Types the parameters, each for itself.
            pub(super) fn read(self, params: &Params<'_>) -> Result<Action, ParamError> {
                Ok(match self {
                    $(Self::$name => Action::$name {
                        $($param: params.$read(stringify!($param) $(, $least..=$most)? $(, $top)? $(, $long)?)?,)*
                    },)+
                })
            }

            /// Calls `put` with each action's name and the schema of its answer's data.
            #[cfg(feature = "schema")]
            pub(crate) fn each_answer(
                generator: &mut schemars::SchemaGenerator,
                mut put: impl FnMut(&'static str, schemars::Schema),
            ) {
                $(put(stringify!($name), generator.subschema_for::<$data>());)+
            }
        }

        impl Action {
            /// Its name.
            pub const fn name(&self) -> ActionName {
                match self {
                    $(Self::$name { .. } => ActionName::$name,)+
                }
            }
        }
    };
}

actions! {
    /// Services and their states.
    ServiceList(30 s, Reads, All) -> Vec<data::ServiceInfo> {
        /// Only services in this state, as `status` in the answer; by default all.
        state: optional(String) = service_state;
    }
    /// One operation on one service.
    ServiceControl(120 s, Changes "`status` reads", All) -> data::ServiceInfo {
        /// systemd unit (`.service` may be omitted) or Windows service name.
        service: required(String) = name long 1..=MAX_NAME_CHARS;
        /// What to do.
        operation: required(ServiceOperation) = required_choice;
    }
    /// The newest lines that a service logged.
    ServiceLogs(60 s, Reads, All) -> data::ServiceLogsData {
        /// systemd unit (`.service` may be omitted), or on Windows the source of the events, such as `Service Control Manager`.
        service: required(String) = required_text long 1..=MAX_NAME_CHARS;
        /// How many lines at most, the newest first: 1 to 1000; 100 when absent.
        lines: optional(u32) = integer in 1..=MAX_LOG_LINES;
        /// Only lines at least as important as this.
        priority: optional(LogPriority) = choice;
        /// Only lines from this time on: `2026-11-23T06:30:00Z`, or how long ago by the guest's clock, such as `2h` or `15min`.
        since: optional(String) = moment;
        /// Only lines up to this time, in the form of `since`.
        until: optional(String) = moment;
    }
    /// Installed packages.
    PackageList(60 s, Reads, All) -> data::PackageListData {
        /// At most this many, 1 to 100,000; by default all.
        limit: optional(u32) = integer in 1..=MAX_LIMIT;
        /// Part of the name or description, case-insensitive.
        filter: optional(String) = filter;
    }
    /// Search the repositories' package lists as they were last fetched (Linux). If there are none, the command fails.
    PackageSearch(60 s, Reads, Linux) -> data::PackageSearchData {
        /// Words that must all be in the name or in the description, case-insensitive.
        query: required(String) = required_text long 1..=MAX_NAME_CHARS;
        /// How many packages at most, the best matches first: 1 to 200; 200 when absent.
        limit: optional(u32) = integer in 1..=MAX_HITS;
    }
    /// Install one package.
    PackageInstall(900 s, ChangesPackages, All) -> data::PackageChangeData {
        /// As the package manager names it.
        package: required(String) = name long 1..=MAX_NAME_CHARS;
        /// Whether other packages may be removed or downgraded.
        cascade: sparse(bool) = flag;
    }
    /// Update one installed package to its newest version.
    PackageUpdate(900 s, ChangesPackages, All) -> data::PackageChangeData {
        /// As the package manager names it.
        package: required(String) = name long 1..=MAX_NAME_CHARS;
        /// Whether other packages may be removed or downgraded.
        cascade: sparse(bool) = flag;
    }
    /// Remove one package; its configuration is kept.
    PackageRemove(900 s, ChangesPackages, All) -> data::PackageChangeData {
        /// As the package manager names it.
        package: required(String) = name long 1..=MAX_NAME_CHARS;
        /// Whether other packages may be removed or downgraded.
        cascade: sparse(bool) = flag;
    }
    /// Results of the last package changes, including those that outlived their timeout.
    PackageChangeStatus(30 s, Reads, All) -> data::PackageChangeStatusData {
        /// Only the change that the command with this id requested; by default all that are remembered.
        id: optional(String) = text long 1..=MAX_NAME_CHARS;
    }
    /// Running processes.
    ProcessList(30 s, Reads, All) -> data::ProcessListData {
        /// At most this many, 1 to 100,000; by default all.
        limit: optional(u32) = integer in 1..=MAX_LIMIT;
        /// Order; by default the busiest first.
        sort_by: optional(ProcessSort) = choice;
        /// Part of the name or command line, case-insensitive.
        filter: optional(String) = filter;
    }
    /// End a process.
    ProcessKill(30 s, Changes, All) -> data::ProcessKillData {
        /// From 1 to 2,147,483,647.
        pid: required(u32) = required_integer in 1..=MAX_PID;
        /// Whether to use SIGKILL if the process ignores SIGTERM.
        force: default(bool) = flag;
    }
    /// Login accounts of people: root and users; on Windows the enabled local accounts.
    UserList(30 s, Reads, All) -> data::UserListData {
        /// At most this many, 1 to 100,000; by default all.
        limit: optional(u32) = integer in 1..=MAX_LIMIT;
        /// Part of the login name or the full name, case-insensitive.
        filter: optional(String) = filter;
    }
    /// Store a script. Stored scripts run one at a time, in their order, and survive a restart. Off unless `allow_scripts` is set.
    ScriptRun(60 s, Changes, All) -> data::ScriptInfo {
        /// The host's name for this run. While the guest knows a run with this name, it does not add another.
        execution_id: required(String) = required_text long 1..=MAX_NAME_CHARS;
        /// The script's text.
        script: required(String) = script long 1..=MAX_SCRIPT_BYTES;
        /// The shell that runs it; by default `sh`, or on Windows `cmd`.
        shell: optional(ScriptShell) = choice;
        /// A name for people.
        name: optional(String) = text long 1..=MAX_NAME_CHARS;
        /// The user that it runs as, as in `UnsafeCommand`; by default the agent's own.
        run_as: optional(String) = text long 1..=MAX_NAME_CHARS;
        /// How long it may run, 1 to 86,400 s, and at most `max_command_timeout_secs`; 600 when absent.
        timeout_secs: optional(u32) = integer in 1..=MAX_SCRIPT_SECS;
    }
    /// List the scripts that wait or run, and the results of those that have ended.
    ScriptStatus(30 s, Reads, All) -> data::ScriptStatusData {
        /// Only this run; `stdout` and `stderr` of the answer are then the output of the script. By default all known runs.
        execution_id: optional(String) = text long 1..=MAX_NAME_CHARS;
    }
    /// Forget a script that has ended or has not begun. One that has not begun will never run.
    ScriptRemove(30 s, Changes, All) -> data::ScriptInfo {
        /// Which run.
        execution_id: required(String) = required_text long 1..=MAX_NAME_CHARS;
    }
    /// Pending updates of packages: on Windows of what winget knows, without the system's own.
    UpdateCheck(300 s, Reads, All) -> data::UpdateCheckData {}
    /// Install pending updates (Linux).
    UpdateInstall(3600 s, ChangesPackages, Linux or WindowsUpdateInstall) -> data::UpdateInstallData {
        /// Only those that the distribution marks as security updates.
        security_only: default(bool) = flag;
        /// Whether other packages may be removed or downgraded.
        cascade: sparse(bool) = flag;
    }
    /// List what was installed, updated and removed, from dpkg's log, dnf's transactions, zypper's history, or the history of Windows Update.
    UpdateHistory(120 s, Reads, All) -> data::UpdateHistoryData {
        /// How many entries at most, the newest first: 1 to 200; 200 when absent.
        limit: optional(u32) = integer in 1..=MAX_HITS;
    }
    /// Pending Windows updates.
    WindowsUpdateCheck(300 s, Reads, Windows or UpdateCheck) -> data::WindowsUpdateCheckData {}
    /// Install Windows updates.
    WindowsUpdateInstall(3600 s, ChangesPackages, Windows or UpdateInstall) -> data::WindowsUpdateInstallData {
        /// Only these, such as `KB5034441`; by default all pending ones.
        kb_articles: optional(Vec<String>) = kb_articles long 1..=MAX_LIST;
    }
    /// State of Windows Defender.
    WindowsDefenderStatus(60 s, Reads, Windows) -> data::DefenderStatusData {}
    /// Scan with Windows Defender.
    WindowsDefenderScan(3600 s, Changes, Windows) -> data::DefenderScanData {
        /// Which kind of scan.
        scan_type: default(ScanType) = choice_or_default;
    }
    /// Installed applications, from all sources.
    ApplicationInventory(120 s, Reads, All) -> data::ApplicationInventoryData {
        /// At most this many, 1 to 100,000; by default all.
        limit: optional(u32) = integer in 1..=MAX_LIMIT;
        /// Part of the name or publisher, case-insensitive.
        filter: optional(String) = filter;
    }
    /// Health checks.
    Autochecks(120 s, Reads, All) -> data::AutochecksData {
        /// Only these checks, by name; by default all.
        checks: optional(Vec<String>) = words long 1..=MAX_LIST;
        /// Usage in percent from which a check warns, greater than 0 and at most 100; by default the check's own.
        warning_percent: optional(f64) = share up to 100;
        /// Usage in percent from which a check fails, greater than `warning_percent` and at most 100; by default the check's own.
        critical_percent: optional(f64) = share up to 100;
    }
    /// Remove temporary files, old logs and caches.
    DiskCleanup(900 s, Changes "a dry run reads", All) -> data::DiskCleanupData {
        /// `temp`, `logs`, `package_cache`, `thumbnails`, `crash_dumps`, `trash`, or those of Windows; by default all.
        targets: optional(Vec<String>) = words long 1..=MAX_LIST;
        /// Only files and directories that were not used for this many days, 0 to 3650; by default the target's own age.
        older_than_days: optional(u32) = integer in 0..=MAX_DAYS;
        /// Whether to only report what would be removed.
        dry_run: default(bool) = flag;
    }
    /// Make a template of the machine, so that each copy gets its own identity. Irreversible; refused unless `allow_seal` is set.
    PrepareGoldenImage(600 s, Changes, All) -> data::SealData {
        /// What is removed in addition to the identity. `minimal`: nothing; `standard` (the default): caches and rotated logs; `deep`: the same, and file systems are trimmed.
        cleanup_level: default(CleanupLevel) = choice_or_default;
        /// Whether to remove users' accounts and homes, too.
        sanitize_user_data: default(bool) = flag;
        /// Whether to power off 5 s after the answer; if a step failed, the machine stays on.
        shutdown_after: default(bool) = flag;
    }
    /// Join a domain of Active Directory; refused unless `allow_domain_join` is set.
    JoinDomain(300 s, Changes, All) -> data::JoinDomainData {
        /// The domain's DNS name.
        domain: required(String) = domain long 1..=MAX_DOMAIN_CHARS;
        /// A user who may let machines join: a bare name, `user@domain` or `DOMAIN\user`.
        username: required(String) = account long 1..=MAX_NAME_CHARS;
        /// That user's password. It is never logged and never in an answer.
        password: required(Password) = password long 1..=MAX_PASSWORD_CHARS;
        /// Where to create the computer's account, such as `OU=Servers,DC=lab,DC=example`; by default the domain's default place.
        ou: optional(String) = distinguished long 1..=MAX_NAME_CHARS;
        /// The computer's name in the domain; by default its own.
        computer_name: optional(String) = computer long 1..=MAX_COMPUTER_CHARS;
        /// Whether to restart 5 s after the answer.
        restart_after: default(bool) = flag;
    }
    /// Make the agent read its configuration again. If anything in it is invalid, nothing changes. Refused unless `allow_config_reload` is set.
    ConfigReload(30 s, Changes, All) -> data::ConfigReloadData {}
    /// Shut down the machine and power it off; the answer is sent before it goes down.
    Shutdown(120 s, EndsTheMachine, All) -> data::PowerData {}
    /// Reboot the machine; the answer is sent before it goes down.
    Reboot(120 s, EndsTheMachine, All) -> data::PowerData {}
}

/// Whether `data` is a `T` that writes itself back as the very same.
fn is_exactly<T: Serialize + serde::de::DeserializeOwned>(data: &Value) -> bool {
    serde_json::from_value::<T>(data.clone())
        .and_then(serde_json::to_value)
        .is_ok_and(|written| written == *data)
}

impl Action {
    /// Types an action's parameters. Parameters that it does not know are ignored.
    pub fn parse(name: &str, params: &Map<String, Value>) -> Result<Self, ParamError> {
        let name = ActionName::from_name(name).ok_or_else(|| unknown(name))?;
        name.read(&Params(params))?.consistent()
    }

    /// Whether this very command only tells: also `status` of a service and a dry run.
    pub const fn is_read_only(&self) -> bool {
        match self {
            Self::ServiceControl { operation, .. } => matches!(operation, ServiceOperation::Status),
            Self::DiskCleanup { dry_run, .. } => *dry_run,
            other => other.name().is_read_only(),
        }
    }

    /// What parameters must be to each other.
    fn consistent(self) -> Result<Self, ParamError> {
        match &self {
            Self::Autochecks { warning_percent: Some(warning), critical_percent: Some(critical), .. }
                if critical <= warning =>
            {
                let must = format!("be greater than `warning_percent` ({warning})");
                Err(ParamError::must("critical_percent", &must, &critical.to_string()))
            }
            _ => Ok(self),
        }
    }
}

fn unknown(name: &str) -> ParamError {
    let all: Vec<_> = ActionName::ALL.into_iter().map(ActionName::name).collect();
    let message = format!("action {} is unknown; it must be one of {}", quote(name), all.join(", "));
    ParamError { code: ErrorCode::UnknownAction, parameter: None, message }
}

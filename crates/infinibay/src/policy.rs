//! The host's names of actions, for the operator's lists and for those who look one up.

/// Why a locked agent carries out nothing.
pub(crate) const LOCKED: &str = "no shared secret: commands are not taken";
/// Why something dangerous is not carried out for a line without a signature.
pub(crate) const UNSIGNED: &str = "this is carried out for signed lines only";

/// Every action that the host knows by a name which is not the agent's own.
pub const HOST_ACTIONS: [&str; 29] = [
    "AutoFixDefender",
    "AutoFixWindowsUpdates",
    "AutoOptimizeDisk",
    "CheckApplicationUpdates",
    "CheckDiskSpace",
    "CheckLinuxUpdates",
    "CheckResourceOptimization",
    "CheckSystemIntegrity",
    "CheckWindowsDefender",
    "CheckWindowsUpdates",
    "CleanTemporaryFiles",
    "ExecutePowerShellScript",
    "GetApplicationDetails",
    "GetDefenderStatus",
    "GetInstalledApplicationsWMI",
    "GetPendingUpdates",
    "GetThreatHistory",
    "GetUpdateHistory",
    "OsInfo",
    "ProcessTop",
    "RebootSystem",
    "RestartServices",
    "RunAllHealthChecks",
    "RunDefenderQuickScan",
    "RunHealthCheck",
    "RunMaintenanceTask",
    "SystemInfo",
    "UpdateSystemSoftware",
    "ValidateSystemHealth",
];

/// Whether an action is the host's own.
pub fn is_host_action(name: &str) -> bool {
    HOST_ACTIONS.contains(&name)
}

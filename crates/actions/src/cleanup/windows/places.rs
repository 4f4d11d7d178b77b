//! Where on Windows a target lies.

use crate::cleanup::Target;
use crate::cleanup::rule::Names;

/// A directory whose entries a target removes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Below the system drive. `*` stands for each directory there.
    pub path: &'static str,
    /// Age from which entries are removed when none is asked for, in days.
    pub days: u32,
    /// Which of them.
    pub names: Names,
    /// An entry goes or stays as a whole, by its own age.
    pub whole: bool,
}

const fn place(path: &'static str, days: u32, names: Names) -> Place {
    Place { path, days, names, whole: false }
}

const TEMP: &[Place] =
    &[place(r"Windows\Temp", 10, Names::All), place(r"Users\*\AppData\Local\Temp", 10, Names::All)];
/// What the servicing stack and setup set aside.
const LOGS: &[Place] = &[
    place(r"Windows\Logs\CBS", 30, Names::Own(&[("CbsPersist_", ".cab"), ("CbsPersist_", ".log")])),
    place(r"Windows\Logs\WindowsUpdate", 30, Names::Own(&[("", ".etl")])),
    place(r"Windows\Logs\waasmedic", 30, Names::Own(&[("", ".etl")])),
    place(r"ProgramData\USOShared\Logs\System", 30, Names::Own(&[("", ".etl")])),
];
/// Windows Update downloads again what it still needs; ten days leave a download that is under way alone.
const UPDATES: &[Place] = &[place(r"Windows\SoftwareDistribution\Download", 10, Names::All)];
const CRASH_DUMPS: &[Place] = &[
    place(r"Windows", 7, Names::Own(&[("MEMORY", ".DMP")])),
    place(r"Windows\Minidump", 7, Names::Ending(&[".dmp", ".DMP"])),
    place(r"Windows\LiveKernelReports", 7, Names::Ending(&[".dmp", ".DMP"])),
    place(r"ProgramData\Microsoft\Windows\WER\ReportArchive", 7, Names::All),
    place(r"ProgramData\Microsoft\Windows\WER\ReportQueue", 7, Names::All),
    place(r"Users\*\AppData\Local\CrashDumps", 7, Names::Ending(&[".dmp", ".DMP"])),
];
const THUMBNAILS: &[Place] = &[place(
    r"Users\*\AppData\Local\Microsoft\Windows\Explorer",
    30,
    Names::Own(&[("thumbcache_", ".db"), ("iconcache_", ".db")]),
)];
/// One directory for each user, with `$I…` and `$R…` for each thing that was thrown away.
const TRASH: &[Place] = &[Place { whole: true, ..place(r"$Recycle.Bin\*", 30, Names::NoDesktopIni) }];

/// A target's directories.
pub(super) const fn of(target: Target) -> &'static [Place] {
    match target {
        Target::Temp => TEMP,
        Target::Logs => LOGS,
        Target::PackageCache => UPDATES,
        Target::CrashDumps => CRASH_DUMPS,
        Target::Thumbnails => THUMBNAILS,
        Target::Trash => TRASH,
    }
}

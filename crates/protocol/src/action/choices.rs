//! Parameters that are one word of a few.

use serde::{Deserialize, Serialize};

/// One word of a few.
pub(super) trait Choice: Copy + 'static {
    /// All words, each with what it means.
    const WORDS: &'static [(&'static str, Self)];
}

macro_rules! choices {
    ($(
        #[doc = $about:literal]
        $(#[derive($derived:ident)])?
        $name:ident { $(#[doc = $doc:literal] $(#[$default:ident])? $variant:ident = $word:literal;)+ }
    )+) => {
        $(
            #[doc = $about]
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
            $(#[derive($derived)])?
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            pub enum $name {
                $(#[doc = $doc] $(#[$default])? #[serde(rename = $word)] $variant,)+
            }

            impl Choice for $name {
                const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)+];
            }
        )+
    };
}

choices! {
    /// `operation` of `ServiceControl`.
    ServiceOperation {
        /// Start it now.
        Start = "start";
        /// Stop it now.
        Stop = "stop";
        /// Stop and start; start when stopped.
        Restart = "restart";
        /// Start at boot from now on.
        Enable = "enable";
        /// No longer start at boot.
        Disable = "disable";
        /// Only show its state.
        Status = "status";
    }
    /// `priority` of `ServiceLogs` and of its lines, as syslog(3) has them: the most important first.
    LogPriority {
        /// The system is unusable.
        Emerg = "emerg";
        /// Somebody must act at once.
        Alert = "alert";
        /// A critical condition.
        Crit = "crit";
        /// An error.
        Err = "err";
        /// A warning.
        Warning = "warning";
        /// Normal, but significant.
        Notice = "notice";
        /// Informational.
        Info = "info";
        /// For developers.
        Debug = "debug";
    }
    /// `sort_by` of `ProcessList`.
    ProcessSort {
        /// Busiest first.
        Cpu = "cpu";
        /// Largest resident set first.
        Memory = "memory";
        /// Smallest pid first.
        Pid = "pid";
        /// By name.
        Name = "name";
    }
    /// `cleanup_level` of `PrepareGoldenImage`.
    #[derive(Default)]
    CleanupLevel {
        /// Nothing except the identity.
        Minimal = "minimal";
        /// Also caches and rotated logs.
        #[default]
        Standard = "standard";
        /// The same, and file systems are trimmed.
        Deep = "deep";
    }
    /// `shell` of `ScriptRun`.
    ScriptShell {
        /// POSIX's shell (Linux).
        Sh = "sh";
        /// Bash (Linux).
        Bash = "bash";
        /// The command processor (Windows).
        Cmd = "cmd";
        /// PowerShell (Windows).
        Powershell = "powershell";
    }
    /// `scan_type` of `WindowsDefenderScan`.
    #[derive(Default)]
    ScanType {
        /// The places where malware usually is.
        #[default]
        Quick = "quick";
        /// All disks.
        Full = "full";
    }
}

impl ScriptShell {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, one)| *one == self).map_or("", |(word, _)| word)
    }

    /// The shell of this name, in any case.
    pub fn from_word(text: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, shell)| *shell)
    }
}

impl LogPriority {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, one)| *one == self).map_or("", |(word, _)| word)
    }

    /// The priority of this number of syslog(3), from 0 to 7.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::WORDS.get(usize::from(number)).map(|(_, priority)| *priority)
    }
}

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
        /// Only tell.
        Status = "status";
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
    /// `scan_type` of `WindowsDefenderScan`.
    #[derive(Default)]
    ScanType {
        /// Where malware usually sits.
        #[default]
        Quick = "quick";
        /// All disks.
        Full = "full";
    }
}

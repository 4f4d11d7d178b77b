//! The two platforms, whose rows of the tables differ.

/// What the agent runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
}

impl Platform {
    /// That of this build.
    pub const HERE: Self = if cfg!(windows) { Self::Windows } else { Self::Linux };

    /// As in `hello`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
        }
    }

    pub(crate) fn is_system_drive(self, drive: &str) -> bool {
        match self {
            Self::Linux => drive == "/",
            Self::Windows => drive.trim_end_matches(['\\', '/', ':']).eq_ignore_ascii_case("c"),
        }
    }
}

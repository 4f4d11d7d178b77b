//! What a simulated guest does wrong.

/// A fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// None.
    #[default]
    None,
    /// It takes the connection and says nothing, as a machine without an agent, or a socket that another program holds.
    Mute,
    /// It reads nothing and says nothing once it has introduced itself: the guest's kernel hangs.
    Hangs,
    /// It sends lines as fast as they are taken.
    Floods,
    /// Every tenth line breaks off in the middle.
    Torn,
    /// Every tenth line is longer than a guest may send.
    Long,
    /// Its texts are made to break tables, labels, pages and logs.
    Hostile,
    /// It sends bytes that are no lines.
    Noise,
    /// It closes the connection every few seconds.
    Churns,
    /// What it is asked to do fails.
    Fails,
}

impl Fault {
    /// All of them, and none.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Mute,
        Self::Hangs,
        Self::Floods,
        Self::Torn,
        Self::Long,
        Self::Hostile,
        Self::Noise,
        Self::Churns,
        Self::Fails,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mute => "mute",
            Self::Hangs => "hangs",
            Self::Floods => "floods",
            Self::Torn => "torn",
            Self::Long => "long",
            Self::Hostile => "hostile",
            Self::Noise => "noise",
            Self::Churns => "churns",
            Self::Fails => "fails",
        }
    }

    /// The fault of this name.
    ///
    /// # Errors
    /// Which names there are.
    pub fn from_name(name: &str) -> Result<Self, String> {
        let names: Vec<_> = Self::ALL.iter().map(|fault| fault.name()).collect();
        let found = Self::ALL.into_iter().find(|fault| fault.name() == name);
        found.ok_or_else(|| format!("must be one of {}", names.join(", ")))
    }
}

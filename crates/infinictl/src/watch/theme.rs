//! Colours, or none.

use super::quality::Quality;
use ratatui::style::{Color, Modifier, Style};

/// How things are marked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Theme {
    /// Whether colours may be used; without them bold and dim remain.
    pub colour: bool,
}

impl Theme {
    /// What matters most.
    #[allow(clippy::unused_self, reason = "it is asked of the theme, as the other marks are")]
    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What need not be looked at: frames, units.
    pub(crate) fn dim(self) -> Style {
        if self.colour { Style::new().fg(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// Headings.
    pub(crate) fn title(self) -> Style {
        self.fg(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// All is well.
    pub(crate) fn good(self) -> Style {
        self.fg(Color::Green)
    }

    /// Worth a look.
    pub(crate) fn warning(self) -> Style {
        self.fg(Color::Yellow)
    }

    /// Wrong.
    pub(crate) fn bad(self) -> Style {
        self.fg(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// By how full something is.
    pub(crate) fn level(self, percent: f64) -> Style {
        match percent {
            ..70.0 => self.good(),
            ..90.0 => self.warning(),
            _ => self.fg(Color::Red),
        }
    }

    /// By the link's grade.
    pub(crate) fn quality(self, quality: Quality) -> Style {
        match quality {
            Quality::Unknown => self.dim(),
            Quality::Excellent | Quality::Good => self.good(),
            Quality::Fair => self.warning(),
            Quality::Poor | Quality::Critical => self.bad(),
        }
    }

    fn fg(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }
}

//! Bars and curves out of characters.

use crate::watch::theme::Theme;
use ratatui::text::Span;

const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of `width` columns, filled by `percent`, in the colour of its level.
pub(super) fn bar(percent: f64, width: usize, theme: Theme) -> [Span<'static>; 2] {
    let percent = if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 };
    let filled = ((percent / 100.0 * width as f64).round() as usize).min(width);
    // What is in use at all is seen.
    let filled = if percent > 0.0 { filled.max(1).min(width) } else { filled };
    [
        Span::styled("━".repeat(filled), theme.level(percent)),
        Span::styled("╌".repeat(width - filled), theme.dim()),
    ]
}

/// The last `width` samples of 0 to 100, the newest at the right.
pub(super) fn curve<'a>(samples: impl DoubleEndedIterator<Item = &'a f64>, width: usize) -> String {
    let mut steps: Vec<char> = samples.rev().take(width).map(|percent| step(*percent)).collect();
    steps.reverse();
    let blanks = width.saturating_sub(steps.len());
    " ".repeat(blanks) + &steps.into_iter().collect::<String>()
}

fn step(percent: f64) -> char {
    let at = (percent.clamp(0.0, 100.0) / 100.0 * 7.0).round() as usize;
    STEPS.get(at).copied().unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(percent: f64, width: usize) -> String {
        bar(percent, width, Theme::default()).iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn a_bar_has_its_width_whatever_the_guest_says() {
        assert_eq!(text(50.0, 4), "━━╌╌");
        assert_eq!(text(0.1, 4), "━╌╌╌");
        assert_eq!(text(1e300, 4), "━━━━");
        assert_eq!(text(f64::NAN, 4), "╌╌╌╌");
        assert_eq!(text(50.0, 0), "");
    }

    #[test]
    fn a_curve_ends_with_the_newest() {
        assert_eq!(curve([0.0, 50.0, 100.0].iter(), 5), "  ▁▅█");
        assert_eq!(curve([0.0, 50.0, 100.0].iter(), 2), "▅█");
        assert_eq!(curve([f64::NAN].iter(), 1), "▁");
    }
}

//! What things look like, by what they are. The one place of the viewer that names a colour or a sign that ASCII lacks.

use ratatui::style::{Color, Modifier, Style};

pub use crate::args::Theme as Name;
use crate::render::style::Role;

/// How the viewer looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Theme {
    /// Its colours.
    pub name: Name,
    /// Whether to do with ASCII's signs.
    pub ascii: bool,
}

/// What a piece of the screen is, beside the roles that all output has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Plain text.
    Text,
    /// As in all output.
    Of(Role),
    /// The first line.
    Header,
    /// What the header stresses.
    HeaderStrong,
    /// The headings of columns.
    Heading,
    /// The row under the cursor.
    Selected,
    /// A place where what was searched was found.
    Match,
    /// Following, healthy.
    Good,
    /// A key in the help and the hints.
    Key,
    /// A frame around something that lies over the screen.
    Border,
    /// A small curve.
    Spark,
    /// One of the colours that tell functions or services apart.
    Apart(usize),
}

impl Theme {
    /// How `part` looks.
    #[must_use]
    pub fn style(self, part: Part) -> Style {
        let plain = Style::new();
        let style = match self.name {
            Name::Mono => plain,
            Name::Dark => colour(part, false).map_or(plain, |colour| plain.fg(colour)),
            Name::Light => colour(part, true).map_or(plain, |colour| plain.fg(colour)),
        };
        match part {
            Part::Selected if self.name == Name::Mono => style.add_modifier(Modifier::REVERSED),
            Part::Selected => {
                style.bg(if self.name == Name::Light { Color::Indexed(254) } else { Color::Indexed(237) })
            }
            Part::Match => style.add_modifier(Modifier::REVERSED),
            Part::Header => style,
            Part::HeaderStrong | Part::Of(Role::Strong) | Part::Key => style.add_modifier(Modifier::BOLD),
            Part::Of(Role::Error) if self.name == Name::Mono => style.add_modifier(Modifier::BOLD),
            // A terminal's dim is often too dim on a light ground, where the colours below say it already.
            Part::Of(Role::Faint) | Part::Heading if self.name != Name::Light => style.add_modifier(Modifier::DIM),
            _ => style,
        }
    }

    /// The sign for something, in the signs that the terminal has.
    #[must_use]
    pub const fn sign(self, sign: Sign) -> &'static str {
        let (plain, drawn) = match sign {
            Sign::Live => ("*", "●"),
            Sign::Paused => ("=", "‖"),
            Sign::Cursor => (">", "▸"),
            Sign::Folded => ("+", "▸"),
            Sign::Unfolded => ("-", "▾"),
            Sign::Descending => ("v", "▼"),
            Sign::Ascending => ("^", "▲"),
            Sign::Skipped => ("...", "⋯"),
            Sign::Separator => ("-", "·"),
            Sign::Problem => ("x", "✗"),
            Sign::Warning => ("!", "⚠"),
            Sign::Cut => ("~", "…"),
            Sign::Opens => ("+", "┌"),
            Sign::Runs => ("|", "│"),
            Sign::GoesOn => ("+", "├"),
            Sign::Closes => ("`", "└"),
            Sign::Rule => ("-", "─"),
        };
        if self.ascii { plain } else { drawn }
    }

    /// `values` as a curve of one sign each, the highest as high as it goes.
    #[must_use]
    pub fn spark(self, values: &[u64]) -> String {
        const DRAWN: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        const PLAIN: [char; 9] = [' ', '.', '.', ':', ':', '-', '=', '+', '#'];
        let signs = if self.ascii { PLAIN } else { DRAWN };
        let highest = values.iter().copied().max().unwrap_or_default().max(1);
        let step = |value: u64| usize::try_from((u128::from(value) * 8).div_ceil(u128::from(highest))).unwrap_or(8);
        values.iter().map(|value| signs[step(*value).min(8)]).collect()
    }

    /// What moves while something is waited for.
    #[must_use]
    pub fn spinner(self, waited: u64) -> char {
        const DRAWN: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
        const PLAIN: [char; 4] = ['|', '/', '-', '\\'];
        let beat = usize::try_from(waited / 100_000_000).unwrap_or_default();
        if self.ascii { PLAIN[beat % PLAIN.len()] } else { DRAWN[beat % DRAWN.len()] }
    }
}

/// A sign with a form in ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named by what they stand for")]
pub enum Sign {
    Live,
    Paused,
    Cursor,
    Folded,
    Unfolded,
    Descending,
    Ascending,
    Skipped,
    Separator,
    Problem,
    Warning,
    Cut,
    Opens,
    Runs,
    GoesOn,
    Closes,
    Rule,
}

/// The sixteen colours that a terminal's own scheme defines, so that they fit it; a few of the 256 where these do not do.
const fn colour(part: Part, light: bool) -> Option<Color> {
    let (on_dark, on_light) = match part {
        Part::Of(Role::Error) => (Color::Red, Color::Red),
        Part::Of(Role::Phase) => (Color::Magenta, Color::Magenta),
        Part::Of(Role::Warning) => (Color::Yellow, Color::Indexed(130)),
        Part::Of(Role::Critical) => (Color::LightYellow, Color::Indexed(130)),
        Part::Of(Role::Id) | Part::Key => (Color::Cyan, Color::Indexed(30)),
        Part::Of(Role::Bar) | Part::Spark => (Color::LightBlue, Color::Blue),
        Part::Good => (Color::Green, Color::Indexed(28)),
        Part::Border => (Color::DarkGray, Color::Indexed(244)),
        Part::Apart(at) => APART[at % APART.len()],
        Part::Of(Role::Faint) | Part::Heading if light => return Some(Color::Indexed(244)),
        _ => return None,
    };
    Some(if light { on_light } else { on_dark })
}

/// What tells functions or services apart, on a dark ground and on a light one.
const APART: [(Color, Color); 6] = [
    (Color::Cyan, Color::Blue),
    (Color::Green, Color::Magenta),
    (Color::Magenta, Color::Indexed(28)),
    (Color::Blue, Color::Indexed(130)),
    (Color::Yellow, Color::Indexed(30)),
    (Color::LightCyan, Color::Indexed(90)),
];

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 8] =
        [Role::Faint, Role::Strong, Role::Error, Role::Warning, Role::Id, Role::Bar, Role::Phase, Role::Critical];

    #[test]
    fn without_colours_there_is_none() {
        let theme = Theme { name: Name::Mono, ascii: false };
        let parts = [Part::Text, Part::Selected, Part::Match, Part::Good, Part::Border, Part::Spark, Part::Apart(3)];
        for part in parts.into_iter().chain(ROLES.map(Part::Of)) {
            let style = theme.style(part);
            assert_eq!((style.fg, style.bg), (None, None), "{part:?}");
        }
    }

    #[test]
    fn ascii_means_ascii() {
        let theme = Theme { name: Name::Dark, ascii: true };
        assert_eq!(theme.spark(&[0, 1, 50, 100]), " .:#");
        assert!(theme.spinner(300_000_000).is_ascii());
        assert!(theme.sign(Sign::Live).is_ascii() && theme.sign(Sign::Cut).is_ascii());
    }

    #[test]
    fn a_curve_shows_that_something_was_there_however_little() {
        let theme = Theme::default();
        assert_eq!(theme.spark(&[0, 1, 1_000]), " ▁█");
        assert_eq!(theme.spark(&[]), "");
        assert_eq!(theme.spark(&[u64::MAX, 0]), "█ ");
    }
}

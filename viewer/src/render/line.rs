//! A log line for people: time, severity, invocation, trace, text.

use lambdaview_queries::questions::lines::Line;

use super::style::{Paint, Role};
use crate::{
    ask::Nanos,
    format::{Zone, duration, inert, severity_letter, short_id, without_runtime_prefix},
};

/// How lines are drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineStyle {
    /// In which zone times are.
    pub zone: Zone,
    /// Colours or none.
    pub paint: Paint,
    /// When it is: a line of another day shows its date.
    pub now: Nanos,
}

/// How wide the columns between the time and the text are: ` I 7f3a91c2 5f84c7a1 `.
const COLUMNS: usize = 1 + 1 + 1 + 8 + 1 + 8 + 1;

/// `line` as text, with its final line break; `late` says by how many nanoseconds it missed its place.
#[must_use]
pub fn draw(line: &Line, late: Option<u64>, style: LineStyle) -> String {
    let LineStyle { zone, paint, now } = style;
    let time = if zone.date(line.time) == zone.date(now) { zone.clock(line.time) } else { zone.date_clock(line.time) };
    let role = Paint::of_severity(line.severity_number);
    let letter = severity_letter(line.severity_number).to_string();
    let mut text = format!(
        "{} {} {} {} ",
        paint.paint(Role::Faint, &time),
        paint.maybe(role, &letter),
        paint.paint(Role::Faint, &short_id(&line.invocation_id)),
        paint.paint(Role::Id, &short_id(&line.trace_id)),
    );
    let said = without_runtime_prefix(&line.body, &line.invocation_id);
    for (number, part) in said.trim_end().split('\n').enumerate() {
        if number > 0 {
            text.push('\n');
            text.push_str(&" ".repeat(time.len() + COLUMNS));
        }
        text.push_str(&paint.maybe(role, &inert(part.strip_suffix('\r').unwrap_or(part))));
    }
    if let Some(late) = late {
        text.push_str(&paint.paint(Role::Warning, &format!("  late +{}", lateness(late))));
    }
    text.push('\n');
    text
}

/// In seconds as long as these say something.
fn lateness(nanos: u64) -> String {
    if nanos < 60_000_000_000 { format!("{:.1}s", nanos as f64 / 1e9) } else { duration(nanos) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(severity_number: u8, body: &str) -> Line {
        Line {
            time: 1_795_356_131_204_000_000,
            severity_number,
            trace_id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".into(),
            invocation_id: "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11".into(),
            body: body.into(),
            ..Line::default()
        }
    }

    fn plain() -> LineStyle {
        LineStyle { zone: Zone::Utc, now: 1_795_356_139_000_000_000, ..LineStyle::default() }
    }

    #[test]
    fn a_line_shows_when_how_grave_which_invocation_which_trace_and_what() {
        assert_eq!(
            draw(&line(9, "charging card\n"), None, plain()),
            "14:02:11.204 I 7f3a91c2 5f84c7a1 charging card\n"
        );
    }

    #[test]
    fn what_the_record_lacks_leaves_its_column() {
        let bare = Line { body: "x".into(), time: plain().now, ..Line::default() };
        assert_eq!(draw(&bare, None, plain()), "14:02:19.000 · -        -        x\n");
    }

    #[test]
    fn a_line_of_another_day_shows_its_date() {
        let drawn = draw(&line(9, "a\nb"), Some(93_600_000_000_000), LineStyle { now: 0, ..plain() });
        insta::assert_snapshot!(drawn, @r#"
        2026-11-22 14:02:11.204 I 7f3a91c2 5f84c7a1 a
                                                    b  late +1d02h
        "#);
    }

    #[test]
    fn a_stack_trace_stays_in_its_column() {
        let drawn = draw(&line(17, "Traceback:\r\n  File \"a.py\"\nboom"), None, plain());
        insta::assert_snapshot!(drawn, @r#"
        14:02:11.204 E 7f3a91c2 5f84c7a1 Traceback:
                                           File "a.py"
                                         boom
        "#);
    }

    #[test]
    fn a_late_line_says_by_how_much() {
        let drawn = draw(&line(13, "slow query"), Some(3_240_000_000), plain());
        assert_eq!(drawn, "14:02:11.204 W 7f3a91c2 5f84c7a1 slow query  late +3.2s\n");
    }

    #[test]
    fn a_log_cannot_act_on_the_terminal() {
        let drawn = draw(&line(9, "\x1b]52;c;cm0=\x07\u{9b}2J"), None, plain());
        assert!(!drawn.trim_end().chars().any(char::is_control), "{drawn:?}");
    }

    #[test]
    fn colours_are_there_only_when_wanted() {
        let coloured = LineStyle { paint: Paint { colour: true }, ..plain() };
        assert!(draw(&line(17, "boom"), None, coloured).contains("\x1b[31mboom\x1b[0m"));
        assert!(!draw(&line(17, "boom"), None, plain()).contains('\x1b'));
    }
}

//! Values as text: inert, aligned, in the units people use. Nothing here writes anywhere.

use std::{borrow::Cow, fmt::Write as _};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::zone::{BadZone, Zone, rfc3339};

use crate::ask::Nanos;

/// Text from elsewhere, made harmless for a terminal: what would move the cursor, change colours, set a title, ring the bell,
/// or turn the direction of writing is shown as a sign. Line breaks are signs too: split lines before.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(acts_on_terminal) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    inert_slowly(text, &mut safe);
    Cow::Owned(safe)
}

/// The same, at the end of `into`.
pub fn inert_into(text: &str, into: &mut String) {
    if is_plain(text) {
        into.push_str(text);
    } else {
        inert_slowly(text, into);
    }
}

/// Printable ASCII, as most of what is logged.
fn is_plain(text: &str) -> bool {
    // Without a way out of the loop it is done many bytes at a time.
    text.bytes().fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte))
}

fn inert_slowly(text: &str, safe: &mut String) {
    for c in text.chars() {
        match c {
            '\t' => safe.push_str("    "),
            '\u{7f}' => safe.push('␡'),
            '\0'..='\u{1f}' => {
                safe.push(char::from_u32(0x2400 + u32::from(c)).expect("the control pictures are characters"));
            }
            _ if acts_on_terminal(c) => write!(safe, "<U+{:04X}>", u32::from(c)).expect("writing to a String"),
            _ => safe.push(c),
        }
    }
}

/// Whether a terminal does something else with it than to draw it.
#[must_use]
pub fn acts_on_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Marks, embeddings, overrides and isolates of bidirectional text; deprecated format characters.
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // Line and paragraph separators, which some terminals break lines at.
            | '\u{2028}' | '\u{2029}'
            // Characters without width or shape: invisible text, tags, a byte order mark.
            | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// How many columns `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns, `…` where it was cut.
#[must_use]
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let mut taken = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or_default();
        if taken + 1 > columns {
            break;
        }
        end = at + c.len_utf8();
    }
    Cow::Owned(if columns == 0 { String::new() } else { format!("{}…", &text[..end]) })
}

/// `text` in exactly `columns` columns, filled on the right.
#[must_use]
pub fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let fill = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(fill))
}

/// `text` in exactly `columns` columns, filled on the left.
#[must_use]
pub fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let fill = columns.saturating_sub(text.width());
    format!("{}{text}", " ".repeat(fill))
}

/// The start of an id, enough to tell it from its neighbours; `-` fills a missing one.
#[must_use]
pub fn short_id(id: &str) -> Cow<'_, str> {
    if id.is_empty() {
        return Cow::Borrowed("-       ");
    }
    let end = id.char_indices().nth(8).map_or(id.len(), |(at, _)| at);
    inert(&id[..end])
}

/// A length of time in three or four digits: `812ns`, `41µs`, `12.3ms`, `1.284s`, `2m05s`, `3h12m`.
#[must_use]
pub fn duration(nanos: u64) -> String {
    let n = nanos as f64;
    match nanos {
        0 => "0".to_owned(),
        1..=999 => format!("{nanos}ns"),
        1_000..=999_499 => format!("{:.0}µs", n / 1e3),
        999_500..=99_949_999 => format!("{:.1}ms", n / 1e6),
        99_950_000..=999_499_999 => format!("{:.0}ms", n / 1e6),
        999_500_000..=59_999_499_999 => format!("{:.3}s", n / 1e9),
        _ => long_duration(nanos / 1_000_000_000),
    }
}

fn long_duration(seconds: u64) -> String {
    match seconds {
        0..=3_599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// How long ago, in one unit: `2s`, `5m`, `9h`, `3d`.
#[must_use]
pub fn ago(time: Nanos, now: Nanos) -> String {
    let seconds = now.saturating_sub(time).max(0) / 1_000_000_000;
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Bytes in the decimal units that bills are in: `812 B`, `1.7 GB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1e3;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1e3;
        unit += 1;
    }
    if value < 99.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// A whole number in groups of three: `41 207`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 row`, `2 rows`.
#[must_use]
pub fn plural(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// One letter for a severity number of OpenTelemetry, as every tail prints it.
#[must_use]
pub const fn severity_letter(number: u8) -> char {
    match number {
        1..=4 => 'T',
        5..=8 => 'D',
        9..=12 => 'I',
        13..=16 => 'W',
        17..=20 => 'E',
        21..=24 => 'F',
        _ => '·',
    }
}

/// What a program said, without what Lambda's runtimes put before it in text logs: level, time and request id, which have
/// columns of their own. Python writes `[INFO]\ttime\tid\ttext`, Node `time\tid\tINFO\ttext`, .NET as Node does.
#[must_use]
pub fn without_runtime_prefix<'a>(body: &'a str, invocation_id: &str) -> &'a str {
    let mut parts = body.splitn(4, '\t');
    let before = [parts.next(), parts.next(), parts.next()];
    match parts.next() {
        Some(said) if !invocation_id.is_empty() && before.contains(&Some(invocation_id)) => said,
        _ => body,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_are_drawn_and_not_obeyed() {
        assert_eq!(inert("\x1b[31mred\x1b[0m"), "␛[31mred␛[0m");
        assert_eq!(inert("\x1b]0;title\x07"), "␛]0;title␇");
        assert_eq!(inert("\u{9b}2J"), "<U+009B>2J");
        assert_eq!(inert("a\rb\x08c\x7f"), "a␍b␈c␡");
        assert_eq!(inert("user\u{202e}gnp.exe"), "user<U+202E>gnp.exe");
        assert_eq!(inert("a\u{200b}b"), "a<U+200B>b");
    }

    #[test]
    fn ordinary_text_of_any_script_is_left_alone() {
        for text in ["plain", "größe 日本語 עברית 👩‍👩‍👧", "é = e\u{301}"] {
            assert!(matches!(inert(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_tab_is_spaces() {
        assert_eq!(inert("a\tb"), "a    b");
    }

    proptest! {
        #[test]
        fn nothing_inert_acts_on_a_terminal(text: String) {
            prop_assert!(!inert(&text).chars().any(acts_on_terminal));
        }

        #[test]
        fn what_is_cut_fits(text: String, columns in 0usize..40) {
            let text = inert(&text).into_owned();
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }

    #[test]
    fn columns_are_counted_as_the_terminal_draws_them() {
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(left("日本", 6), "日本  ");
        assert_eq!(right("ab", 4), "  ab");
    }

    #[test]
    fn lengths_of_time_keep_their_digits() {
        let shown = [0, 812, 41_000, 12_340_000, 501_200_000, 1_284_000_000, 125_000_000_000, 11_520_000_000_000];
        assert_eq!(shown.map(duration).join(" "), "0 812ns 41µs 12.3ms 501ms 1.284s 2m05s 3h12m");
    }

    #[test]
    fn bytes_are_in_the_units_of_bills() {
        let shown = [0, 999, 1_000, 1_740_000_000, 999_960, 60_000_000_000_000];
        assert_eq!(shown.map(bytes).join(" | "), "0 B | 999 B | 1.0 kB | 1.7 GB | 1.0 MB | 60.0 TB");
    }

    #[test]
    fn numbers_are_in_groups_of_three() {
        assert_eq!([7, 999, 1_000, 41_207, 1_000_000].map(count).join(" | "), "7 | 999 | 1 000 | 41 207 | 1 000 000");
    }

    #[test]
    fn a_missing_id_keeps_its_column() {
        assert_eq!(short_id("").len(), 8);
        assert_eq!(short_id("7f3a91c2-3f0e"), "7f3a91c2");
    }

    #[test]
    fn the_runtimes_prefix_goes_only_where_it_names_the_lines_own_invocation() {
        let id = "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";
        let python = format!("[INFO]\t2026-11-22T14:02:11.204Z\t{id}\ta\tb");
        let node = format!("2026-11-22T14:02:11.204Z\t{id}\tINFO\ta");
        assert_eq!(without_runtime_prefix(&python, id), "a\tb");
        assert_eq!(without_runtime_prefix(&node, id), "a");
        assert_eq!(without_runtime_prefix(&node, "another"), node);
        assert_eq!(without_runtime_prefix("x\t\t\ty", ""), "x\t\t\ty");
        assert_eq!(without_runtime_prefix("plain", id), "plain");
    }
}

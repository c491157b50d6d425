//! Rows in columns: as many of the columns as the terminal has room for, and none of which nothing is known.

use super::style::{Paint, Role};
use crate::format::{cut, left, right, width};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What stands above it.
    pub heading: &'static str,
    /// Whether its cells end at the same place, as numbers do.
    pub right: bool,
    /// Which columns go first where there is not room for all: those of the highest rank. Rank 0 stays.
    pub rank: u8,
}

/// What stands in a row's column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    role: Option<Role>,
}

/// The least that is left of a text that has to make room, and of the last one, which is what the row is about.
const LEAST: usize = 12;
const LEAST_OF_LAST: usize = 32;
const GAP: usize = 2;

impl Column {
    /// One of text.
    #[must_use]
    pub const fn text(heading: &'static str, rank: u8) -> Self {
        Self { heading, right: false, rank }
    }

    /// One of numbers.
    #[must_use]
    pub const fn number(heading: &'static str, rank: u8) -> Self {
        Self { heading, right: true, rank }
    }
}

impl Cell {
    /// That text, which must be inert.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), role: None }
    }

    /// What is not known.
    #[must_use]
    pub fn unknown() -> Self {
        Self { text: "-".to_owned(), role: Some(Role::Faint) }
    }

    /// `text`, or that it is not known.
    #[must_use]
    pub fn maybe(text: Option<String>) -> Self {
        text.map_or_else(Self::unknown, Self::new)
    }

    /// In the colour of that role.
    #[must_use]
    pub fn role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    /// In the colour of that role, if so.
    #[must_use]
    pub fn role_if(self, is_so: bool, role: Role) -> Self {
        if is_so { self.role(role) } else { self }
    }

    fn is_known(&self) -> bool {
        !matches!(self.text.as_str(), "" | "-")
    }
}

/// A heading and the rows, each a line of at most `columns` columns. What is too long is cut in the widest text.
#[must_use]
pub fn draw(heads: &[Column], rows: &[Vec<Cell>], columns: usize, paint: Paint) -> String {
    let lines = lines(heads, rows, columns, paint);
    lines.into_iter().fold(String::new(), |text, line| text + &line + "\n")
}

/// The heading's line and each row's, for who has more to say between them.
#[must_use]
pub fn lines(heads: &[Column], rows: &[Vec<Cell>], columns: usize, paint: Paint) -> Vec<String> {
    let shown = shown(heads, rows, columns);
    let heading = shown.iter().enumerate().map(|(nth, (column, wide))| {
        let head = heads[*column];
        let is_last = nth + 1 == shown.len();
        aligned(head.heading, head.right, *wide, is_last)
    });
    let heading = heading.collect::<Vec<_>>().join("  ");
    let mut lines = vec![paint.paint(Role::Faint, heading.trim_end())];
    for row in rows {
        let cells = shown.iter().enumerate().map(|(nth, (column, wide))| {
            let Cell { text, role } = &row[*column];
            paint.maybe(*role, &aligned(text, heads[*column].right, *wide, nth + 1 == shown.len()))
        });
        lines.push(cells.collect::<Vec<_>>().join("  "));
    }
    lines
}

/// The last column of text is not filled up: nothing stands behind it.
fn aligned(text: &str, is_right: bool, wide: usize, is_last: bool) -> String {
    match (is_right, is_last) {
        (true, _) => right(text, wide),
        (false, true) => cut(text, wide).into_owned(),
        (false, false) => left(text, wide),
    }
}

/// Which columns there is room for, and how wide each is.
fn shown(heads: &[Column], rows: &[Vec<Cell>], columns: usize) -> Vec<(usize, usize)> {
    let is_known = |column: usize| heads[column].rank == 0 || rows.iter().any(|row| row[column].is_known());
    let wide = |column: usize| {
        rows.iter().map(|row| width(&row[column].text)).chain([width(heads[column].heading)]).max().unwrap_or_default()
    };
    let mut shown: Vec<(usize, usize)> =
        (0..heads.len()).filter(|column| is_known(*column)).map(|column| (column, wide(column))).collect();
    while least(&shown, heads) > columns {
        let Some(first_to_go) = shown.iter().map(|(column, _)| heads[*column].rank).max().filter(|rank| *rank > 0)
        else {
            break;
        };
        let at = shown.iter().rposition(|(column, _)| heads[*column].rank == first_to_go).expect("it was found above");
        shown.remove(at);
    }
    while total(&shown) > columns {
        let texts = shown.iter_mut().filter(|(column, wide)| !heads[*column].right && *wide > LEAST);
        let Some((_, widest)) = texts.max_by_key(|(_, wide)| *wide) else { break };
        *widest -= 1;
    }
    shown
}

fn total(shown: &[(usize, usize)]) -> usize {
    shown.iter().map(|(_, wide)| wide + GAP).sum::<usize>().saturating_sub(GAP)
}

/// How wide they are when every text makes room.
fn least(shown: &[(usize, usize)], heads: &[Column]) -> usize {
    let narrow = shown.iter().enumerate().map(|(nth, (column, wide))| match heads[*column].right {
        true => (*column, *wide),
        false if nth > 0 && nth + 1 == shown.len() => (*column, (*wide).min(LEAST_OF_LAST)),
        false => (*column, (*wide).min(LEAST)),
    });
    total(&narrow.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: [Column; 4] =
        [Column::text("name", 0), Column::number("inv", 0), Column::number("cold", 2), Column::text("version", 1)];

    fn row(name: &str, version: &str) -> Vec<Cell> {
        vec![
            Cell::new(name),
            Cell::new("1 204"),
            Cell::new("0.8%"),
            Cell::maybe((!version.is_empty()).then(|| version.to_owned())),
        ]
    }

    #[test]
    fn what_there_is_no_room_for_goes_by_rank_and_then_the_longest_text_is_cut() {
        let rows = [row("checkout-with-a-long-name", "42")];
        let drawn = |columns| draw(&HEADS, &rows, columns, Paint::default());
        insta::assert_snapshot!(drawn(60), @r"
        name                         inv  cold  version
        checkout-with-a-long-name  1 204  0.8%  42
        ");
        insta::assert_snapshot!(drawn(30), @r"
        name              inv  version
        checkout-with…  1 204  42
        ");
        insta::assert_snapshot!(drawn(20), @r"
        name             inv
        checkout-wit…  1 204
        ");
    }

    #[test]
    fn a_column_of_which_nothing_is_known_is_left_out() {
        assert!(!draw(&HEADS, &[row("a", "")], 60, Paint::default()).contains("version"));
    }
}

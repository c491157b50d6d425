//! What is said of a trace before its rows.

use super::{Picture, Piece};
use crate::{
    format::{duration, inert, plural, short_id},
    render::style::Role,
};

/// What is said of a trace before its rows, in two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Which trace, how long, how much.
    pub what: Vec<Piece>,
    /// Where it began, and who took part.
    pub who: Vec<Piece>,
}

/// So many of those who took part are named.
const NAMED: usize = 6;

impl Picture<'_> {
    /// What is said before the rows; `short` of the id only its ends.
    #[must_use]
    pub fn heading(&self, short: bool) -> Heading {
        Heading { what: self.what(short), who: self.who() }
    }

    fn what(&self, short: bool) -> Vec<Piece> {
        let counts = &self.layout.counts;
        let mut pieces = match &*self.trace.id {
            "" => vec![Piece::new("invocation without a trace", Role::Strong)],
            id => vec![
                Piece::new("trace ", None),
                Piece::new(if short { ends(id) } else { inert(id).into_owned() }, Role::Id),
            ],
        };
        pieces.push(Piece::new(format!("  {}", duration(self.layout.length())), Role::Strong));
        if counts.spans > 0 {
            pieces.push(Piece::new(format!("  {}", plural(counts.spans as u64, "span")), None));
        }
        pieces.push(Piece::new(format!("  {}", plural(self.trace.lines.len() as u64, "log")), None));
        let errors = if counts.spans > 0 { counts.failed } else { counts.error_lines };
        if errors > 0 {
            pieces.push(Piece::new(format!("  {}", plural(errors as u64, "error")), Role::Error));
        }
        pieces
    }

    fn who(&self) -> Vec<Piece> {
        let named = self.layout.who.iter().take(NAMED).map(|who| inert(who).into_owned()).collect::<Vec<_>>();
        let arrow = self.glyphs().calls;
        let rest = self.layout.who.len().saturating_sub(NAMED);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let mut pieces = Vec::new();
        if let Some(super::Item::Span(at)) = self.layout.root().map(|root| root.item) {
            pieces.push(Piece::new("root ", Role::Faint));
            pieces.push(Piece::new(inert(&self.trace.spans[at].name).into_owned(), None));
            pieces.push(Piece::new("   ", None));
        }
        pieces.push(Piece::new(format!("{}{rest}", named.join(&format!(" {arrow} "))), None));
        pieces
    }
}

/// `5f84c7a1…4a5b`
fn ends(id: &str) -> String {
    let last: String = id.chars().skip(id.chars().count().saturating_sub(4).max(8)).collect();
    format!("{}…{}", short_id(id), inert(&last))
}

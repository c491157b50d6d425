//! A question as it stands in its file, and what is chosen of it: optional lines, which functions, which lines.

use super::function::Functions;
use crate::filter::Filter;

/// A question, and what is chosen of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Question<'a> {
    /// Its file's text.
    pub(super) sql: &'a str,
    wanted: &'a [&'a str],
    /// Whose records; where it has room for them.
    pub(super) functions: Option<&'a Functions>,
    /// Whether functions that names will match later are meant as well.
    pub(super) live: bool,
    /// Which lines.
    pub(super) filter: Option<&'a Filter>,
}

impl<'a> Question<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Self { sql, ..Self::default() }
    }

    /// With these optional lines.
    pub(super) fn wanting(self, names: &'a [&'a str]) -> Self {
        Self { wanted: names, ..self }
    }

    /// About these functions.
    pub(super) fn of(self, functions: &'a Functions) -> Self {
        Self { functions: Some(functions), ..self }
    }

    /// About these lines.
    pub(super) fn through(self, filter: &'a Filter) -> Self {
        Self { filter: Some(filter), ..self }
    }

    /// About functions that are followed.
    pub(super) fn live(self) -> Self {
        Self { live: true, ..self }
    }

    /// Whether a line marked with this name is wanted; `some` is, where functions were named. What adds up over whole windows asks
    /// then not for the keys of every row's map, which an index serves and which cost as much as the map.
    pub(super) fn wants(&self, name: &str) -> bool {
        let are_named = matches!(self.functions, Some(Functions::These(_)));
        let is_wanted = |name| self.wanted.contains(&name) || (name == "some" && are_named);
        name.strip_prefix('!').map_or_else(|| is_wanted(name), |absent| !is_wanted(absent))
    }
}

impl<'a> From<&'a str> for Question<'a> {
    fn from(sql: &'a str) -> Self {
        Self::new(sql)
    }
}

//! The same place in ClickStack's web UI, as a link.

use std::fmt::Write as _;

use crate::ask::Nanos;

/// What is to be seen there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its search, in the words of HyperDX.
    pub search: String,
    /// From when ...
    pub from: Nanos,
    /// ... to when.
    pub until: Nanos,
}

/// A test of a field in the words of HyperDX's search.
#[must_use]
pub fn is(field: &str, value: &str) -> String {
    format!("{field}:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Place {
    /// What happened around a moment.
    #[must_use]
    pub const fn around(search: String, moment: Nanos) -> Self {
        const MINUTE: Nanos = 60_000_000_000;
        Self { search, from: moment - MINUTE, until: moment + MINUTE }
    }

    /// The link, where the web UI is at `base`.
    #[must_use]
    pub fn link(&self, base: &str) -> String {
        let (base, search) = (base.trim_end_matches('/'), escaped(&self.search));
        let (from, until) = (self.from / 1_000_000, self.until / 1_000_000);
        format!("{base}/search?where={search}&whereLanguage=lucene&isLive=false&from={from}&to={until}")
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("writing to a String");
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_holds_the_search_and_the_time_whatever_is_in_them() {
        let place = Place::around(is("ServiceName", "a \"b\"&é"), 1_795_356_131_204_000_000);
        assert_eq!(
            place.link("https://hdx.example/"),
            "https://hdx.example/search?where=ServiceName%3A%22a%20%5C%22b%5C%22%26%C3%A9%22&whereLanguage=lucene\
             &isLive=false&from=1795356071204&to=1795356191204"
        );
    }
}

//! Words in braces that stand for something in somebody's own SQL: `{logs}`, `{since}`. `{name:Type}` is ClickHouse's own.

/// `sql` with every macro of which `known` knows what it stands for; others stay, for the server to refuse. Texts, quoted names and
/// comments stay as they are.
#[must_use]
pub(crate) fn expand(sql: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let is_macro = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
    fill(sql, &|name| if is_macro(name) { known(name) } else { None })
}

/// `sql` with something else for everything in braces that `known` knows. Texts, quoted names and comments stay as they are.
pub(crate) fn fill(sql: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '{' => match in_braces(rest).and_then(|inner| Some((inner, known(inner)?))) {
                Some((inner, stands_for)) => {
                    expanded.push_str(&stands_for);
                    rest = &rest[inner.len() + 2..];
                    continue;
                }
                None => 1,
            },
            other => other.len_utf8(),
        };
        expanded.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    expanded
}

/// What stands between the braces at the start of `text`.
fn in_braces(text: &str) -> Option<&str> {
    text[1..].split_once('}').map(|(inner, _)| inner)
}

/// How long the quoted text at the start is, its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            c if c == quote && !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(sql: &str) -> String {
        expand(sql, &|name| (name == "logs").then(|| "LOGS".to_owned()))
    }

    #[test]
    fn a_macro_stands_for_what_is_known_of_it() {
        assert_eq!(expanded("SELECT * FROM {logs} l, {logs}"), "SELECT * FROM LOGS l, LOGS");
    }

    #[test]
    fn what_is_no_macro_stays() {
        for sql in [
            "SELECT {name:String}, {other}, {}, { logs }, map('a', 1), '{logs}', \"{logs}\", `{logs}`",
            "SELECT 1 -- {logs}",
            "SELECT /* {logs} */ 1",
            "SELECT 'it''s {logs}', 'a\\'{logs}'",
            "SELECT '{logs}",
            "{",
            "ü {logs",
        ] {
            assert_eq!(expanded(sql), sql);
        }
        assert_eq!(expanded("SELECT 'a' -- x\nFROM {logs}"), "SELECT 'a' -- x\nFROM LOGS");
    }
}

//! A delivery that is no JSON as a whole, because a byte of it is wrong or its end is missing: its whole records are read
//! all the same, and what lies between them is kept as it came.
//!
//! A record is told by its three fields: within a text every quote is escaped, so that no line of a function looks like one.

use serde_json::value::RawValue;

/// Names of which a record's first is one.
const FIRST: [&str; 3] = ["\"time\"", "\"type\"", "\"record\""];

/// How many bytes may be read over again before the rest of a body is one piece: some tens of milliseconds of work, and far
/// more than any damage needs that is not made to cost much.
const EFFORT: usize = 32 << 20;

/// A part of a damaged delivery.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A record that is whole.
    Record(&'a str),
    /// What is left of others.
    Damaged(&'a str),
}

/// Cuts `body` into its whole records and what lies between them; `is_record` judges the objects that are found.
pub(super) fn parts<'a>(body: &'a str, is_record: impl Fn(&str) -> bool, mut take: impl FnMut(Part<'a>)) {
    let mut effort = EFFORT;
    let (mut unclaimed, mut at) = (0, 0);
    while let Some(start) = candidate(body, at).filter(|_| effort > 0) {
        let found = object(&body[start..]);
        let (length, read) = found.map_or_else(|read| (None, read), |length| (Some(length), length));
        effort = effort.saturating_sub(read);
        match length.filter(|length| is_record(&body[start..start + length])) {
            Some(length) => {
                damaged(&body[unclaimed..start], &mut take);
                take(Part::Record(&body[start..start + length]));
                at = start + length;
                unclaimed = at;
            }
            None => at = start + 1,
        }
    }
    // Where nothing was found, nothing is cut off either.
    if unclaimed == 0 { take(Part::Damaged(body)) } else { damaged(&body[unclaimed..], &mut take) }
}

/// What stands behind the first `taken` records of `body`, which are whole.
pub(super) fn behind(body: &str, taken: usize) -> &str {
    let mut rest = body;
    for _ in 0..taken {
        rest = rest.trim_start_matches(is_between);
        rest = object(rest).map_or(rest, |length| &rest[length..]);
    }
    if taken > 0 { rest.trim_start_matches(is_between) } else { body }
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | '[' | ']')
}

fn damaged<'a>(between: &'a str, take: &mut impl FnMut(Part<'a>)) {
    let between = between.trim_matches(is_between);
    if !between.is_empty() {
        take(Part::Damaged(between));
    }
}

/// Where the next object begins that may be a record.
fn candidate(body: &str, from: usize) -> Option<usize> {
    let begins = |at: &usize| {
        let inside = body[at + 1..].trim_start();
        FIRST.iter().any(|name| inside.starts_with(name))
    };
    body[from..].match_indices('{').map(|(at, _)| from + at).find(begins)
}

/// The length of the JSON value at the head of `text`; or how many bytes were read before it turned out to be none.
fn object(text: &str) -> Result<usize, usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(value)) => Ok(value.get().len()),
        Some(Err(fault)) if !fault.is_eof() => Err(offset(text, fault.line(), fault.column())),
        _ => Err(text.len()),
    }
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column).clamp(1, text.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = r#"{"time":"t","type":"function","record":"a {\"time\":1}"}"#;
    const B: &str = r#"{"type":"function","time":"t","record":{"b":[1]}}"#;

    fn cut(body: &str) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        super::parts(body, |object| object.contains("\"record\""), |part| parts.push(part));
        parts
    }

    #[test]
    fn what_is_whole_is_found_around_every_kind_of_damage() {
        for damage in ["", "{", "}", "]", "17", "\"", r#"{"time":"t","type":"fun"#, r#"{"time":"t"},"#, "[[", "\\"] {
            let body = format!("[{A},{damage},{B}]");
            let records: Vec<_> = cut(&body).into_iter().filter(|part| matches!(part, Part::Record(_))).collect();
            assert_eq!(records, [Part::Record(A), Part::Record(B)], "{body}");
        }
    }

    #[test]
    fn what_is_broken_is_kept_as_it_came() {
        let body = format!("[{A}, {{\"time\":\"t\",\"type\":\"function\",\"rec,{B}");
        let broken = r#"{"time":"t","type":"function","rec"#;
        assert_eq!(cut(&body), [Part::Record(A), Part::Damaged(broken), Part::Record(B)]);
        assert_eq!(cut("[{\"a\":"), [Part::Damaged("[{\"a\":")]);
    }

    #[test]
    fn a_body_made_to_be_read_over_and_over_ends_as_one_piece() {
        let body = r#"{"time":["#.repeat(40_000);
        assert_eq!(cut(&body), [Part::Damaged(&body)]);
    }
}

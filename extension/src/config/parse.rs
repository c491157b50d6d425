//! The small grammars of settings: durations, sizes, lists of pairs, addresses. Pure; `None` means "not understood".

use super::ListenAddress;
use std::time::Duration;

/// `5s`, `500ms`, `2m`, `1m30s`, `1.5s`, `2 min`, `1 hour 30 minutes`; a bare number is seconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut whole = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let seconds = match unit {
            "" if digits == text.trim().len() => 1.0,
            unit => seconds_of(unit)?,
        };
        let number: f64 = number.parse().ok()?;
        whole = whole.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = after.trim_start();
    }
    Some(whole)
}

/// One unit in seconds, in the words that are usual for it.
fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" | "nsec" => 1e-9,
        "us" | "usec" | "µs" | "μs" => 1e-6,
        "ms" | "msec" | "millis" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

/// A duration that is more than nothing.
pub(super) fn positive_duration(text: &str) -> Option<Duration> {
    duration(text).filter(|duration| !duration.is_zero())
}

/// `16777216`, `512KiB`, `16MiB`, `16MB`, `1g`: powers of 1024 whether written `MB` or `MiB`, as Lambda counts its memory.
pub(super) fn bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(factor)
}

/// `true`, `1`, `yes`, `on` and their opposites.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// `localhost:4317`, `0.0.0.0:4317`, `[::1]:4317`, `:4317` (every address); a scheme before it is passed over.
pub(super) fn listen_address(text: &str) -> Option<ListenAddress> {
    let address = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let host = match host {
        "" => "0.0.0.0",
        host => host.strip_prefix('[').map_or(Some(host), |host| host.strip_suffix(']'))?,
    };
    let plain = !host.contains(['/', '[', ']', ' ', '@']);
    plain.then(|| ListenAddress { host: host.to_owned(), port })
}

/// Cuts `a,"b,c",${d,e}` at the commas that stand in no quotes and in no `${...}`; empty parts are left out. What is opened
/// and never closed is a character like any other: it takes nothing in that stands behind it.
pub(super) fn split_list(text: &str) -> Vec<&str> {
    let mut literal = Vec::new();
    loop {
        match cut(text, &literal) {
            Ok(parts) => return parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect(),
            Err(never_closed) => literal.push(never_closed),
        }
    }
}

/// The parts of a list in which what stands at the `literal` places opens nothing; or the place of what is never closed.
fn cut<'a>(text: &'a str, literal: &[usize]) -> Result<Vec<&'a str>, usize> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    // What closes that which is open now, and where it was opened.
    let mut open: Option<(char, usize)> = None;
    for (at, c) in text.char_indices() {
        match (c, open) {
            _ if escaped => escaped = false,
            ('\\', Some(('"' | '\'', _))) => escaped = true,
            (c, Some((closing, _))) => open = open.filter(|_| c != closing),
            _ if literal.contains(&at) => {}
            ('{', None) if text[..at].ends_with('$') => open = Some(('}', at)),
            // A quote opens only where a value or a part begins: `it's` is no quote.
            ('"' | '\'', None) if text[start..at].trim_end().is_empty() || text[..at].trim_end().ends_with('=') => {
                open = Some((c, at));
            }
            (',', None) => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    open.map_or(Ok(parts), |(_, at)| Err(at))
}

/// What stands between quotes, its `\"` and `\\` undone; `None` when `text` is not quoted.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let open = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inside = text[1..].strip_suffix(open)?;
    let mut whole = String::with_capacity(inside.len());
    let mut chars = inside.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.next_if(|next| c == '\\' && (*next == open || *next == '\\')) {
            Some(escaped) => whole.push(escaped),
            None => whole.push(c),
        }
    }
    Some(whole)
}

/// `%2C` and its like as the bytes they mean; a `%` that is not followed by two hex digits stays.
///
/// The whole text stays as it is when the bytes would be no UTF-8.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).expect("two hex digits are a byte"));
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The same for a text with references to secrets in it, which are left as they are.
pub(super) fn percent_decoded_around_references(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once("${").filter(|(_, after)| after.contains('}')) {
        let (inside, after) = reference.split_once('}').expect("a brace was just seen");
        whole.push_str(&percent_decoded(before));
        whole.push_str("${");
        whole.push_str(inside);
        whole.push('}');
        rest = after;
    }
    whole.push_str(&percent_decoded(rest));
    whole
}

/// `k=v,k=v` as `OTEL_RESOURCE_ATTRIBUTES` has it, percent-decoded; the parts that are no pair come second.
pub(super) fn attributes(text: &str) -> (Vec<(String, String)>, Vec<String>) {
    let (mut pairs, mut odd) = (Vec::new(), Vec::new());
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=').map(|(key, value)| (key.trim(), value.trim())).filter(|(key, _)| !key.is_empty()) {
            Some((key, value)) => pairs.push((percent_decoded(key), percent_decoded(value))),
            None => odd.push(part.to_owned()),
        }
    }
    (pairs, odd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_have_units_and_may_be_put_together() {
        let millis = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(
            ["5s", "500ms", "1m30s", "1.5s", "7", "2h"].map(millis),
            [5000, 500, 90_000, 1500, 7000, 7_200_000].map(Some)
        );
        assert_eq!(
            ["5 s", "1h 30m", "2min", "90 seconds", "1d", "1500us", "0.5 hours"].map(millis),
            [5000, 5_400_000, 120_000, 90_000, 86_400_000, 1, 1_800_000].map(Some)
        );
        assert_eq!(["", "s", "5 5s", "-1s", "5w", "5s3", "1e9h", "..s", "5 "].map(millis)[..8], [None; 8]);
        assert_eq!(positive_duration("0s"), None);
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(["16MiB", "16 mb", "1024", "2g"].map(bytes), [16 << 20, 16 << 20, 1024, 2 << 30].map(Some));
        assert_eq!(["", "MiB", "1.5M", "-1", "99999999999999999999G"].map(bytes), [None; 5]);
    }

    #[test]
    fn listen_addresses_have_a_host_and_a_port() {
        let shown = |text| listen_address(text).map(|address| address.to_string());
        assert_eq!(shown("localhost:4317").as_deref(), Some("localhost:4317"));
        assert_eq!(shown("http://[::1]:4318/").as_deref(), Some("[::1]:4318"));
        assert_eq!(shown(":4317").as_deref(), Some("0.0.0.0:4317"));
        assert_eq!(["4317", "localhost", "localhost:x", "a/b:1", "[::1:4"].map(shown), [const { None }; 5]);
    }

    #[test]
    fn lists_are_cut_outside_quotes_and_references() {
        assert_eq!(split_list("a=1, b=\"x,y\" ,c='p,q',,"), ["a=1", "b=\"x,y\"", "c='p,q'"]);
        assert_eq!(split_list("k=${arn:a,b},l=it's,m=2"), ["k=${arn:a,b}", "l=it's", "m=2"]);
        assert_eq!(split_list(r#"a="x\",y",b=1"#), [r#"a="x\",y""#, "b=1"]);
    }

    #[test]
    fn what_is_never_closed_takes_no_neighbour_in() {
        assert_eq!(split_list("a=\"b,c='d,e=${f,g=h"), ["a=\"b", "c='d", "e=${f", "g=h"]);
    }

    #[test]
    fn quotes_are_taken_off_with_their_escapes() {
        assert_eq!(unquoted(r#""a \"b\" \\ \n""#).as_deref(), Some(r#"a "b" \ \n"#));
        assert_eq!(unquoted("'x'").as_deref(), Some("x"));
        assert_eq!([unquoted("x"), unquoted("\"x"), unquoted("\""), unquoted("")], [const { None }; 4]);
    }

    #[test]
    fn percent_encoding_is_undone_where_it_is_one() {
        assert_eq!(percent_decoded("a%2Cb%20c%zz%"), "a,b c%zz%");
        assert_eq!(percent_decoded("%ff"), "%ff");
        assert_eq!(percent_decoded_around_references("%2C${a%2C}%2C${%2C"), ",${a%2C},${,");
    }

    #[test]
    fn attributes_are_pairs_and_the_rest_is_named() {
        let (pairs, odd) = attributes("deployment.environment=prod, team = a%2Cb ,oops,=x,empty=");
        let expected = [("deployment.environment", "prod"), ("team", "a,b"), ("empty", "")];
        assert_eq!(pairs, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(odd, ["oops", "=x"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_a_grammar_panic(text in "(?s).{0,80}") {
            let _ = (duration(&text), bytes(&text), listen_address(&text), unquoted(&text), attributes(&text), switch(&text));
            percent_decoded(&text);
            for part in split_list(&text) {
                prop_assert!(text.contains(part));
            }
        }

        #[test]
        fn no_text_of_the_lists_own_characters_makes_it_panic(text in "[a=,\"'\\\\$\\{\\}% ü]{0,40}") {
            for part in split_list(&text) {
                unquoted(part);
            }
        }
    }
}

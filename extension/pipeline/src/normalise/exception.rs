//! Exceptions: their type and message, out of the stack traces of the runtimes' languages.

use memchr::memchr;
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::attributes::{attribute, text};

/// What of it is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Exception {
    pub(super) kind: Option<String>,
    pub(super) message: Option<String>,
    pub(super) stacktrace: Option<String>,
}

const TRACEBACK: &str = "Traceback (most recent call last):";

impl Exception {
    /// In a text of several lines, if there is a stack trace in it.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        // Nearly every line is one, and has none.
        memchr(b'\n', text.as_bytes()).and_then(|_| Self::python(text).or_else(|| Self::frames(text)))
    }

    /// Of a stack trace that the program wrote into a field of its own: what it does not say beside it.
    pub(super) fn of_stack(stack: String) -> Self {
        let known = Self::in_text(&stack);
        let (kind, message) = known.map_or((None, None), |known| (known.kind, known.message));
        Self { kind, message, stacktrace: Some(stack) }
    }

    pub(super) fn into_attributes(self) -> Vec<KeyValue> {
        let parts = [
            ("exception.type", self.kind),
            ("exception.message", self.message),
            ("exception.stacktrace", self.stacktrace),
        ];
        parts.into_iter().filter_map(|(key, part)| Some(attribute(key, text(part?)))).collect()
    }

    /// `[ERROR] ValueError: boom` before a traceback (unhandled), or a traceback with `ValueError: boom` behind its frames.
    fn python(line: &str) -> Option<Self> {
        let at = line.find(TRACEBACK)?;
        let first = line[..at].trim_end().strip_prefix("[ERROR] ").and_then(type_and_message);
        let (kind, message) = first.or_else(|| behind_frames(&line[at..]))?;
        Some(Self { kind: Some(kind), message, stacktrace: Some(line[at..].to_owned()) })
    }

    /// A headline and below it frames: `    at f (x.js:1)`, `\tat a.B.c(B.java:1)`, `   at A.B() in /x.cs:line 1`, and Ruby's
    /// `x.rb:1:in 'f'`.
    fn frames(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().collect();
        let first = (1..lines.len()).find(|at| is_frame(lines[*at]))?;
        // What is indented tells of an inner exception.
        let is_outer = |at: &usize| !lines[*at].starts_with([' ', '\t']);
        let named = (0..first).rev().filter(is_outer).find_map(|at| Some((at, headline(lines[at])?)));
        let (at, (kind, message)) = named?;
        // Of a message of several lines the headline has the first.
        let more = (at + 1..first).take_while(is_outer).map(|at| lines[at].to_owned());
        let message = message.map(|message| std::iter::once(message).chain(more).collect::<Vec<_>>().join("\n"));
        let start = lines[..at].iter().map(|line| line.len() + 1).sum::<usize>();
        Some(Self { kind: Some(kind), message, stacktrace: text.get(start..).map(str::to_owned) })
    }
}

fn is_frame(line: &str) -> bool {
    let is_indented = line.starts_with([' ', '\t']);
    let trimmed = line.trim_start();
    let is_call = || trimmed.strip_prefix("at ").is_some_and(|call| call.contains(['(', '.', ':', '<']));
    (is_indented && is_call()) || trimmed.contains(":in `") || trimmed.contains(":in '")
}

/// `ValueError: boom` and what follows it: the first line of the last traceback that is not indented as its frames are.
fn behind_frames(text: &str) -> Option<(String, Option<String>)> {
    let last = &text[text.rfind(TRACEBACK)? + TRACEBACK.len()..];
    let at = last
        .split_inclusive('\n')
        .skip(1)
        .take_while(|line| line.starts_with([' ', '\t']))
        .map(str::len)
        .sum::<usize>();
    let behind = last.split_inclusive('\n').next().map_or("", |head| &last[head.len() + at..]);
    type_and_message(behind.trim_end())
}

/// The type and the message in the line above the frames, whatever stands before them.
fn headline(line: &str) -> Option<(String, Option<String>)> {
    // `boom (RuntimeError)`, as Ruby has it, behind the place or the logger's head.
    let ruby = || {
        let (message, kind) = line.strip_suffix(')')?.rsplit_once(" (")?;
        let message =
            message.rsplit_once("': ").or_else(|| message.split_once("-- : ")).map_or(message, |(_, message)| message);
        is_type(kind).then(|| (kind.to_owned(), Some(message.to_owned())))
    };
    let line = line.trim_end();
    let behind_head = line.rsplit('\t').next().unwrap_or(line);
    let thread =
        || line.strip_prefix("Exception in thread \"")?.split_once("\" ").and_then(|(_, rest)| type_and_message(rest));
    type_and_message(behind_head).or_else(thread).or_else(ruby).or_else(|| within(behind_head))
}

/// `failed TypeError: boom`: a type in the middle of a line is known by its ending.
fn within(line: &str) -> Option<(String, Option<String>)> {
    let at = ["Error: ", "Exception: "]
        .into_iter()
        .filter_map(|ending| Some(line.find(ending)? + ending.len() - 2))
        .min()?;
    let start = line[..at].trim_end_matches(is_of_type).len();
    let start = line[start..at].find(char::is_alphabetic).map(|offset| start + offset)?;
    Some((line[start..at].to_owned(), Some(line[at + 2..].to_owned())))
}

/// `ValueError: boom`, `java.lang.IllegalStateException`, `My::Error: no`.
fn type_and_message(line: &str) -> Option<(String, Option<String>)> {
    let (kind, message) = line.split_once(": ").map_or((line, None), |(kind, message)| (kind, Some(message)));
    is_type(kind).then(|| (kind.to_owned(), message.map(str::to_owned)))
}

fn is_type(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_') && word.chars().all(is_of_type)
}

fn is_of_type(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, kind: &str, message: Option<&str>, stack_starts: &str) {
        let found = Exception::in_text(line).unwrap_or_else(|| panic!("no exception in {line}"));
        assert_eq!((found.kind.as_deref(), found.message.as_deref()), (Some(kind), message), "{line}");
        assert!(found.stacktrace.unwrap().starts_with(stack_starts), "{line}");
    }

    #[test]
    fn the_traces_of_every_language_name_their_type_and_message() {
        let python = "[ERROR] ValueError: boom: x\nTraceback (most recent call last):\n  File \"app.py\"";
        check(python, "ValueError", Some("boom: x"), "Traceback");
        let logged = "[ERROR]\tts\tid\tno\nTraceback (most recent call last):\n  File \"a\"\n    f()\nKeyError: 'id'\nand more\n";
        check(logged, "KeyError", Some("'id'\nand more"), "Traceback");
        let chained = format!(
            "{logged}\nDuring handling of the above exception, another exception occurred:\n\n{}",
            "Traceback (most recent call last):\n  File \"b\"\nStopIteration"
        );
        check(&chained, "StopIteration", None, "Traceback");
        check(
            "2024\tid\tERROR\tTypeError: no\n    at f (a.js:1:2)",
            "TypeError",
            Some("no"),
            "2024\tid\tERROR\tTypeError",
        );
        check("charge failed TypeError: no\n    at f (a.js:1:2)", "TypeError", Some("no"), "charge failed");
        let java = "2024-05-15 ERROR Handler - no order\njava.lang.IllegalStateException: empty: cart\n\tat a.B.c(B.java:7)\nCaused by: x.Y: z";
        check(java, "java.lang.IllegalStateException", Some("empty: cart"), "java.lang");
        check(
            "Exception in thread \"main\" java.lang.Error\n\tat a.B.c(B.java:7)",
            "java.lang.Error",
            None,
            "Exception in",
        );
        check(
            "System.ArgumentException: bad\nParameter 'x'\n   at A.B() in /x.cs:line 1",
            "System.ArgumentException",
            Some("bad\nParameter 'x'"),
            "System",
        );
        let inner = "ts\tid\tfail\tno\nA.Outer: bad\n ---> B.Inner: worse\n   --- End of inner exception stack trace ---\n   at A.B()";
        check(inner, "A.Outer", Some("bad"), "A.Outer");
        check("a.rb:3:in `charge': no (My::Error)\n\tfrom a.rb:1:in `<main>'", "My::Error", Some("no"), "a.rb:3");
        check(
            "E, [ts #8] ERROR id -- : boom (ArgumentError)\n/var/task/a.rb:3:in `charge'",
            "ArgumentError",
            Some("boom"),
            "E, ",
        );
    }

    #[test]
    fn a_type_behind_a_character_of_several_bytes_is_found() {
        let trace = "no\u{ad}ValueError: boom\n    at f (a.js:1:2)";
        check(trace, "ValueError", Some("boom"), "no");
        check(&trace.replace('\u{ad}', "\u{fffd}"), "ValueError", Some("boom"), "no");
    }

    #[test]
    fn several_lines_without_frames_are_no_exception() {
        for text in ["one\ntwo", "Error: x", "Note: see\nat the end", "Plan: meet\n  at noon", "  at night\nwe log", ""]
        {
            assert_eq!(Exception::in_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_stack_in_a_field_is_kept_whole_whatever_is_known_of_it() {
        let go = "main.handle\n\t/src/main.go:7\nruntime.main";
        assert_eq!(Exception::of_stack(go.into()), Exception { stacktrace: Some(go.into()), ..Exception::default() });
        assert_eq!(Exception::of_stack("Error: no\n    at f (a.js:1)".into()).kind.as_deref(), Some("Error"));
    }
}

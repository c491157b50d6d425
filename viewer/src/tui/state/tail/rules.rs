//! What leaves lines out: a text they must contain, values that are wanted or not. Said twice: of a line that is here, so that
//! a key is answered at once, and as a [`Filter`], which the server is asked by from then on.

use lambdaview_queries::filter::{Field, Filter, Pattern, Test};

use super::store::Stored;
use crate::{
    format::{severity_letter, short_id},
    tui::text::find,
};

/// Something that a line has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A severity, by its letter.
    Severity(char),
    /// The function.
    Function(String),
    /// The invocation.
    Invocation(String),
    /// The trace.
    Trace(String),
    /// The statement that wrote it: its text with numbers and ids left out.
    Statement(Statement),
}

impl Value {
    /// What a line has, the most likely to be meant first.
    #[must_use]
    pub fn of(line: &Stored<'_>) -> Vec<Self> {
        let mut values =
            vec![Self::Statement(Statement::of(line.body)), Self::Severity(severity_letter(line.severity))];
        let known = |text: &str, value: fn(String) -> Self| (!text.is_empty()).then(|| value(text.to_owned()));
        values.extend(known(line.invocation, Self::Invocation));
        values.extend(known(line.trace, Self::Trace));
        values.extend(known(line.function, Self::Function));
        values
    }

    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Severity(letter) => format!("severity {letter}"),
            Self::Function(name) => format!("function {name}"),
            Self::Invocation(id) => format!("invocation {}", short_id(id)),
            Self::Trace(id) => format!("trace {}", short_id(id)),
            Self::Statement(statement) => format!("like {}", statement.shown()),
        }
    }

    /// The same in the words of the server.
    fn filter(&self) -> Filter {
        match self {
            Self::Severity(letter) => of_severity(*letter),
            Self::Function(name) => of_function(name),
            Self::Invocation(id) => Filter::Invocation(id.clone()),
            Self::Trace(id) => Filter::Trace(id.clone()),
            Self::Statement(statement) => Filter::body(Test::Matches(statement.pattern())),
        }
    }

    fn is_of(&self, line: &Stored<'_>) -> bool {
        match self {
            Self::Severity(letter) => severity_letter(line.severity) == *letter,
            Self::Function(name) => line.function == name,
            Self::Invocation(id) => line.invocation == id,
            Self::Trace(id) => line.trace == id,
            Self::Statement(statement) => statement.wrote(line.body),
        }
    }
}

/// The rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What a line must contain.
    pub text: String,
    /// What it must have (true) or must not have.
    pub values: Vec<(Value, bool)>,
}

impl Rules {
    /// Whether everything is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.values.is_empty()
    }

    /// Whether a line is shown.
    #[must_use]
    pub fn leave(&self, line: &Stored<'_>) -> bool {
        let wanted = self.text.is_empty() || find(line.body, &self.text).is_some();
        wanted && self.values.iter().all(|(value, wanted)| value.is_of(line) == *wanted)
    }

    /// The same in the words of the server.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let text =
            if self.text.is_empty() { Filter::Everything } else { Filter::body(Test::Matches(found(&self.text))) };
        self.values.iter().fold(text, |all, (value, wanted)| match wanted {
            true => all.and(value.filter()),
            false => all.and(Filter::Not(Box::new(value.filter()))),
        })
    }

    /// As the header shows them.
    #[must_use]
    pub fn shown(&self) -> String {
        let text = (!self.text.is_empty()).then(|| format!("&{}", self.text));
        let sign = |wanted: &bool| if *wanted { "+" } else { "-" };
        let values = self.values.iter().map(|(value, wanted)| format!("{}{}", sign(wanted), value.shown()));
        text.into_iter().chain(values).collect::<Vec<_>>().join("  ")
    }
}

/// What finds a text as [`find`] does: whatever the case of its letters, where it is ASCII.
fn found(text: &str) -> Pattern {
    let literal = Pattern::literal(text);
    let any_case = text.is_ascii().then(|| Pattern::new(&format!("(?i){}", literal.as_str())).ok()).flatten();
    any_case.unwrap_or(literal)
}

/// Severities of one letter.
fn of_severity(letter: char) -> Filter {
    let numbers = (0..=24).filter(|number| severity_letter(*number) == letter);
    let (least, most) = numbers.fold((u8::MAX, 0), |(least, most), number| (least.min(number), most.max(number)));
    Filter::Severity(least).and(Filter::Not(Box::new(Filter::Severity(most + 1))))
}

/// Lines of a function: by `faas.name`, and where the record has none, by the service.
fn of_function(name: &str) -> Filter {
    let named = |test| Filter::resource("faas.name", test);
    let serviced = Filter::Field { of: Field::Service, test: Test::Equals(name.to_owned()) };
    let unnamed = Filter::Not(Box::new(named(Test::Exists)));
    Filter::Any(vec![named(Test::Equals(name.to_owned())), unnamed.and(serviced)])
}

/// A statement, told by the first words of what it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The words; nothing for one that holds a digit, which differs from line to line.
    words: Vec<Option<String>>,
    /// Whether its first line has no more words than these.
    whole: bool,
}

impl Statement {
    /// So many words tell it.
    const WORDS: usize = 12;

    fn of(body: &str) -> Self {
        let mut all = words(body);
        let words = all.by_ref().take(Self::WORDS).map(|word| word.map(str::to_owned)).collect();
        Self { words, whole: all.next().is_none() }
    }

    fn wrote(&self, body: &str) -> bool {
        let mut all = words(body);
        let is_same = self.words.iter().all(|word| all.next() == Some(word.as_deref()));
        is_same && all.next().is_none() == self.whole
    }

    fn shown(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.as_deref().unwrap_or("*")).collect();
        format!("{}{}", words.join(" "), if self.whole { "" } else { " …" })
    }

    /// What finds its lines.
    fn pattern(&self) -> Pattern {
        const GAP: &str = r"[ \t\r\f]";
        const WORD: &str = r"[^ \t\r\f\n]*";
        let word = |word: &Option<String>| match word {
            None => format!("{WORD}[0-9]{WORD}"),
            Some(word) => Pattern::literal(word).as_str().to_owned(),
        };
        let words = self.words.iter().map(word).collect::<Vec<_>>().join(&format!("{GAP}+"));
        let end = if self.whole { format!(r"{GAP}*(\n|$)") } else { format!(r"{GAP}+[^ \t\r\f\n]") };
        Pattern::new(&format!("^{GAP}*{words}{end}")).expect("quoted words between classes are a regular expression")
    }
}

/// The words of a text's first line; nothing for one that holds a digit.
fn words(body: &str) -> impl Iterator<Item = Option<&str>> {
    let first = body.split('\n').next().unwrap_or_default();
    let has_digit = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
    first.split_ascii_whitespace().map(move |word| (!has_digit(word)).then_some(word))
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::questions::lines::Line;

    use super::*;

    fn line(body: &str) -> Stored<'_> {
        Stored { time: 0, severity: 17, function: "f", invocation: "i", trace: "", span: "", body, late: None }
    }

    #[test]
    fn lines_of_one_statement_are_known_by_their_words() {
        let like = Value::Statement(Statement::of("charging card order=9912 amount=42.10"));
        assert!(like.is_of(&line("charging card order=1 amount=7")));
        assert!(!like.is_of(&line("charging card failed")));
        assert!(Value::Statement(Statement::of("")).is_of(&line("")));
    }

    #[test]
    fn the_server_is_asked_for_the_lines_that_are_shown() {
        let bodies = [
            "",
            "\n",
            "charging card order=9912 amount=42.10",
            "charging  card order=1 amount=7\r\nmore",
            "charging card * amount=7",
            "charging card order=1 amount=7 and more",
            "a b c d e f g h i j k l m n 1",
            "a b c d e f g h i j k l other",
            "a b c d e f g h i j k l",
            "what (is) [this]? $5.00 ^x| Größe\u{a0}x",
            "WHAT (is) [THIS]? $7.00 ^x| Größe\u{a0}x",
            "\tfail\x0bed\x0c5",
        ];
        let severities = [0, 1, 9, 12, 13, 17, 20, 24];
        let lines: Vec<Line> = (0..)
            .zip(bodies)
            .map(|(n, body)| Line {
                severity_number: severities[n % severities.len()],
                invocation_id: format!("i{}", n % 3).as_str().into(),
                trace_id: format!("t{}", n % 4).as_str().into(),
                function: "f".into(),
                service: "f".into(),
                body: body.into(),
                ..Line::default()
            })
            .collect();
        let stored = |line: &Line| rules_see(line, Value::of);
        let values = lines.iter().flat_map(stored).flat_map(|value| [(value.clone(), true), (value, false)]);
        let mut rules: Vec<Rules> = values.map(|value| Rules { text: String::new(), values: vec![value] }).collect();
        for text in ["Card", "ORDER=1 ", "größe", "Größe", "(is) [this]?", "$", "."] {
            rules.push(Rules { text: text.to_owned(), values: Vec::new() });
        }
        for rules in rules {
            let filter = rules.filter();
            for line in &lines {
                let is_left = rules_see(line, |stored| rules.leave(stored));
                assert_eq!(filter.matches(line), is_left, "{rules:?} of {line:?}");
            }
        }
    }

    fn rules_see<T>(line: &Line, see: impl Fn(&Stored<'_>) -> T) -> T {
        see(&Stored {
            time: line.time,
            severity: line.severity_number,
            function: &line.function,
            invocation: &line.invocation_id,
            trace: &line.trace_id,
            span: &line.span_id,
            body: &line.body,
            late: None,
        })
    }

    #[test]
    fn every_rule_must_leave_a_line() {
        let rules = Rules { text: "CARD".to_owned(), values: vec![(Value::Severity('E'), true)] };
        assert!(rules.leave(&line("card declined")));
        assert!(!rules.leave(&line("declined")));
        let rules = Rules { text: String::new(), values: vec![(Value::Function("f".to_owned()), false)] };
        assert!(!rules.leave(&line("x")));
        assert_eq!(Value::of(&line("x")).len(), 4);
    }
}

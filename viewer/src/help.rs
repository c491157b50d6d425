//! What `lambdaview help TOPIC` prints: what holds for more than one command.

/// A topic.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Every topic.
pub const TOPICS: &[Topic] = &[
    Topic { name: "config", text: include_str!("help/config.txt") },
    Topic { name: "exit-codes", text: include_str!("help/exit-codes.txt") },
    Topic { name: "filters", text: include_str!("help/filters.txt") },
    Topic { name: "json", text: include_str!("../JSON.md") },
    Topic { name: "keys", text: include_str!("help/keys.txt") },
    Topic { name: "time", text: include_str!("help/time.txt") },
];

/// The text of a topic.
#[must_use]
pub fn topic(name: &str) -> Option<&'static str> {
    TOPICS.iter().find(|topic| topic.name == name).map(|topic| topic.text)
}

/// The names of all topics, for a sentence.
#[must_use]
pub fn names() -> String {
    TOPICS.iter().map(|topic| topic.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_fits_a_terminal_and_ends_its_last_line() {
        for Topic { name, text } in TOPICS.iter().filter(|topic| topic.name != "json") {
            let widest = text.lines().map(crate::format::width).max().unwrap_or_default();
            assert!(widest <= 120 && text.ends_with('\n') && !text.ends_with("\n\n"), "{name}: {widest} columns");
        }
    }

    #[test]
    fn the_command_lines_own_help_names_each_topic() {
        use clap::CommandFactory as _;
        let help = crate::args::Cli::command().render_long_help().to_string();
        for Topic { name, .. } in TOPICS {
            assert!(help.contains(name), "{name} is not named");
        }
    }
}

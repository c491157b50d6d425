//! A question is written for today's layout; here it is put into the words of an older one.
//!
//! The words stand in `sql/layouts/`: a fragment, and after `=>` what it becomes. A line of a question that ends in `--? name`
//! is left out unless that name is wanted.

use crate::schema::{Attributes, LogsTable, TimeKey};

const MAP: &str = include_str!("../../sql/layouts/map.txt");
const JSON: &str = include_str!("../../sql/layouts/json.txt");
const TIMESTAMP_TIME: &str = include_str!("../../sql/layouts/timestamp_time.txt");
const SECONDS: &str = include_str!("../../sql/layouts/seconds.txt");
const UNIX_SECONDS: &str = include_str!("../../sql/layouts/unix_seconds.txt");
const NO_BLOCK_NUMBERS: &str = include_str!("../../sql/layouts/no_block_numbers.txt");
const BY_SERVICE: &str = include_str!("../../sql/layouts/by_service.txt");

/// How a function is told apart from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// By the resource attribute `faas.name`.
    #[default]
    FaasName,
    /// By `ServiceName`, where nothing says `faas.name`.
    ServiceName,
}

/// The words of one table's layout.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialect {
    rules: Vec<&'static str>,
}

impl Dialect {
    pub(super) fn of_logs(table: &LogsTable) -> Self {
        let mut rules = attribute_rules(table.layout.attributes());
        rules.extend(match table.layout.time_key() {
            TimeKey::FiveMinutes => None,
            TimeKey::TimestampTime => Some(TIMESTAMP_TIME),
            TimeKey::Seconds => Some(SECONDS),
            TimeKey::UnixSeconds => Some(UNIX_SECONDS),
        });
        if !table.block_numbers {
            rules.push(NO_BLOCK_NUMBERS);
        }
        Self { rules }
    }

    pub(super) fn of_traces(attributes: Attributes) -> Self {
        Self { rules: attribute_rules(attributes) }
    }

    /// `question` in this dialect, about a function known by `identity`, with the optional lines that are `wanted`.
    pub(super) fn put(&self, question: &str, identity: Identity, wanted: &[&str]) -> String {
        let chosen = question.lines().filter_map(|line| match line.split_once(" --? ") {
            None => Some(line),
            Some((line, name)) => wanted.contains(&name.trim()).then_some(line),
        });
        let mut sql = chosen.collect::<Vec<_>>().join("\n");
        if identity == Identity::ServiceName {
            sql = reword(&sql, BY_SERVICE);
        }
        self.rules.iter().fold(sql, |sql, rules| reword(&sql, rules))
    }
}

fn attribute_rules(attributes: Attributes) -> Vec<&'static str> {
    match attributes {
        Attributes::Items => Vec::new(),
        Attributes::Map => vec![MAP],
        Attributes::Json => vec![JSON],
    }
}

fn reword(sql: &str, rules: &str) -> String {
    let mut lines = rules.lines().filter(|line| !line.starts_with('#'));
    let mut sql = sql.to_owned();
    while let (Some(fragment), Some(becomes)) = (lines.next(), lines.next()) {
        sql = sql.replace(fragment, becomes.trim_start_matches("=> "));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 7] = [MAP, JSON, TIMESTAMP_TIME, SECONDS, UNIX_SECONDS, NO_BLOCK_NUMBERS, BY_SERVICE];

    #[test]
    fn every_rule_is_a_fragment_and_what_it_becomes() {
        for rules in ALL {
            let lines: Vec<&str> = rules.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(lines.len() >= 2 && lines.len().is_multiple_of(2), "{rules}");
            for pair in lines.chunks(2) {
                assert!(!pair[0].starts_with("=> ") && pair[1].starts_with("=> "), "{pair:?}");
            }
        }
    }

    #[test]
    fn a_question_for_items_asks_the_map_where_there_are_no_items() {
        let dialect = Dialect::of_traces(Attributes::Map);
        let question = "WHERE has(SpanAttributeItems, concat('faas.invocation_id=', {invocation:String}))";
        let put = dialect.put(question, Identity::FaasName, &[]);
        assert_eq!(put, "WHERE SpanAttributes['faas.invocation_id'] = {invocation:String}");
    }

    #[test]
    fn a_function_without_faas_name_is_asked_for_by_its_service() {
        let question = "WHERE has(ResourceAttributeItems, concat('faas.name=', {function:String}))";
        for attributes in [Attributes::Items, Attributes::Map, Attributes::Json] {
            let put = Dialect::of_traces(attributes).put(question, Identity::ServiceName, &[]);
            assert_eq!(put, "WHERE ServiceName = {function:String}");
        }
    }

    #[test]
    fn an_optional_line_stands_only_when_it_is_wanted() {
        let question = "WHERE a\n  AND b --? service\nLIMIT 1";
        let dialect = Dialect::default();
        assert_eq!(dialect.put(question, Identity::FaasName, &[]), "WHERE a\nLIMIT 1");
        assert_eq!(dialect.put(question, Identity::FaasName, &["service"]), "WHERE a\n  AND b\nLIMIT 1");
    }
}

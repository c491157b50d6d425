//! A question is written for today's layout; here it is put into the words of an older one.
//!
//! The words stand in `sql/layouts/`: a fragment, and after `=>` what it becomes; a `*` in both stands for the same name. A line of a question that ends in `--? name`
//! is left out unless that name is wanted, of `--? !name` unless it is not; in a line that ends in `true --= name` a condition of
//! that name stands for `true`.

use super::question::Question;
use crate::schema::{Attributes, LogsTable, Materialized, TimeKey, TracesTable};

const MAP: &str = include_str!("../../sql/layouts/map.txt");
const JSON: &str = include_str!("../../sql/layouts/json.txt");
const TIMESTAMP_TIME: &str = include_str!("../../sql/layouts/timestamp_time.txt");
const SECONDS: &str = include_str!("../../sql/layouts/seconds.txt");
const UNIX_SECONDS: &str = include_str!("../../sql/layouts/unix_seconds.txt");
const DISTRIBUTED: &str = include_str!("../../sql/layouts/distributed.txt");
const NO_BLOCK_NUMBERS: &str = include_str!("../../sql/layouts/no_block_numbers.txt");
/// The words of one table's layout.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialect {
    rules: Vec<&'static str>,
    materialized: Vec<Materialized>,
    /// Whether the server reads one key of a map by a name of its own.
    map_keys: bool,
    /// What names a function, where it is not `faas.name`.
    named_by: Option<String>,
}

/// The attribute of the resource that names a function, by OpenTelemetry's conventions and in every question.
const NAME: &str = "faas.name";

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
        } else if table.distributed {
            rules.push(DISTRIBUTED);
        }
        Self { rules, materialized: table.materialized.clone(), map_keys: false, named_by: None }
    }

    pub(super) fn of_traces(table: &TracesTable) -> Self {
        Self {
            rules: attribute_rules(table.attributes),
            materialized: table.materialized.clone(),
            map_keys: false,
            named_by: None,
        }
    }

    /// The same, of one server of this version.
    pub(super) fn of_server(self, version: &str) -> Self {
        let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
        let version = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        Self { map_keys: version >= MAP_KEYS_SINCE, ..self }
    }

    /// With functions that another attribute names.
    pub(super) fn named_by(self, attribute: &str) -> Self {
        Self { named_by: (attribute != NAME).then(|| attribute.to_owned()), ..self }
    }

    /// Whether the attribute that names a function has a column of its own.
    pub(super) fn names_have_a_column(&self) -> bool {
        let name = self.named_by.as_deref().unwrap_or(NAME);
        self.materialized.iter().any(|one| one.source == "ResourceAttributes" && one.key == name)
    }

    /// `sql` with the attribute that names a function.
    pub(super) fn naming(&self, sql: &str) -> String {
        self.named_by.as_deref().map_or_else(|| sql.to_owned(), |attribute| sql.replace(NAME, attribute))
    }

    /// `question` in this dialect, with the optional lines that are wanted, and the conditions where it has room for them.
    pub(super) fn put(&self, question: &Question<'_>, conditions: &[(&str, Option<&str>)]) -> String {
        let chosen = question.sql.lines().filter_map(|line| match line.split_once(" --? ") {
            None => Some(line),
            Some((line, name)) => question.wants(name.trim()).then_some(line),
        });
        let sql = self.reword(&chosen.collect::<Vec<_>>().join("\n"), &[]);
        let lines = sql.lines().map(|line| match line.split_once("true --= ") {
            None => line.to_owned(),
            Some((start, name)) => {
                let condition = conditions.iter().find(|(given, _)| *given == name.trim());
                format!("{start}{}", condition.and_then(|(_, sql)| *sql).unwrap_or("true"))
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A fragment in this dialect, after the rules that say what it is about.
    pub(super) fn reword(&self, sql: &str, first: &[&str]) -> String {
        let sql = first.iter().chain(&self.rules).fold(sql.to_owned(), |sql, rules| reword(&sql, rules));
        let sql = self.naming(&sql);
        let sql = self.materialized.iter().fold(sql, |sql, one| from_column(&sql, one));
        if self.map_keys { MAPS.iter().fold(sql, |sql, map| from_key(&sql, map)) } else { sql }
    }
}

/// Maps of attributes.
const MAPS: [&str; 3] = ["ResourceAttributes", "LogAttributes", "SpanAttributes"];
/// From this version on it was seen that a key of a map can be named as a column.
const MAP_KEYS_SINCE: (u32, u32) = (26, 7);

/// Reads a key of a map by its own name. The server finds it by itself, except where a condition that an index answers names the map
/// as well: then it reads all keys of the map, which are tens of times as many bytes. Where all are wanted anyway they hold this one.
fn from_key(sql: &str, map: &str) -> String {
    if is_wanted_whole(sql, map) {
        return sql.to_owned();
    }
    let mut reworded = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((untouched, tail)) = rest.split_once(map) {
        reworded.push_str(untouched);
        reworded.push_str(map);
        rest = tail;
        let Some((key, tail)) = tail.strip_prefix("['").and_then(|tail| tail.split_once("']")) else { continue };
        if !is_lookup(tail) {
            let key = key.replace('\\', r"\\").replace('`', r"\`");
            reworded.push_str(&format!(".`key_{key}`"));
            rest = tail;
        }
    }
    reworded + rest
}

/// Whether the map is named, and neither one of its keys nor its items.
fn is_wanted_whole(sql: &str, map: &str) -> bool {
    let is_whole = |after: &str| !after.starts_with('[') && !after.starts_with(|next: char| next.is_alphanumeric());
    sql.split(map).skip(1).any(is_whole)
}

/// Whether what stands before this is looked up by its value.
fn is_lookup(tail: &str) -> bool {
    [" = {", " = '", " IN {"].iter().any(|comparison| tail.starts_with(comparison))
}

/// Reads an attribute from its own column, except where it is looked up by its value: that is what indexes on the map are for.
fn from_column(sql: &str, Materialized { source, key, column }: &Materialized) -> String {
    let attribute = format!("{source}['{key}']");
    let column = format!("`{}`", column.replace('\\', r"\\").replace('`', r"\`"));
    let mut parts = sql.split(&attribute);
    let mut reworded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_lookup = part.starts_with(" = {") || part.starts_with(" IN {");
        reworded.push_str(if is_lookup { &attribute } else { &column });
        reworded.push_str(part);
    }
    reworded
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
        let becomes = becomes.trim_start_matches("=> ");
        sql = match fragment.split_once('*') {
            Some((before, after)) => reword_each(&sql, before, after, becomes),
            None => sql.replace(fragment, becomes),
        };
    }
    sql
}

/// Puts every `before NAME after` into other words, in which `*` is the name.
fn reword_each(sql: &str, before: &str, after: &str, becomes: &str) -> String {
    let mut reworded = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((untouched, tail)) = rest.split_once(before) {
        reworded.push_str(untouched);
        let name = tail.split_once(after).filter(|(name, _)| !name.contains(['\'', '\n']));
        rest = match name {
            Some((name, tail)) => {
                reworded.push_str(&becomes.replace('*', name));
                tail
            }
            None => {
                reworded.push_str(before);
                tail
            }
        };
    }
    reworded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 10] = [
        MAP,
        JSON,
        TIMESTAMP_TIME,
        SECONDS,
        UNIX_SECONDS,
        NO_BLOCK_NUMBERS,
        DISTRIBUTED,
        include_str!("../../sql/filters/on_attribute.txt"),
        include_str!("../../sql/filters/on_resource.txt"),
        include_str!("../../sql/filters/on_service.txt"),
    ];

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

    fn of_traces(attributes: Attributes) -> Dialect {
        Dialect::of_traces(&TracesTable { attributes, materialized: Vec::new() })
    }

    #[test]
    fn an_attribute_is_read_from_its_own_column_and_looked_up_in_the_map() {
        let materialized = vec![Materialized {
            source: "ResourceAttributes".to_owned(),
            key: "faas.name".to_owned(),
            column: "__hdx_materialized_faas.name".to_owned(),
        }];
        let dialect = Dialect::of_traces(&TracesTable { attributes: Attributes::Map, materialized });
        let question =
            "SELECT ResourceAttributes['faas.name'] AS name WHERE ResourceAttributes['faas.name'] = {x:String}
  AND ResourceAttributes['faas.name'] = '' AND ResourceAttributes['faas.name'] IN {y:Array(String)}";
        let put = dialect.put(&question.into(), &[]);
        assert_eq!(
            put,
            "SELECT `__hdx_materialized_faas.name` AS name WHERE ResourceAttributes['faas.name'] = {x:String}
  AND `__hdx_materialized_faas.name` = '' AND ResourceAttributes['faas.name'] IN {y:Array(String)}"
        );
    }

    #[test]
    fn another_attribute_can_name_functions_in_every_layout() {
        let question = "SELECT ResourceAttributes['faas.name'] WHERE has(ResourceAttributeItems, concat('faas.name=', {function:String}))";
        let put = |attributes| of_traces(attributes).named_by("cloud.fn").put(&question.into(), &[]);
        assert_eq!(
            put(Attributes::Items),
            "SELECT ResourceAttributes['cloud.fn'] WHERE has(ResourceAttributeItems, concat('cloud.fn=', {function:String}))"
        );
        assert_eq!(
            put(Attributes::Map),
            "SELECT ResourceAttributes['cloud.fn'] WHERE ResourceAttributes['cloud.fn'] = {function:String}"
        );
        assert!(put(Attributes::Json).contains("ResourceAttributes.`cloud.fn`"));
    }

    #[test]
    fn a_question_for_items_asks_the_map_where_there_are_no_items() {
        let dialect = of_traces(Attributes::Map);
        let question = "WHERE has(SpanAttributeItems, concat('faas.invocation_id=', {invocation:String}))";
        let put = dialect.put(&question.into(), &[]);
        assert_eq!(put, "WHERE SpanAttributes['faas.invocation_id'] = {invocation:String}");
    }

    #[test]
    fn every_attribute_that_a_question_names_is_a_path_in_json() {
        let question = "SELECT SpanAttributes['error.type'], SpanAttributes[{x:String}], f(SpanAttributes['a'])";
        let put = of_traces(Attributes::Json).put(&question.into(), &[]);
        let [first, second] = ["error.type", "a"].map(|key| format!("ifNull(toString(SpanAttributes.`{key}`), '')"));
        assert_eq!(put, format!("SELECT {first}, SpanAttributes[{{x:String}}], f({second})"));
    }

    #[test]
    fn a_key_of_a_map_is_read_by_its_own_name_where_the_server_knows_it_and_no_index_is_asked() {
        let question =
            "SELECT LogAttributes['a.b'] WHERE LogAttributes['type'] = 'x' AND LogAttributes[{n:String}] != ''";
        let put = of_traces(Attributes::Items).of_server("26.7.2.1").put(&question.into(), &[]);
        assert_eq!(put, question.replace("['a.b']", ".`key_a.b`"));
        for version in ["26.6.9.1", "25.12", "strange"] {
            assert_eq!(
                of_traces(Attributes::Items).of_server(version).put(&question.into(), &[]),
                question,
                "{version}"
            );
        }
        let whole = format!("{question} AND toJSONString(LogAttributes) != ''");
        let put = of_traces(Attributes::Items).of_server("26.7.2.1").put(&whole.as_str().into(), &[]);
        assert_eq!(put, whole, "of a map that is read whole a key costs nothing");
        let put = of_traces(Attributes::Json).of_server("26.7").put(&question.into(), &[]);
        assert!(!put.contains("key_"), "{put}");
    }

    #[test]
    fn an_optional_line_stands_only_when_it_is_wanted() {
        let question = Question::new("WHERE a\n  AND b --? service\n  AND c --? !service\nLIMIT 1");
        let dialect = Dialect::default();
        assert_eq!(dialect.put(&question, &[]), "WHERE a\n  AND c\nLIMIT 1");
        assert_eq!(dialect.put(&question.wanting(&["service"]), &[]), "WHERE a\n  AND b\nLIMIT 1");
    }

    #[test]
    fn a_condition_stands_where_there_is_room_for_it() {
        let question = Question::new("WHERE true --= functions\n  AND true --= filter\nLIMIT 1");
        let put = Dialect::default().put(&question, &[("functions", Some("a = 1")), ("filter", None)]);
        assert_eq!(put, "WHERE a = 1\n  AND true\nLIMIT 1");
    }
}

//! `viewer/JSON.md`, held against what the commands print: no key that it does not name, no key that it names in vain.

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::{
    moto::{Function, Moto},
    viewer::Viewer,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../viewer/JSON.md");
const REQUEST: &str = "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";

/// A section of the page: an object, and the commands that print it.
#[derive(Debug)]
struct Section {
    title: String,
    commands: Vec<String>,
    /// Only objects that have this value under this key.
    only: Option<(String, String)>,
    keys: BTreeMap<String, Key>,
}

#[derive(Debug)]
struct Key {
    types: String,
    optional: bool,
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn sections(page: &str) -> Vec<Section> {
    page.split("\n## ").skip(1).map(section).collect()
}

fn section(text: &str) -> Section {
    let title = text.lines().next().unwrap_or_default().to_owned();
    let printed =
        text.lines().find(|line| line.starts_with("Printed by ")).unwrap_or_else(|| panic!("{title}: by what?"));
    let (by, only) = printed.split_once(" where ").unwrap_or((printed, ""));
    let only = match &quoted(only)[..] {
        [key, value] => Some((key.clone(), value.clone())),
        _ => None,
    };
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).map(|(key, rest)| {
        let types = rest.split(" | ").next().unwrap_or_default();
        let optional = types.ends_with(", optional");
        (key.to_owned(), Key { types: types.trim_end_matches(", optional").to_owned(), optional })
    });
    Section { commands: quoted(by), only, keys: rows.collect(), title }
}

/// Everything that the page's commands need to find something.
async fn shop() -> (Desk, Viewer) {
    let desk = Desk::new(Layout::Items).await;
    let rows = [
        include_str!("../fixtures/sql/rows/logs.sql"),
        include_str!("../fixtures/sql/rows/spans.sql"),
        include_str!("../fixtures/sql/rows/events.sql"),
    ];
    for rows in rows {
        let rows = rows.replace("{resource}", "map('faas.name', 'checkout', 'faas.instance', 'a')");
        desk.execute(&rows.replace("{attributes}", &format!("map('faas.invocation_id', '{REQUEST}')"))).await;
    }
    let moto = Moto::shared().await;
    moto.function(
        "us-west-1",
        &Function { name: "page-one", architecture: "x86_64", layers: &[], variables: json!({}), tags: json!({}) },
    )
    .await;
    let aws = [("AWS_ENDPOINT_URL", moto.url().as_str()), ("AWS_REGION", "us-west-1")].map(|(n, v)| (n, v.to_owned()));
    let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, "test".to_owned()));
    let viewer =
        aws.iter().chain(&credentials).fold(desk.viewer(), |viewer, (name, value)| viewer.variable(name, value));
    let place = &desk.target.place;
    let words = ["--url", &place.url, "--database", &place.database, "--user", "default", "--password-command", "echo"];
    let added = viewer
        .run(
            &[&["context", "add", "prod", "--hyperdx", "http://hyperdx:8080", "--fn-attr", "faas.name"], &words[..]]
                .concat(),
        )
        .await;
    assert_eq!(added.code, Some(0), "{added:?}");
    (desk, viewer)
}

async fn objects(viewer: &Viewer, section: &Section) -> Vec<Value> {
    let mut objects = Vec::new();
    for command in &section.commands {
        let arguments: Vec<&str> = command.split_whitespace().chain(["-o", "json"]).collect();
        let ended = viewer.run(&arguments).await;
        let printed = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object a line"));
        let wanted = |object: &Value| section.only.as_ref().is_none_or(|(key, value)| object[key] == value.as_str());
        let printed: Vec<Value> = printed.filter(wanted).collect();
        assert!(!printed.is_empty(), "{}: `{command}` prints no such object: {ended:?}", section.title);
        objects.extend(printed);
    }
    objects
}

/// The keys of an object with their values, those of inner objects after their own and a dot; a map's keys are its own.
fn flat<'a>(prefix: &str, object: &'a Value, section: &Section, found: &mut Vec<(String, &'a Value)>) {
    for (key, value) in object.as_object().into_iter().flatten() {
        let key = format!("{prefix}{key}");
        let inner = match value {
            Value::Array(items) => items.iter().filter(|item| item.is_object()).collect(),
            Value::Object(_) if section.keys.get(&key).is_none_or(|known| known.types != "map") => vec![value],
            _ => Vec::new(),
        };
        for object in inner {
            flat(&format!("{key}."), object, section, found);
        }
        found.push((key, value));
    }
}

fn fits(value: &Value, types: &str) -> bool {
    types.split(" or ").any(|kind| match kind {
        "time" => value.as_str().is_some_and(|text| text.len() == 30 && text.ends_with('Z') && text.contains('T')),
        "text" => value.is_string(),
        "number" => value.is_number(),
        "true" | "false" => value.is_boolean(),
        "null" => value.is_null(),
        "object" => value.is_object(),
        "map" => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
        "list of objects" => value.as_array().is_some_and(|items| items.iter().all(Value::is_object)),
        "list of text" => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        "list of numbers" => value.as_array().is_some_and(|items| items.iter().all(Value::is_number)),
        _ => panic!("the page has a type that nobody knows: {kind}"),
    })
}

/// What is wrong between a section and the objects that its commands print.
fn faults(section: &Section, objects: &[Value]) -> Vec<String> {
    let title = &section.title;
    let mut seen = BTreeSet::new();
    let mut faults = BTreeSet::new();
    for object in objects {
        let mut found = Vec::new();
        flat("", object, section, &mut found);
        for (key, value) in &found {
            match section.keys.get(key) {
                None => _ = faults.insert(format!("{title}: `{key}` is printed and not documented")),
                Some(Key { types, .. }) if !fits(value, types) => {
                    faults.insert(format!("{title}: `{key}` is no {types}: {value}"));
                }
                Some(_) => {}
            }
        }
        let has: BTreeSet<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        let always = section.keys.iter().filter(|(key, known)| !known.optional && !key.contains('.'));
        faults.extend(
            always
                .filter(|(key, _)| !has.contains(key.as_str()))
                .map(|(key, _)| format!("{title}: `{key}` is missing: {object}")),
        );
        seen.extend(found.into_iter().map(|(key, _)| key));
    }
    let never = section.keys.iter().filter(|(key, known)| !known.optional && !seen.contains(*key));
    faults.extend(never.map(|(key, _)| format!("{title}: `{key}` is documented and never printed")));
    faults.into_iter().collect()
}

#[tokio::test]
async fn the_page_names_each_key_that_is_printed_and_no_other() {
    let (_desk, viewer) = shop().await;
    let mut found = Vec::new();
    for section in sections(PAGE) {
        found.extend(faults(&section, &objects(&viewer, &section).await));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_key_too_many_too_few_or_of_another_type_is_a_fault() {
    let page = "\n## X\n\nPrinted by `x`.\n\n| `a` | text | x |\n| `b` | number, optional | x |\n| `c` | list of objects | x |\n| `c.d` | text | x |\n";
    let section = &sections(page)[0];
    let faults = |text: &str| faults(section, &[serde_json::from_str(text).unwrap()]).join(" ");
    assert_eq!(faults(r#"{"a":"","c":[{"d":""}]}"#), "");
    assert!(faults(r#"{"a":"","c":[{"d":""}],"e":1}"#).contains("`e` is printed"));
    assert!(faults(r#"{"c":[{"d":""}]}"#).contains("`a` is missing"));
    assert!(faults(r#"{"a":"","c":[{}]}"#).contains("`c.d` is documented"));
    assert!(faults(r#"{"a":1,"c":[{"d":""}]}"#).contains("`a` is no text"));
}

#[tokio::test]
async fn every_command_that_prints_json_is_on_the_page() {
    use clap::CommandFactory as _;
    /// These print no objects of their own, or (`local`) one that their own help documents.
    const WITHOUT: &[&str] = &["local", "ui", "sql", "open", "config", "completions", "man", "help"];
    let documented: BTreeSet<String> = sections(PAGE)
        .into_iter()
        .flat_map(|section| section.commands)
        .filter_map(|command| command.split_whitespace().next().map(str::to_owned))
        .collect();
    let commands = lambdaview::args::Cli::command();
    let missing: Vec<&str> = commands
        .get_subcommands()
        .map(clap::Command::get_name)
        .filter(|name| !WITHOUT.contains(name) && !documented.contains(*name))
        .collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
}

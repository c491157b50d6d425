//! What README.md promises, held against the code.

use lambdaview_extension::config::{Config, Environment};
use std::{cell::RefCell, collections::BTreeSet, fs, io, path::Path};

fn readme() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("a README")
}

/// An empty environment that remembers what it was asked for.
#[derive(Default)]
struct Asked(RefCell<BTreeSet<String>>);

impl Environment for Asked {
    fn get(&self, name: &str) -> Option<String> {
        self.0.borrow_mut().insert(name.to_owned());
        None
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn file(&self, _path: &Path) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// `A_{B,C}_D` as `A_B_D` and `A_C_D`.
fn expanded(name: &str) -> Vec<String> {
    match name.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?))) {
        None => vec![name.to_owned()],
        Some((head, (choices, tail))) => {
            choices.split(',').flat_map(|choice| expanded(&format!("{head}{choice}{tail}"))).collect()
        }
    }
}

/// The variables in the first column of the environment's table.
fn documented() -> BTreeSet<String> {
    let readme = readme();
    let table = readme.split_once("| variable | meaning | default |").expect("the environment's table").1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let first = rows.filter_map(|row| row.split('|').nth(1));
    first.flat_map(|cell| cell.split('`').skip(1).step_by(2).flat_map(expanded).collect::<Vec<_>>()).collect()
}

#[test]
fn the_environment_table_names_each_variable_that_is_read_and_no_other() {
    let asked = Asked::default();
    let _config_and_faults = Config::from_env(&asked);
    let ours = |name: &String| ["ROTEL_", "LAMBDAVIEW_", "OTEL_"].iter().any(|prefix| name.starts_with(prefix));
    let read: BTreeSet<String> = asked.0.into_inner().into_iter().filter(ours).collect();
    let documented = documented();
    let (missing, invented): (Vec<_>, Vec<_>) =
        (read.difference(&documented).collect(), documented.difference(&read).collect());
    assert!(missing.is_empty() && invented.is_empty(), "not in README.md: {missing:?}; not in the code: {invented:?}");
}

#[test]
fn each_dependency_has_its_reason_in_the_readme() {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).expect("a manifest");
    let dependencies = manifest.split_once("[workspace.dependencies]").expect("dependencies").1;
    let names =
        dependencies.lines().take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    let readme = readme();
    let table = readme.split_once("| dependency | why |").expect("the dependencies' table").1;
    let first_column: String = table
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with('|'))
        .filter_map(|row| row.split('|').nth(1))
        .collect();
    let unexplained: Vec<_> = names
        .map(|(name, _)| name.trim())
        .filter(|name| {
            !name.starts_with("lambdaview") && !name.starts_with('#') && !first_column.contains(&format!("`{name}`"))
        })
        .collect();
    assert!(unexplained.is_empty(), "without a reason in README.md: {unexplained:?}");
}

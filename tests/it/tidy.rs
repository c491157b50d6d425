//! The architecture's import rules, held by reading the sources: what cargo cannot hold, because it lies within a crate.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// In files below `within` (and not below one of `except`) none of `never` may appear in code.
struct Rule {
    within: &'static [&'static str],
    except: &'static [&'static str],
    never: &'static [&'static str],
    because: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        within: &["queries/src"],
        except: &[],
        never: &["lambdaview_extension", "lambdaview::", "clap::", "ratatui", "opentelemetry_proto"],
        because: "queries knows ClickHouse and nothing of ours",
    },
    Rule {
        within: &["extension/src"],
        except: &["extension/src/export"],
        never: &["lambdaview_queries", "clickhouse::Client"],
        because: "only the exporters know tables",
    },
    Rule {
        within: &["viewer/src"],
        except: &["viewer/src/local"],
        never: &["lambdaview_extension"],
        because: "viewer::local alone uses the extension's pipeline",
    },
    Rule {
        within: &[
            "extension/src/lambda",
            "extension/src/otlp",
            "extension/pipeline/src/flow",
            "extension/pipeline/src/records",
        ],
        except: &[],
        never: &["crate::normalise", "crate::buffer", "crate::export", "crate::driver"],
        because: "receivers hand on arrivals and know no later stage",
    },
    Rule {
        within: &[
            "extension/pipeline/src",
            "extension/src/lifecycle",
            "extension/src/buffer",
            "extension/src/dispatch",
            "extension/src/spool/inventory",
            "extension/src/spool/segment",
        ],
        except: &[],
        never: &[
            "tokio",
            "hyper",
            "use tonic",
            "std::fs",
            "std::net",
            "std::io",
            "SystemTime",
            "Instant",
            "crate::clock",
        ],
        because: "pure: no IO, and the time is an argument",
    },
    Rule {
        within: &["extension/src/export"],
        except: &[],
        never: &["crate::lambda", "crate::otlp", "crate::normalise", "crate::driver"],
        because: "exporters take batches and know no earlier stage",
    },
    Rule {
        within: &["viewer/src/render", "viewer/src/format"],
        except: &[],
        never: &["clickhouse::", "clap::", "std::io", "tokio", "std::env"],
        because: "renderers return text",
    },
    Rule {
        within: &["viewer/src/tui/state", "viewer/src/tui/keys", "viewer/src/tui/event"],
        except: &[],
        never: &["ratatui", "crossterm", "tokio", "clickhouse::", "std::io", "std::fs", "crate::clock"],
        because: "the viewer's state is pure: what it wants done it returns",
    },
    Rule {
        within: &["viewer/src/patterns", "viewer/src/doctor", "viewer/src/places"],
        except: &[],
        never: &["tokio", "clickhouse::", "std::io", "std::fs", "std::net", "crate::clock"],
        because: "pure: they judge what they are given",
    },
    Rule {
        within: &["viewer/src/tui/view"],
        except: &[],
        never: &["crossterm", "tokio", "clickhouse::", "std::io", "std::fs", "crate::clock"],
        because: "a picture is made of the state and nothing else",
    },
    Rule {
        within: &["extension/src", "viewer/src", "queries/src"],
        except: &["extension/src/config", "viewer/src/settings"],
        never: &["env::var", "env::vars", "env::set_var"],
        because: "one file per program reads the environment",
    },
    Rule {
        within: &["extension/src", "viewer/src"],
        except: &[],
        never: &["\"SELECT ", "\"INSERT INTO ", "\"CREATE TABLE ", "\"ALTER TABLE "],
        because: "SQL lives in queries/sql",
    },
    Rule {
        within: &["extension", "viewer", "queries", "tests/src"],
        except: &[],
        never: &["#[allow(", "#![allow(", concat!("TO", "DO"), concat!("FIX", "ME")],
        because: "exceptions are expected with a reason, and nothing is left for later in the tree",
    },
];

const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "clippy.toml",
    "extension",
    "queries",
    "rustfmt.toml",
    "tests",
    "viewer",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate stands in the workspace").to_path_buf()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every `.rs` file of the four crates: its path from the root, and its text.
fn tree() -> Vec<(String, String)> {
    let root = root();
    let mut paths = Vec::new();
    for part in ["queries", "extension", "viewer", "tests"] {
        sources(&root.join(part), &mut paths);
    }
    let name = |path: &Path| path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).expect("UTF-8 source"))).collect()
}

/// Lines of code with their numbers: no comments, and nothing from the unit tests at a file's end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    numbered
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Whether `path` is `part`, or stands below it: `a/b` holds `a/b.rs` and `a/b/c.rs`, not `a/bc.rs`.
fn below(path: &str, part: &str) -> bool {
    path.strip_prefix(part).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

fn faults(rules: &[Rule], tree: &[(String, String)]) -> Vec<String> {
    let mut faults = Vec::new();
    for rule in rules {
        let governed =
            |path: &str| rule.within.iter().any(|p| below(path, p)) && !rule.except.iter().any(|p| below(path, p));
        for (path, text) in tree.iter().filter(|(path, _)| governed(path)) {
            for (at, line) in code(text) {
                for never in rule.never.iter().filter(|never| line.contains(**never)) {
                    faults.push(format!("{path}:{at} has `{never}`: {}", rule.because));
                }
            }
        }
    }
    faults
}

#[test]
fn modules_use_only_what_the_architecture_lets_them() {
    let found = faults(RULES, &tree());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn each_rule_governs_files_that_exist() {
    let tree = tree();
    for part in RULES.iter().flat_map(|rule| rule.within.iter().chain(rule.except)) {
        assert!(tree.iter().any(|(path, _)| below(path, part)), "no file below {part}: the rule holds nothing");
    }
}

#[test]
fn a_broken_rule_is_found_in_code_but_not_in_comments_or_unit_tests() {
    let text = "//! tokio is not used\nuse tokio::net;\n#[cfg(test)]\nmod tests { use tokio::net; }\n";
    let tree = [("extension/pipeline/src/normalise/platform.rs".to_owned(), text.to_owned())];
    let found = faults(RULES, &tree);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("extension/pipeline/src/normalise/platform.rs:2 has `tokio`"), "{found:?}");
}

#[test]
fn every_source_file_begins_by_saying_what_it_owns() {
    let bare: Vec<_> = tree().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(bare.is_empty(), "no `//!` at the head of: {bare:?}");
}

#[test]
fn the_top_level_holds_what_the_architecture_names_and_nothing_else() {
    let names = fs::read_dir(root()).expect("a readable root").map(|entry| entry.expect("an entry").file_name());
    let stray: Vec<_> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| !name.starts_with('.') && name != "target" && !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    assert!(stray.is_empty(), "not in the architecture: {stray:?}");
}

#[test]
fn dependencies_stand_in_one_place_with_their_versions() {
    for part in ["queries", "extension", "extension/pipeline", "viewer", "tests"] {
        let manifest = fs::read_to_string(root().join(part).join("Cargo.toml")).expect("a manifest");
        let is_dependencies =
            |section: &&str| section.lines().next().is_some_and(|head| head.ends_with("dependencies]"));
        let lines = manifest.split("\n[").filter(is_dependencies).flat_map(str::lines);
        let versioned: Vec<_> = lines.filter(|line| line.contains("version =") || line.contains("= \"")).collect();
        assert!(
            versioned.is_empty(),
            "{part}/Cargo.toml: versions belong into the workspace's manifest: {versioned:?}"
        );
    }
}

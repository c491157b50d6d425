//! The one place that reads the process's environment, and the one that reads files named in it.

use std::{io, path::Path};

/// Where settings come from; a map in tests.
pub trait Environment {
    /// The variable's value, if it is set.
    fn get(&self, name: &str) -> Option<String>;

    /// The names of every variable that is set.
    fn names(&self) -> Vec<String>;

    /// The text of a file that a setting names.
    ///
    /// # Errors
    /// As reading the file does.
    fn file(&self, path: &Path) -> io::Result<String>;
}

/// The process's own environment and file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn names(&self) -> Vec<String> {
        std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// An environment made of two lists: variables and files.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Given {
        pub(crate) variables: BTreeMap<String, String>,
        pub(crate) files: BTreeMap<String, String>,
    }

    pub(crate) fn given(variables: &[(&str, &str)]) -> Given {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Given { variables: variables.iter().map(owned).collect(), files: BTreeMap::new() }
    }

    impl Given {
        pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
            self.files.insert(path.to_owned(), text.to_owned());
            self
        }
    }

    impl Environment for Given {
        fn get(&self, name: &str) -> Option<String> {
            self.variables.get(name).cloned()
        }

        fn names(&self) -> Vec<String> {
            self.variables.keys().cloned().collect()
        }

        fn file(&self, path: &Path) -> io::Result<String> {
            let text = self.files.get(path.to_str().expect("a test's path is UTF-8"));
            text.cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        }
    }

    #[test]
    fn the_process_environment_knows_the_path_and_reads_files() {
        assert!(ProcessEnvironment.get("PATH").is_some());
        assert!(ProcessEnvironment.names().contains(&"PATH".to_owned()));
        assert!(ProcessEnvironment.file(Path::new("/nonexistent")).is_err());
    }
}

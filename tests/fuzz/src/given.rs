//! An environment made of variables and files.

use lambdaview_extension::config::Environment;
use std::{collections::BTreeMap, io, path::Path};

/// The variables and the one file that every path leads to.
#[derive(Clone, Debug, Default)]
pub struct Given {
    variables: BTreeMap<String, String>,
    file: Option<String>,
}

impl Given {
    /// With one more variable.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// With a file.
    pub fn file(mut self, text: impl Into<String>) -> Self {
        self.file = Some(text.into());
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

    fn file(&self, _path: &Path) -> io::Result<String> {
        self.file.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

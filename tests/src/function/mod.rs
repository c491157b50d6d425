//! Functions: real processes that run AWS's own Python runtime client, and the sample functions for them.

pub mod cheap;
pub mod python;

use crate::{lambda::Program, machine};
use python::{Python, PythonError};
use std::collections::BTreeMap;

/// The sample functions of a small shop, in `fixtures/functions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// `print` and `logging`, text logs.
    Orders,
    /// `logging` with `LogFormat: JSON`.
    Stock,
    /// The real OpenTelemetry SDK, sending OTLP to the extension.
    Payments,
    /// Does what a function should not, as its event or its environment asks.
    Misbehaving,
}

impl Sample {
    /// The file it lives in, without its ending.
    #[must_use]
    pub const fn module(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Stock => "stock",
            Self::Payments => "payments",
            Self::Misbehaving => "misbehaving",
        }
    }

    /// It as a process of AWS's Python runtime.
    ///
    /// # Errors
    /// When Python or its packages cannot be had; the message says what to install.
    pub fn program(self) -> Result<Program, PythonError> {
        let python = Python::ready()?;
        let handler = format!("{}.handler", self.module());
        Ok(Program {
            executable: python.executable(),
            arguments: vec!["-m".to_owned(), "awslambdaric".to_owned(), handler.clone()],
            task_root: machine::functions(),
            handler,
            execution_env: "AWS_Lambda_python3.11".to_owned(),
            framed_logs: true,
            variables: BTreeMap::from([
                ("PYTHONPATH".to_owned(), machine::functions().display().to_string()),
                // The tree stays clean.
                ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
            ]),
        })
    }
}

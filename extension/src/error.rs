//! Errors at the extension's boundaries.

/// Why the process cannot even begin. Everything later is survived: an extension that ends fails its function.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not within Lambda.
    #[error("AWS_LAMBDA_RUNTIME_API is not set: this program is an extension, started by AWS Lambda from a layer")]
    NotInLambda,
    /// No runtime.
    #[error("cannot start")]
    Runtime(#[from] std::io::Error),
    /// A fault of ours that nothing caught.
    #[error("cannot go on")]
    Driver(#[from] tokio::task::JoinError),
}

/// An error and what it comes from, in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}

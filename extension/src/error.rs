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
}

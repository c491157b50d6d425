//! `lambdaview local`.

use std::io;

use crate::{
    args::{LocalArgs, Output},
    error::Error,
    local::{self, ExitReason, LocalSettings, engine::Sources},
    settings::{self, Environment, usage},
};

/// `lambdaview local`: ends when it is told to.
///
/// # Errors
/// When a part of it cannot start or ends by itself, and on Ctrl-C.
pub async fn local(args: &LocalArgs, output: Option<Output>, environment: &impl Environment) -> Result<(), Error> {
    let data = args.data.clone().or_else(|| settings::data_folder(environment));
    let data = data.ok_or_else(|| usage("there is no home folder to keep the data in", Some("--data DIR")))?;
    let settings = LocalSettings {
        data,
        http_port: args.http_port,
        tcp_port: args.tcp_port,
        otlp_grpc_port: args.otlp_grpc_port,
        otlp_http_port: args.otlp_http_port,
        json: output == Some(Output::Json),
        sources: Sources::from_environment(|name| environment.get(name)),
    };
    match local::run(&settings, &mut io::stdout(), &mut io::stderr()).await {
        Ok(ExitReason::Interrupted) => Err(Error::Interrupted { signal: 2 }),
        // Whoever asks a service to end by SIGTERM is told that it ended well.
        Ok(ExitReason::Terminated) => Ok(()),
        Err(error) => Err(Error::Local(error)),
    }
}

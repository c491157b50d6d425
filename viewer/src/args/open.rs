//! `lambdaview open`, as it is typed.

use clap::Args;

/// `lambdaview open`.
#[derive(Debug, Args)]
pub struct OpenArgs {
    /// What was found somewhere: an id, a name, an ARN, a header, the address of a console.
    pub anything: String,
    /// Print the command that shows it, and stop.
    #[arg(long)]
    pub print: bool,
}

pub(super) const HELP: &str = "\
Knows: a request id; a trace id, X-Ray's form of it, an X-Amzn-Trace-Id or traceparent header; a function's name, glob, ARN or log group;
addresses of CloudWatch Logs, X-Ray and Lambda in AWS's console, and of ClickStack. It says on stderr what it took it for.

Examples:
  lambdaview open 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11
  lambdaview open 'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fcheckout'
  lambdaview open --print arn:aws:lambda:eu-west-1:123456789012:function:checkout";

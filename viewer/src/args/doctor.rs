//! `lambdaview doctor`, as it is typed.

use clap::Args;
use lambdaview_queries::name::NamePattern;

/// `lambdaview doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Functions whose telemetry to look at, too.
    #[arg(value_name = "F")]
    pub functions: Vec<NamePattern>,
}

pub(super) const HELP: &str = "\
Looks at the connection, the user's rights, the clocks, and how the tables are laid out, and says what that means for the commands. With
functions: whether their records have the ids that tie them together, what was dropped on the way, what the extension costs an
invocation, and who sends them. Each line is ok, warn or fail; behind the last two stands what to do. A fail ends it with exit code 1.

JSON, one object a line: {\"check\":\"otel_logs\",\"state\":\"ok\",\"says\":\"...\",\"next\":\"...\"}

Examples:
  lambdaview doctor
  lambdaview -c prod doctor checkout --since 1d";

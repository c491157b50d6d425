//! A function with the extension, the collector and the database behind it: what the end-to-end tests begin with.

use lambdaview_tests::{
    attach::attached,
    clickhouse::Line,
    lambda::{Lambda, Settings},
    ledger::Ledger,
    stack::Stack,
    until::{GENEROUS, until},
};
use std::time::Duration;

/// One function's whole path.
pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) lambda: Lambda,
    function: String,
}

impl World {
    /// The function with everything that it needs.
    pub(crate) async fn of(function: &str, settings: Settings) -> Self {
        Self::on(Stack::start().await, function, settings).await
    }

    /// The function with a stack that may lack its collector.
    pub(crate) async fn on(stack: Stack, function: &str, settings: Settings) -> Self {
        let settings = attached(settings.timeout(GENEROUS).init_timeout(GENEROUS), stack.grpc);
        Self::with(stack, function, settings).await
    }

    /// The function exactly as it is set.
    pub(crate) async fn with(stack: Stack, function: &str, settings: Settings) -> Self {
        Self { lambda: Lambda::start(settings).await.unwrap(), stack, function: function.to_owned() }
    }

    /// The function with a stack that is reached at another endpoint.
    pub(crate) async fn behind(stack: Stack, function: &str, settings: Settings, endpoint: &str) -> Self {
        let settings = attached(settings.timeout(GENEROUS).init_timeout(GENEROUS), stack.grpc)
            .variable("ROTEL_OTLP_EXPORTER_ENDPOINT", endpoint);
        Self { lambda: Lambda::start(settings).await.unwrap(), stack, function: function.to_owned() }
    }

    /// The function with a timeout that it may run into.
    pub(crate) async fn timing_out(stack: Stack, function: &str, settings: Settings, timeout: Duration) -> Self {
        let settings = attached(settings.timeout(timeout).init_timeout(GENEROUS), stack.grpc);
        Self { lambda: Lambda::start(settings).await.unwrap(), stack, function: function.to_owned() }
    }

    /// Waits until the rows of the function's lines are as `wanted`.
    pub(crate) async fn rows(&self, what: &str, wanted: impl Fn(&[Line]) -> bool) -> Vec<Line> {
        until(what, GENEROUS, || async {
            let rows = self.stack.database.lines(&self.function).await.map_err(|error| error.to_string())?;
            if wanted(&rows) { Ok(rows) } else { Err(self.seen(&rows)) }
        })
        .await
    }

    fn seen(&self, rows: &[Line]) -> String {
        let bodies: Vec<String> = rows.iter().map(|row| row.body.chars().take(120).collect()).collect();
        format!(
            "{} rows: {:#?}\n{}",
            bodies.len(),
            &bodies[bodies.len().saturating_sub(40)..],
            self.lambda.transcript()
        )
    }

    /// Waits until there is a row with this body, and gives it.
    pub(crate) async fn row(&self, body: &str) -> Line {
        let rows = self.rows(body, |rows| rows.iter().any(|row| row.body == body)).await;
        rows.into_iter().find(|row| row.body == body).expect("it was there")
    }

    /// How often the function's lines have this body.
    pub(crate) async fn times(&self, body: &str) -> usize {
        let rows = self.stack.database.lines(&self.function).await.unwrap();
        rows.iter().filter(|row| row.body == body).count()
    }

    /// Waits until a counter of the function's adds up to so much.
    pub(crate) async fn counted(&self, metric: &str, expected: f64) {
        until(metric, GENEROUS, || async {
            let sum = self.stack.database.sum(metric, &self.function).await.map_err(|error| error.to_string())?;
            if (sum - expected).abs() < 1e-9 {
                Ok(())
            } else {
                Err(format!("{sum}, not {expected}\n{}", self.lambda.transcript()))
            }
        })
        .await;
    }

    /// Ends the environment and gives the extension's ledger, which must be balanced.
    pub(crate) async fn stop(&self) -> Ledger {
        let shutdown = self.lambda.stop().await;
        assert!(shutdown.killed.is_empty(), "{shutdown:?}\n{}", self.lambda.transcript());
        let ledger = Ledger::last(&self.lambda.extension_output());
        assert!(ledger.balanced(), "{ledger:?}");
        ledger
    }
}

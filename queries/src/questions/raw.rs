//! A question in somebody's own SQL, and its answer in whatever format they name: bytes, handed on as they come.

use clickhouse::query::BytesCursor;

use super::{
    Asked, Fault, Session,
    function::Functions,
    question::Question,
    session::{Delivery, silent},
};
use crate::{macros, window::Window};

/// Somebody's question.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// Its SQL, with macros.
    pub sql: &'a str,
    /// What `{fn}`, `{logs}` and `{traces}` are about.
    ///
    /// Nothing stands for every record, whoever wrote it.
    pub functions: Option<&'a Functions>,
    /// What `{since}`, `{until}`, `{logs}` and `{traces}` are about.
    pub window: Window,
    /// The format where the SQL names none.
    pub format: &'a str,
    /// Values for its own parameters, `{name:Type}`.
    pub parameters: &'a [(String, String)],
}

/// Bytes as they come.
pub struct Bytes<'a> {
    cursor: BytesCursor,
    session: &'a Session,
    sql: String,
}

impl Session {
    /// Asks somebody's own question. The server is told to read only; a user of whom it knows this already may not be told.
    ///
    /// # Errors
    /// When there is no such macro, or the question cannot be sent.
    pub fn raw(&self, raw: &Raw<'_>) -> Result<Bytes<'_>, Fault> {
        let Raw { functions, window, .. } = *raw;
        let about = |sql| functions.map_or_else(|| Question::new(sql), |functions| Question::new(sql).of(functions));
        let (logs, of_logs) = self.in_logs(&about(include_str!("../../sql/macros/logs.sql")));
        let (traces, of_traces) = self.in_traces(&about(include_str!("../../sql/macros/traces.sql")));
        let sql = macros::expand(raw.sql, &|name| match name {
            "logs" => Some(logs.clone()),
            "traces" => Some(traces.clone()),
            "fn" => Some(include_str!("../../sql/macros/fn.sql").trim_end().to_owned()),
            "since" => Some(include_str!("../../sql/macros/since.sql").trim_end().to_owned()),
            "until" => Some(include_str!("../../sql/macros/until.sql").trim_end().to_owned()),
            _ => None,
        });
        let mut asked = Asked::new(sql.as_str());
        if sql.contains("{lv_since:") || sql.contains("{lv_until:") {
            asked = asked.param("lv_since", window.from).param("lv_until", window.until);
        }
        if sql.contains("{lv_functions:") {
            let names: Vec<&str> = functions.map(|functions| functions.names().collect()).unwrap_or_default();
            asked = asked.param("lv_functions", names);
        }
        asked = [of_logs, of_traces].iter().flatten().fold(asked, |asked, condition| condition.bind(asked));
        asked = raw.parameters.iter().fold(asked, |asked, (name, value)| asked.param(name, value));
        // Nobody knows how much it is.
        let query = self.send(&asked, Delivery::AsItComes);
        Ok(Bytes { cursor: query.fetch_bytes(raw.format)?, session: self, sql })
    }
}

impl Bytes<'_> {
    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// When the server refuses the question, or breaks off.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, Fault> {
        let next = tokio::time::timeout(self.session.patience(), self.cursor.next()).await.map_err(|_| silent())??;
        if next.is_none() {
            let read = self.cursor.summary().map(|summary| (summary.read_rows(), summary.read_bytes()));
            let (rows, bytes) = read.unwrap_or_default();
            self.session.count(rows.unwrap_or_default(), bytes.unwrap_or_default());
        }
        Ok(next)
    }

    /// What was sent: what the server's messages count lines and columns in.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }
}

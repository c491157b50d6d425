//! A connection that knows what it talks to: the layout of the tables, and the settings that this user may send.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use clickhouse::{
    Client, Row, RowOwned, RowRead,
    error::Error,
    query::{Query, RowCursor},
};
use serde::Deserialize;

use super::{
    Fault, FaultKind,
    asked::Asked,
    condition::{self, Condition, Writer},
    dialect::Dialect,
    known::Known,
    question::Question,
    settings::Settings,
};
use crate::{
    filter::Filter,
    schema::{self, BodyIndex, LogsTable, Schema},
};

/// How this program's questions are told from others' in the server's log.
#[derive(Clone, Debug)]
pub struct Tag {
    /// `log_comment`, such as `lambdaview/tail`.
    pub comment: String,
    /// How query ids begin; must not have been used before, on any machine.
    pub query_id: String,
    /// How long the server may work on one question.
    pub limit: Duration,
}

/// What the questions so far made the server read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Questions answered.
    pub questions: u64,
    /// Rows read.
    pub rows: u64,
    /// Bytes read, uncompressed.
    pub bytes: u64,
}

/// A server, its tables, and what may be asked of them.
pub struct Session {
    client: Client,
    tag: Tag,
    settings: Settings,
    readonly: u8,
    version: String,
    now: i64,
    schema: Schema,
    logs: Dialect,
    traces: Dialect,
    asked: Cell<u64>,
    /// The functions' names, once they were asked for.
    pub(super) names: RefCell<Option<Vec<Known>>>,
    cost: Cell<Cost>,
    waits: Cell<bool>,
    listener: RefCell<Option<Listener>>,
}

/// Who hears every question as it is asked.
type Listener = Box<dyn Fn(&Asked)>;

#[derive(Row, Deserialize)]
struct Server {
    version: String,
    readonly: u8,
    now: i64,
}

/// When an answer begins to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Once the server has all of it.
    Whole,
    /// As soon as there is some of it.
    AsItComes,
}

/// An answer that arrives row by row.
pub struct Answered<'a, T> {
    cursor: RowCursor<T>,
    patience: Duration,
    session: &'a Session,
}

impl Session {
    /// Asks the server what it is, and looks at its tables.
    ///
    /// # Errors
    /// When nothing answers, the user is refused, or the tables are not ClickStack's.
    pub async fn open(client: Client, tag: Tag) -> Result<Self, Fault> {
        let patience = tag.limit + GRACE;
        let mut settings = Settings::best(&tag);
        let server = async {
            let server = greet(&client, &mut settings).await?;
            Ok::<_, Fault>((server, schema::probe(&client).await?))
        };
        let (server, schema) = tokio::time::timeout(patience, server).await.map_err(|_| silent())??;
        let (mut logs, mut traces) = (Dialect::of_logs(&schema.logs), Dialect::of_traces(&schema.traces));
        // Of several servers each may have a version of its own.
        if !schema.logs.distributed {
            (logs, traces) = (logs.of_server(&server.version), traces.of_server(&server.version));
        }
        Ok(Self {
            logs,
            traces,
            client,
            tag,
            settings,
            readonly: server.readonly,
            version: server.version,
            now: server.now,
            schema,
            asked: Cell::new(0),
            names: RefCell::new(None),
            cost: Cell::new(Cost::default()),
            waits: Cell::new(false),
            listener: RefCell::default(),
        })
    }

    /// With functions that an attribute of the resource names which is not `faas.name`.
    #[must_use]
    pub fn named_by(mut self, attribute: &str) -> Self {
        self.logs = self.logs.named_by(attribute);
        self.traces = self.traces.named_by(attribute);
        // What counts in advance counts by `faas.name`.
        self.schema.functions_rollup &= attribute == "faas.name";
        self
    }

    /// Whether the attribute that names a function is read from a column of its own.
    pub(super) fn names_have_a_column(&self) -> bool {
        self.logs.names_have_a_column()
    }

    /// The server's version, as it says it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The settings that would go with every question and that this user may not send: without them the server keeps to its own
    /// limits, and works on when nobody waits any longer, unless the user's profile says otherwise.
    #[must_use]
    pub fn dropped_settings(&self) -> &[&'static str] {
        self.settings.dropped()
    }

    /// Lets `listener` hear every question from now on, when it is asked.
    pub fn listen(&self, listener: impl Fn(&Asked) + 'static) {
        self.listener.replace(Some(Box::new(listener)));
    }

    /// From now on no answer begins before it is whole: only then does the server say what it read for it ([`Session::cost`]).
    pub fn count_exactly(&self) {
        self.waits.set(true);
    }

    /// The server's clock when the session was opened, in nanoseconds since 1970.
    #[must_use]
    pub const fn opened_at(&self) -> i64 {
        self.now
    }

    /// What this user may change: 0 everything, 1 nothing, 2 settings.
    #[must_use]
    pub const fn readonly(&self) -> u8 {
        self.readonly
    }

    /// What is known of the tables.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What is known of `otel_logs`.
    #[must_use]
    pub const fn logs(&self) -> &LogsTable {
        &self.schema.logs
    }

    /// Whether ClickStack counts the rows of `otel_logs` in a table beside it.
    pub(super) const fn has_logs_rollup(&self) -> bool {
        self.schema.logs_rollup
    }

    /// Those of the filter's tests for which every row of the window is read, because no index leads to the rows that meet them.
    #[must_use]
    pub fn unserved<'a>(&self, filter: &'a Filter) -> Vec<&'a Filter> {
        let LogsTable { layout, body_index, .. } = &self.schema.logs;
        condition::unserved(filter, *body_index, layout.attributes())
    }

    /// What the questions so far made the server read.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.cost.get()
    }

    /// A question about `otel_logs`, in the words of its layout.
    pub(super) fn ask_logs<'q>(&self, question: impl Into<Question<'q>>) -> Asked {
        self.ask_table(&self.logs, self.schema.logs.body_index, &question.into())
    }

    /// A question about `otel_traces`, in the words of its layout.
    pub(super) fn ask_traces<'q>(&self, question: impl Into<Question<'q>>) -> Asked {
        self.ask_table(&self.traces, BodyIndex::Absent, &question.into())
    }

    fn ask_table(&self, dialect: &Dialect, body_index: BodyIndex, question: &Question<'_>) -> Asked {
        let functions = question
            .functions
            .map(|functions| Writer::new(dialect, body_index, "of").functions(functions, question.live));
        let filter = question.filter.and_then(|filter| Writer::new(dialect, body_index, "f").filter(filter));
        let sql = |condition: &'_ Option<Condition>| condition.as_ref().map(|condition| condition.sql.clone());
        let (functions_sql, filter_sql) = (sql(&functions), sql(&filter));
        let conditions = [("functions", functions_sql.as_deref()), ("filter", filter_sql.as_deref())];
        let asked = Asked::new(dialect.put(question, &conditions));
        [functions, filter].iter().flatten().fold(asked, |asked, condition| condition.bind(asked))
    }

    /// A fragment about `otel_logs`, in the words of its layout, and the condition whose parameters it needs.
    pub(super) fn in_logs(&self, fragment: &Question<'_>) -> (String, Option<Condition>) {
        Self::fragment(&self.logs, self.schema.logs.body_index, fragment, "logs")
    }

    /// The same about `otel_traces`.
    pub(super) fn in_traces(&self, fragment: &Question<'_>) -> (String, Option<Condition>) {
        Self::fragment(&self.traces, BodyIndex::Absent, fragment, "traces")
    }

    fn fragment(
        dialect: &Dialect,
        body_index: BodyIndex,
        fragment: &Question<'_>,
        prefix: &'static str,
    ) -> (String, Option<Condition>) {
        let of =
            fragment.functions.map(|functions| Writer::new(dialect, body_index, prefix).functions(functions, false));
        let sql = dialect.put(fragment, &[("functions", of.as_ref().map(|condition| condition.sql.as_str()))]);
        (sql.trim_end().to_owned(), of)
    }

    /// A question that reads no attribute's column.
    pub(super) fn ask(&self, sql: &str) -> Asked {
        Asked::new(self.logs.naming(sql))
    }

    /// The question on its way to the server, with the settings that go with every question.
    ///
    /// An answer that begins before it is whole may break off with a fault after any row; one that is waited for is all there or
    /// a fault, and takes room at the server until then.
    pub(super) fn send(&self, asked: &Asked, delivery: Delivery) -> Query {
        self.asked.set(self.asked.get() + 1);
        let id = format!("{}-{}", self.tag.query_id, self.asked.get());
        if let Some(listener) = self.listener.borrow().as_ref() {
            listener(asked);
        }
        let waits = delivery == Delivery::Whole || self.waits.get();
        let query = self.client.query_raw(asked.words()).with_setting("query_id", id);
        let query = query.with_setting("wait_end_of_query", if waits { "1" } else { "0" });
        self.settings.send_with(asked.bind(query))
    }

    /// The whole answer.
    pub(super) async fn all<T: RowOwned + RowRead>(&self, asked: Asked) -> Result<Vec<T>, Fault> {
        let mut answer = self.stream::<T>(&asked, Delivery::Whole)?;
        let mut rows = Vec::new();
        while let Some(row) = answer.next().await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// How long the server is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.tag.limit + GRACE
    }

    /// Counts a question that was answered.
    pub(super) fn count(&self, rows: u64, bytes: u64) {
        let mut cost = self.cost.get();
        cost.questions += 1;
        cost.rows += rows;
        cost.bytes += bytes;
        self.cost.set(cost);
    }

    /// The answer row by row.
    pub(super) fn stream<T: RowOwned + RowRead>(
        &self,
        asked: &Asked,
        delivery: Delivery,
    ) -> Result<Answered<'_, T>, Fault> {
        Ok(Answered { cursor: self.send(asked, delivery).fetch()?, patience: self.tag.limit + GRACE, session: self })
    }
}

impl<T: RowOwned + RowRead> Answered<'_, T> {
    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// When the server or the connection fails, or says nothing for longer than it was allowed to work.
    pub async fn next(&mut self) -> Result<Option<T>, Fault> {
        match tokio::time::timeout(self.patience, self.cursor.next()).await.map_err(|_| silent())? {
            // Behind a row, half of one.
            Err(Error::NotEnoughData) if self.cursor.returned_rows() > 0 => Err(broken_off()),
            Err(error) => Err(error.into()),
            Ok(None) => {
                self.count();
                Ok(None)
            }
            Ok(row) => Ok(row),
        }
    }

    fn count(&self) {
        let read = self.cursor.summary().map(|summary| (summary.read_rows(), summary.read_bytes()));
        let (rows, bytes) = read.unwrap_or_default();
        self.session.count(rows.unwrap_or_default(), bytes.unwrap_or_default());
    }
}

/// Asks what the server is, with fewer settings until the user may send them all.
async fn greet(client: &Client, settings: &mut Settings) -> Result<Server, Fault> {
    loop {
        let question = settings.try_with(client.query_raw(include_str!("../../sql/questions/server.sql")));
        match question.fetch_one::<Server>().await.map_err(first_answer) {
            Err(fault) if settings.leave_out(&fault) => {}
            answer => return answer,
        }
    }
}

/// The server stops by itself at its limit and says so; longer silence than this means that nobody is there.
const GRACE: Duration = Duration::from_secs(5);

pub(super) fn broken_off() -> Fault {
    Fault::new(FaultKind::Unreachable, "the answer broke off")
}

pub(super) fn silent() -> Fault {
    Fault::new(FaultKind::Unreachable, "no answer in time")
}

/// What is not ClickHouse may well answer with 200 and a page.
fn first_answer(error: Error) -> Fault {
    let is_garbled = matches!(error, Error::InvalidColumnsHeader(_) | Error::NotEnoughData | Error::Decompression(_));
    let fault = Fault::from(error);
    if is_garbled { Fault::new(FaultKind::NotClickHouse, fault.message) } else { fault }
}

//! Straight into ClickHouse: one insert for each table that a batch has rows for, side by side.
//!
//! The tables are looked at once, before the first insert, and again when one turns out to be other than it was; none is
//! ever created or altered. A table that is missing costs the records that belong there and no others. A batch of which a
//! part was written is completed by its resend, and every insert carries a token by which a table that keeps tokens
//! (a replicated one, or one with `non_replicated_deduplication_window`) knows it again.

mod answer;
mod columns;
mod resend;
mod row_binary;
mod server;
mod tables;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Mutex as AsyncMutex;

use self::{
    answer::Failure,
    resend::{Marks, Part},
    server::{Closed, Server},
    tables::{Catalogue, Table},
};
use super::{
    patience::{self, Waited},
    rows::Rows,
};
use crate::{
    clock,
    config::ClickHouseSettings,
    flow::{Batch, Outcome, Packed, SignalKind, UnixNanos},
};

/// A table that was missing is looked for again, but not for every batch.
const LOOK_AGAIN: UnixNanos = 5_000_000_000;

/// Writes batches into ClickStack's tables.
///
/// Made in no time: nothing is resolved, read or connected before the first export.
#[derive(Debug)]
pub struct ClickHouseExporter {
    server: Result<Server, Closed>,
    database: String,
    prefix: String,
    timeout: Duration,
    catalogue: AsyncMutex<Option<Arc<Catalogue>>>,
    /// The parts of each kind's last batch, when it is to come again.
    unfinished: Mutex<[Vec<Part>; SignalKind::ALL.len()]>,
}

/// What became of rows that were to be written together.
#[derive(Debug, Default)]
struct Written {
    /// Rows that no table will take.
    rejected: u64,
    /// Why the first of them were not taken.
    why: Option<String>,
    /// What is to be done about a table that has not taken its rows yet.
    failure: Option<Outcome>,
}

/// What became of one table's rows.
#[derive(Debug)]
enum Sent {
    /// There were none, or it has them from an earlier attempt.
    Nothing,
    Inserted,
    /// The table is to be looked at again.
    Stale(String),
    Refused(String),
    Failed(Outcome),
}

/// One attempt to write rows.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    server: &'a Server,
    rows: &'a Rows,
    token: Option<u64>,
    written: &'a Marks,
}

impl ClickHouseExporter {
    /// Writes as the settings have it.
    #[must_use]
    pub fn new(settings: &ClickHouseSettings) -> Self {
        Self {
            server: Server::new(settings),
            database: settings.database.clone(),
            prefix: settings.table_prefix.clone(),
            timeout: settings.timeout,
            catalogue: AsyncMutex::default(),
            unfinished: Mutex::default(),
        }
    }

    /// Writes `batch` once, within `timeout` and the configured one, whichever is shorter. It is delivered when ClickHouse
    /// has it in its tables, materialized views included.
    pub async fn export(&self, batch: &Batch, timeout: Duration) -> Outcome {
        let server = match self.server() {
            Ok(server) => server,
            Err(outcome) => return outcome,
        };
        let limit = timeout.min(self.timeout);
        let Waited { answer, frozen } = patience::within(limit, self.write(server, batch)).await;
        match answer {
            // What a freeze broke says nothing about the server.
            Some(Outcome::NoAnswer { why, .. }) => Outcome::NoAnswer { frozen, why },
            Some(outcome) => outcome,
            None => silent(server, limit, frozen),
        }
    }

    /// Writes rows that will not come again as they are.
    pub async fn insert(&self, rows: &Rows) -> Outcome {
        let server = match self.server() {
            Ok(server) => server,
            Err(outcome) => return outcome,
        };
        let attempt = Attempt { server, rows, token: None, written: &Marks::default() };
        match tokio::time::timeout(self.timeout, self.attempt(attempt)).await {
            Err(_) => silent(server, self.timeout, false),
            Ok(Written { failure: Some(failure), .. }) => failure,
            Ok(Written { rejected, why, .. }) => {
                let all = Table::ALL.map(|table| table.count(rows) as u64).iter().sum();
                delivered(rejected, all, why)
            }
        }
    }

    /// Trusts no open connection any more: for after a freeze.
    pub fn reset(&self) {
        if let Ok(server) = &self.server {
            server.reset();
        }
    }

    fn server(&self) -> Result<&Server, Outcome> {
        self.server.as_ref().map_err(|closed| match closed {
            Closed::Unusable(why) => Outcome::Refused { why: format!("clickhouse: {why}") },
            Closed::Waiting(secrets) => {
                Outcome::Retry { after: None, why: format!("clickhouse: not resolved yet: {secrets}") }
            }
        })
    }

    async fn write(&self, server: &Server, batch: &Batch) -> Outcome {
        let digests: Vec<u64> = batch.pieces.iter().map(|piece| resend::digest(&piece.bytes)).collect();
        let kind = batch.kind as usize;
        let mut parts = resend::parts(std::mem::take(&mut self.unfinished()[kind]), &digests);
        // Kept from the first byte on: whoever drops this future in the middle of it sends the batch again.
        self.unfinished()[kind].clone_from(&parts);
        let mut reason = None;
        let mut first = 0;
        for at in 0..parts.len() {
            let pieces = &batch.pieces[first..first + parts[at].len()];
            first += parts[at].len();
            if parts[at].done {
                continue;
            }
            let (rows, unread) = unpacked(pieces);
            let (token, marks) = (Some(parts[at].token()), parts[at].written.clone());
            let written = self.attempt(Attempt { server, rows: &rows, token, written: &marks }).await;
            if let Some(failure) = written.failure {
                return failure;
            }
            reason = reason.or(written.why).or_else(|| (unread > 0).then(|| server.told("what waited cannot be read")));
            (parts[at].done, parts[at].rejected) = (true, written.rejected + unread);
            self.unfinished()[kind].clone_from(&parts);
        }
        self.unfinished()[kind].clear();
        delivered(parts.iter().map(|part| part.rejected).sum(), batch.records, reason)
    }

    /// Writes the rows into every table that has not got them yet.
    async fn attempt(&self, attempt: Attempt<'_>) -> Written {
        let catalogue = match self.look(attempt.server, None).await {
            Ok(catalogue) => catalogue,
            Err(failure) => return attempt.nowhere(&failure),
        };
        let mut sent = attempt.send_all(&catalogue).await;
        if sent.iter().any(|sent| matches!(sent, Sent::Stale(_))) {
            match self.look(attempt.server, Some(&catalogue)).await {
                Ok(newer) => attempt.send_stale(&mut sent, &catalogue, &newer).await,
                Err(failure) => sent.iter_mut().for_each(|sent| sent.give_up(&failure)),
            }
        }
        Written::of(&sent, attempt.rows)
    }

    /// The tables as they were looked at, once for all; as they are now, if they were last looked at for `outdated`.
    async fn look(&self, server: &Server, outdated: Option<&Arc<Catalogue>>) -> Result<Arc<Catalogue>, Failure> {
        let mut current = self.catalogue.lock().await;
        let is_outdated = |known: &Arc<Catalogue>| outdated.is_some_and(|outdated| Arc::ptr_eq(known, outdated));
        if let Some(known) = current.as_ref().filter(|known| !is_outdated(known)) {
            return Ok(known.clone());
        }
        let names: Vec<String> = Catalogue::names(&self.prefix).collect();
        let columns = server.columns(&self.database, &names).await?;
        let catalogue = Catalogue::new(&self.database, &self.prefix, &columns, clock::unix_now());
        Ok(current.insert(Arc::new(catalogue)).clone())
    }

    fn unfinished(&self) -> MutexGuard<'_, [Vec<Part>; SignalKind::ALL.len()]> {
        self.unfinished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// Whether the table is still to get rows.
    fn concerns(&self, table: Table) -> bool {
        !self.written.has(table) && table.count(self.rows) > 0
    }

    async fn send_all(&self, catalogue: &Catalogue) -> [Sent; Table::ALL.len()] {
        let [a, b, c, d, e, f, g, h] = Table::ALL.map(|table| self.send(catalogue, table));
        tokio::join!(a, b, c, d, e, f, g, h).into()
    }

    async fn send(&self, catalogue: &Catalogue, table: Table) -> Sent {
        if !self.concerns(table) {
            return Sent::Nothing;
        }
        let plan = match catalogue.plan(table) {
            Ok(plan) => plan,
            Err(why) if clock::unix_now().saturating_sub(catalogue.looked_at) < LOOK_AGAIN => {
                return Sent::Refused(self.server.told(&why.to_string()));
            }
            Err(why) => return Sent::Stale(self.server.told(&why.to_string())),
        };
        let body = match table.encode(self.rows, plan, self.server.compress) {
            Ok(body) => body,
            Err(misfit) => return Sent::Stale(self.server.told(&misfit.to_string())),
        };
        match self.server.insert(plan, body, self.token).await {
            Ok(()) => {
                self.written.mark(table);
                Sent::Inserted
            }
            Err(Failure::Schema { why }) => Sent::Stale(why),
            Err(failure) => Sent::from(failure),
        }
    }

    /// The tables could not be looked at, so none has got anything.
    fn nowhere(&self, failure: &Failure) -> Written {
        let stale = |table| if self.concerns(table) { Sent::Stale(String::new()) } else { Sent::Nothing };
        let mut sent = Table::ALL.map(stale);
        sent.iter_mut().for_each(|sent| sent.give_up(failure));
        Written::of(&sent, self.rows)
    }

    /// Again into the tables that were stale and are laid out otherwise in the `newer` catalogue; the others refuse.
    async fn send_stale(&self, sent: &mut [Sent], older: &Catalogue, newer: &Catalogue) {
        for (table, sent) in Table::ALL.into_iter().zip(sent) {
            let Sent::Stale(why) = sent else { continue };
            *sent = match newer.plan(table) {
                Err(why) => Sent::Refused(self.server.told(&why.to_string())),
                Ok(_) if newer.plan(table) == older.plan(table) => Sent::Refused(std::mem::take(why)),
                Ok(_) => match self.send(newer, table).await {
                    Sent::Stale(why) => Sent::Refused(why),
                    sent => sent,
                },
            };
        }
    }
}

impl Sent {
    /// Ends the wait for a look at the tables that could not be had.
    fn give_up(&mut self, failure: &Failure) {
        if let Self::Stale(_) = self {
            *self = Self::from(failure.clone());
        }
    }
}

impl From<Failure> for Sent {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing { after, why } => Self::Failed(Outcome::Retry { after, why }),
            Failure::NoAnswer { why } => Self::Failed(Outcome::NoAnswer { frozen: false, why }),
            Failure::Denied { why } => Self::Failed(Outcome::Denied { why }),
            Failure::Schema { why } | Failure::Final { why } => Self::Refused(why),
        }
    }
}

impl Written {
    fn of(sent: &[Sent; Table::ALL.len()], rows: &Rows) -> Self {
        let mut this = Self::default();
        for (table, sent) in Table::ALL.into_iter().zip(sent) {
            match sent {
                Sent::Nothing | Sent::Inserted => {}
                Sent::Stale(why) | Sent::Refused(why) => {
                    this.rejected += table.count(rows) as u64;
                    this.why.get_or_insert_with(|| why.clone());
                }
                Sent::Failed(outcome) => this.failure = Some(outcome.clone()),
            }
        }
        this
    }
}

/// The rows of all pieces, and how many records are in those that cannot be read.
fn unpacked(pieces: &[Packed]) -> (Rows, u64) {
    let mut rows = Rows::default();
    let mut unread = 0;
    for piece in pieces {
        match piece.unpack() {
            Ok(signal) => rows.add(signal),
            Err(_) => unread += piece.records,
        }
    }
    (rows, unread)
}

/// The outcome of a batch of so many records of which all tables took what they will ever take.
fn delivered(rejected: u64, records: u64, why: Option<String>) -> Outcome {
    let why = why.unwrap_or_default();
    match rejected {
        0 => Outcome::Delivered { rejected: 0, message: String::new() },
        _ if rejected >= records => Outcome::Refused { why },
        _ => Outcome::Delivered { rejected, message: why },
    }
}

/// Whoever does not answer may be a socket that died while the process was frozen.
fn silent(server: &Server, limit: Duration, frozen: bool) -> Outcome {
    server.reset();
    Outcome::NoAnswer { frozen, why: server.told(&format!("no answer within {limit:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        Config,
        environment::tests::{Given, given},
    };
    use lambdaview_queries::tables::log::LogRow;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    const ENDPOINT: &str = "ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT";
    const PASSWORD: &str = "ROTEL_CLICKHOUSE_EXPORTER_PASSWORD";

    fn exporter(environment: &Given) -> ClickHouseExporter {
        ClickHouseExporter::new(&Config::from_env(environment).0.clickhouse)
    }

    fn line() -> Rows {
        Rows { logs: vec![LogRow::default()], ..Rows::default() }
    }

    fn empty() -> Batch {
        Batch::new(SignalKind::Logs)
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_tried_again_and_the_reason_is_named() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let Outcome::NoAnswer { why, .. } = exporter(&given(&[(ENDPOINT, &address)])).insert(&line()).await else {
            panic!("tried again")
        };
        assert!(why.starts_with(&format!("clickhouse {address}: ")) && why.contains("refused"), "{why}");
    }

    #[tokio::test]
    async fn a_server_that_repeats_the_password_does_not_bring_it_into_the_reason() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let exporter = exporter(&given(&[(ENDPOINT, &address), (PASSWORD, "s3cr3t\n")]));
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut bytes) = (Vec::new(), [0; 4096]);
            while !String::from_utf8_lossy(&request).contains("JSONCompactEachRow") {
                let read = stream.read(&mut bytes).await.unwrap();
                request.extend_from_slice(&bytes[..read]);
            }
            let answer = "HTTP/1.1 401 No\r\ncontent-length: 41\r\n\r\nCode: 516. DB::Exception: s3cr3t is wrong";
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request).to_lowercase()
        };
        let rows = line();
        let (outcome, request) = tokio::join!(exporter.insert(&rows), serve);
        assert!(request.contains("x-clickhouse-key: s3cr3t\r\n"), "{request}");
        let Outcome::Denied { why } = outcome else { panic!("denied: {outcome:?}") };
        assert!(why.contains("ROTEL_CLICKHOUSE_EXPORTER_USER") && why.contains("*** is wrong"), "{why}");
        assert!(!why.contains("s3cr3t"), "{why}");
    }

    #[tokio::test]
    async fn what_waits_for_a_secret_waits_and_says_for_which() {
        const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db";
        let environment = given(&[(ENDPOINT, "db:8123"), (PASSWORD, &format!("secret://{SECRET}"))]);
        let Outcome::Retry { why, .. } = exporter(&environment).export(&empty(), Duration::from_secs(9)).await else {
            panic!("waits")
        };
        assert_eq!(why, format!("clickhouse: not resolved yet: {SECRET}"));
    }

    #[tokio::test]
    async fn without_an_endpoint_nothing_is_kept_for_later() {
        let outcome = exporter(&given(&[])).export(&empty(), Duration::from_secs(9)).await;
        assert_eq!(outcome, Outcome::Refused { why: "clickhouse: no endpoint".to_owned() });
    }

    #[test]
    fn a_piece_that_cannot_be_read_costs_its_own_records_only() {
        let piece = |bytes: &'static [u8]| Packed { kind: SignalKind::Logs, records: 3, bytes: bytes.into() };
        let (rows, unread) = unpacked(&[piece(b"\xff\xff"), piece(b"\x12\x02\x12\x00")]);
        assert_eq!((rows.logs.len(), unread), (1, 3));
    }

    #[test]
    fn a_batch_counts_as_refused_only_when_nothing_of_it_was_taken() {
        let why = || Some("no table".to_owned());
        let message = "no table".to_owned();
        assert_eq!(delivered(0, 5, None), Outcome::Delivered { rejected: 0, message: String::new() });
        assert_eq!(delivered(2, 5, why()), Outcome::Delivered { rejected: 2, message });
        assert_eq!(delivered(5, 5, why()), Outcome::Refused { why: "no table".to_owned() });
    }
}

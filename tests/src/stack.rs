//! What a function's telemetry flows into: the local stack's collector in front of a database of the shared engine.

use crate::{clickhouse::Database, machine};
use lambdaview::local::collector::{Collector, CollectorSettings};
use std::net::{IpAddr, SocketAddr};

/// A collector that can go away and come back at the same address, and its database.
pub struct Stack {
    /// Where the rows arrive.
    pub database: Database,
    /// Where the collector takes OTLP by gRPC, whether it is there or not.
    pub grpc: SocketAddr,
    /// Where the collector takes OTLP by HTTP, whether it is there or not.
    pub http: SocketAddr,
    collector: Option<Collector>,
}

impl Stack {
    /// A database with its collector.
    ///
    /// # Panics
    /// When either cannot be had.
    pub async fn start() -> Self {
        let mut stack = Self::without_collector().await;
        stack.collector_comes().await;
        stack
    }

    /// A database whose collector is not there yet.
    ///
    /// # Panics
    /// When there is no database.
    pub async fn without_collector() -> Self {
        Self::of(Database::create().await)
    }

    /// A database, whatever tables it has, whose collector is not there yet.
    #[must_use]
    pub fn of(database: Database) -> Self {
        let address = IpAddr::V4(machine::loopback());
        let (grpc, http) = (SocketAddr::new(address, 4317), SocketAddr::new(address, 4318));
        Self { database, grpc, http, collector: None }
    }

    /// The collector starts, or starts again.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn collector_comes(&mut self) {
        let settings = CollectorSettings {
            clickhouse_url: self.database.url.clone(),
            database: self.database.name.clone(),
            grpc: self.grpc,
            http: self.http,
        };
        let collector =
            Collector::start(settings).await.unwrap_or_else(|error| panic!("the collector cannot start: {error}"));
        self.collector = Some(collector);
    }

    /// The collector ends.
    pub async fn collector_goes(&mut self) {
        if let Some(collector) = self.collector.take() {
            collector.stop().await;
        }
    }
}

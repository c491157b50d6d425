//! OTLP/gRPC: the three services of the collector, gzip accepted.

use super::{Busy, Intake, MAX_REQUEST_BYTES};
use crate::flow::Signal;
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use std::future::Future;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, async_trait, codec::CompressionEncoding, transport::server::TcpIncoming};

/// Serves until `stop` is ready, then answers what has begun and returns.
///
/// # Errors
/// When the transport fails as a whole; a single connection's failure ends that connection only.
pub async fn serve(
    listener: TcpListener,
    intake: impl Intake,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), tonic::transport::Error> {
    let receiver = Receiver(intake);
    tonic::transport::Server::builder()
        .add_service(
            LogsServiceServer::new(receiver.clone())
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(MAX_REQUEST_BYTES),
        )
        .add_service(
            TraceServiceServer::new(receiver.clone())
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(MAX_REQUEST_BYTES),
        )
        .add_service(
            MetricsServiceServer::new(receiver)
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(MAX_REQUEST_BYTES),
        )
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), stop)
        .await
}

#[derive(Clone)]
struct Receiver<I>(I);

impl<I: Intake> Receiver<I> {
    async fn take(&self, signals: Vec<Signal>) -> Result<(), Status> {
        if signals.is_empty() {
            return Ok(());
        }
        self.0.accept(signals).await.map_err(|busy: Busy| Status::unavailable(busy.to_string()))
    }
}

#[async_trait]
impl<I: Intake> LogsService for Receiver<I> {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.take(request.into_inner().resource_logs.into_iter().map(Signal::Logs).collect()).await?;
        Ok(Response::new(Default::default()))
    }
}

#[async_trait]
impl<I: Intake> TraceService for Receiver<I> {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(request.into_inner().resource_spans.into_iter().map(Signal::Traces).collect()).await?;
        Ok(Response::new(Default::default()))
    }
}

#[async_trait]
impl<I: Intake> MetricsService for Receiver<I> {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.take(request.into_inner().resource_metrics.into_iter().map(Signal::Metrics).collect()).await?;
        Ok(Response::new(Default::default()))
    }
}

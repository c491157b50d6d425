//! OTLP/gRPC: the three services of the collector, gzip accepted.

use super::{Busy, Intake, MAX_REQUEST_BYTES, ids};
use crate::{flow::Signal, rpc};
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use prost::Message;
use std::future::Future;
use tokio::net::TcpListener;
use tonic::{Code, Request, Response, Status, async_trait, codec::CompressionEncoding, transport::server::TcpIncoming};

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
    /// Hands the signals on; says how many of their records were left out.
    async fn take(&self, mut signals: Vec<Signal>) -> Result<i64, Status> {
        let rejected = ids::take_out_odd(&mut signals);
        if !signals.is_empty() {
            self.0.accept(signals).await.map_err(unavailable)?;
        }
        Ok(i64::try_from(rejected).unwrap_or(i64::MAX))
    }
}

/// `UNAVAILABLE`, with `RetryInfo` when there is a time to come again.
fn unavailable(busy: Busy) -> Status {
    let message = busy.to_string();
    let Some(after) = busy.retry_after else { return Status::unavailable(message) };
    let details = rpc::Status::new(Code::Unavailable, &message).with_retry_after(after).encode_to_vec();
    Status::with_details(Code::Unavailable, message, details.into())
}

#[async_trait]
impl<I: Intake> LogsService for Receiver<I> {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let signals = request.into_inner().resource_logs.into_iter().map(Signal::Logs).collect();
        let rejected_log_records = self.take(signals).await?;
        let partial = || ExportLogsPartialSuccess { rejected_log_records, error_message: ids::WHY.to_owned() };
        Ok(Response::new(ExportLogsServiceResponse { partial_success: (rejected_log_records > 0).then(partial) }))
    }
}

#[async_trait]
impl<I: Intake> TraceService for Receiver<I> {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let signals = request.into_inner().resource_spans.into_iter().map(Signal::Traces).collect();
        let rejected_spans = self.take(signals).await?;
        let partial = || ExportTracePartialSuccess { rejected_spans, error_message: ids::WHY.to_owned() };
        Ok(Response::new(ExportTraceServiceResponse { partial_success: (rejected_spans > 0).then(partial) }))
    }
}

#[async_trait]
impl<I: Intake> MetricsService for Receiver<I> {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let signals = request.into_inner().resource_metrics.into_iter().map(Signal::Metrics).collect();
        let rejected_data_points = self.take(signals).await?;
        let partial = || ExportMetricsPartialSuccess { rejected_data_points, error_message: ids::WHY.to_owned() };
        Ok(Response::new(ExportMetricsServiceResponse { partial_success: (rejected_data_points > 0).then(partial) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flow::SignalKind,
        otlp::tests::{Kept, Receiver as Form, Served, serve},
    };
    use opentelemetry_proto::tonic::{
        collector::{
            logs::v1::logs_service_client::LogsServiceClient,
            metrics::v1::metrics_service_client::MetricsServiceClient,
            trace::v1::trace_service_client::TraceServiceClient,
        },
        common::v1::{AnyValue, any_value::Value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        metrics::v1::ResourceMetrics,
        trace::v1::ResourceSpans,
    };
    use tonic::transport::Channel;

    async fn connected(served: &Served) -> Channel {
        Channel::from_shared(format!("http://{}", served.address)).unwrap().connect().await.unwrap()
    }

    fn logs(body_bytes: usize) -> ExportLogsServiceRequest {
        let body = Some(AnyValue { value: Some(Value::StringValue("x".repeat(body_bytes))) });
        let scope = ScopeLogs { log_records: vec![LogRecord { body, ..LogRecord::default() }], ..ScopeLogs::default() };
        ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() }],
        }
    }

    #[tokio::test]
    async fn all_three_services_hand_on_what_they_get() {
        let kept = Kept::default();
        let served = serve(Form::Grpc, kept.clone()).await;
        let channel = connected(&served).await;
        LogsServiceClient::new(channel.clone()).export(logs(1)).await.unwrap();
        let spans = ExportTraceServiceRequest { resource_spans: vec![ResourceSpans::default()] };
        TraceServiceClient::new(channel.clone()).export(spans).await.unwrap();
        let metrics = ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics::default()] };
        MetricsServiceClient::new(channel).export(metrics).await.unwrap();
        assert_eq!(kept.signals().iter().map(Signal::kind).collect::<Vec<_>>(), SignalKind::ALL);
        served.stop().await;
    }

    #[tokio::test]
    async fn a_gzipped_request_may_be_larger_than_grpcs_usual_bound_but_not_than_ours() {
        let kept = Kept::default();
        let served = serve(Form::Grpc, kept.clone()).await;
        let mut client = LogsServiceClient::new(connected(&served).await).send_compressed(CompressionEncoding::Gzip);
        client.export(logs(10 << 20)).await.unwrap();
        let refused = client.export(logs(MAX_REQUEST_BYTES + 1)).await.unwrap_err();
        assert!(matches!(refused.code(), Code::OutOfRange | Code::ResourceExhausted), "{refused}");
        client.export(logs(1)).await.unwrap();
        assert_eq!(kept.records(SignalKind::Logs), 2);
        served.stop().await;
    }

    #[tokio::test]
    async fn a_busy_intake_is_unavailable() {
        let served = serve(Form::Grpc, Kept::busy(1, None)).await;
        let mut client = LogsServiceClient::new(connected(&served).await);
        assert_eq!(client.export(logs(1)).await.unwrap_err().code(), Code::Unavailable);
        client.export(logs(1)).await.unwrap();
        served.stop().await;
    }
}

//! A receiver of OTLP that shows what it got, and answers as it is told.

use flate2::read::GzDecoder;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, HeaderMap, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::collections::VecDeque;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// It is taken.
    Taken,
    /// With this status, and `Retry-After: 1`.
    Status(u16),
    /// It is taken, but for so many.
    Partly(i64),
    /// Never.
    Never,
}

/// What came, with each thing's `infini.vm` of its Resource; empty for the hub's.
#[derive(Debug, Default)]
pub struct Received {
    /// Names of metrics.
    pub metrics: Vec<(String, String)>,
    pub logs: Vec<(String, LogRecord)>,
    pub spans: Vec<(String, Span)>,
    /// Address and headers of each request, also of those that were not taken.
    pub requests: Vec<(String, HeaderMap)>,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Received>,
    /// What is answered to requests for metrics, in this order; then they are taken.
    answers: Mutex<VecDeque<Answer>>,
    changed: Notify,
}

pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn start(answers: &[Answer]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answers, None)
    }

    pub fn on(listener: TcpListener, answers: &[Answer], tls: Option<TlsAcceptor>) -> Self {
        let address = listener.local_addr().unwrap();
        let answers = Mutex::new(answers.iter().copied().collect());
        let shared = Arc::new(Shared { answers, ..Shared::default() });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared), tls)).abort_handle();
        Self { address, shared, task }
    }

    pub fn received(&self) -> MutexGuard<'_, Received> {
        self.shared.received.lock().unwrap()
    }

    /// Waits until what came is as wanted.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Received) -> bool) {
        let waited = async {
            loop {
                let changed = self.shared.changed.notified();
                if is_so(&self.received()) {
                    return;
                }
                changed.await;
            }
        };
        let waited = timeout(crate::support::PATIENCE, waited).await;
        waited.unwrap_or_else(|_| panic!("not {what}: {:#.4000?}", self.received()));
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        tokio::spawn(async move {
            match tls {
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        connection(stream, shared).await;
                    }
                }
                None => connection(stream, shared).await,
            }
        });
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(&shared, request));
    let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path().to_owned();
    let scripted = path.ends_with("/metrics").then(|| shared.answers.lock().unwrap().pop_front()).flatten();
    let answer = scripted.unwrap_or(Answer::Taken);
    {
        let mut received = shared.received.lock().unwrap();
        if matches!(answer, Answer::Taken | Answer::Partly(_)) {
            take(&mut received, &path, &plain(&head.headers, &body));
        }
        received.requests.push((path, head.headers));
    }
    shared.changed.notify_waiters();
    let response = |status: u16, body: Vec<u8>| {
        let response = Response::builder().status(status).header(RETRY_AFTER, "1");
        Ok(response.body(Full::new(Bytes::from(body))).unwrap())
    };
    match answer {
        Answer::Taken => response(200, Vec::new()),
        Answer::Status(status) => response(status, b"not now".to_vec()),
        Answer::Partly(rejected_data_points) => {
            let partial =
                ExportMetricsPartialSuccess { rejected_data_points, error_message: "too old".into() };
            response(200, ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec())
        }
        Answer::Never => std::future::pending().await,
    }
}

fn plain(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    if headers.get(CONTENT_ENCODING).is_none() {
        return body.to_vec();
    }
    let mut plain = Vec::new();
    GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    plain
}

fn take(received: &mut Received, path: &str, body: &[u8]) {
    match path {
        "/v1/metrics" => {
            for resource in ExportMetricsServiceRequest::decode(body).unwrap().resource_metrics {
                let vm = vm(&resource.resource.unwrap().attributes);
                let metrics = resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
                received.metrics.extend(metrics.map(|metric| (vm.clone(), metric.name)));
            }
        }
        "/v1/logs" => {
            for resource in ExportLogsServiceRequest::decode(body).unwrap().resource_logs {
                let vm = vm(&resource.resource.unwrap().attributes);
                let records = resource.scope_logs.into_iter().flat_map(|scope| scope.log_records);
                received.logs.extend(records.map(|record| (vm.clone(), record)));
            }
        }
        "/v1/traces" => {
            for resource in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
                let vm = vm(&resource.resource.unwrap().attributes);
                let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                received.spans.extend(spans.map(|span| (vm.clone(), span)));
            }
        }
        other => panic!("{other}"),
    }
}

fn vm(attributes: &[KeyValue]) -> String {
    attribute(attributes, "infini.vm").unwrap_or_default()
}

/// The text of an attribute.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|it| it.key == name)?.value.clone()?.value?;
    if let Value::StringValue(text) = value { Some(text) } else { None }
}

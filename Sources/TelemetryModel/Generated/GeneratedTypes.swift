// Short names for the generated messages; the long ones are made of their protobuf package.

enum PB {
  typealias AnyValue = Opentelemetry_Proto_Common_V1_AnyValue
  typealias ArrayValue = Opentelemetry_Proto_Common_V1_ArrayValue
  typealias KeyValue = Opentelemetry_Proto_Common_V1_KeyValue
  typealias KeyValueList = Opentelemetry_Proto_Common_V1_KeyValueList
  typealias Scope = Opentelemetry_Proto_Common_V1_InstrumentationScope
  typealias Resource = Opentelemetry_Proto_Resource_V1_Resource

  typealias TraceRequest = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest
  typealias TraceResponse = Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse
  typealias ResourceSpans = Opentelemetry_Proto_Trace_V1_ResourceSpans
  typealias ScopeSpans = Opentelemetry_Proto_Trace_V1_ScopeSpans
  typealias Span = Opentelemetry_Proto_Trace_V1_Span

  typealias MetricsRequest = Opentelemetry_Proto_Collector_Metrics_V1_ExportMetricsServiceRequest
  typealias MetricsResponse = Opentelemetry_Proto_Collector_Metrics_V1_ExportMetricsServiceResponse
  typealias ResourceMetrics = Opentelemetry_Proto_Metrics_V1_ResourceMetrics
  typealias ScopeMetrics = Opentelemetry_Proto_Metrics_V1_ScopeMetrics
  typealias Metric = Opentelemetry_Proto_Metrics_V1_Metric
  typealias NumberPoint = Opentelemetry_Proto_Metrics_V1_NumberDataPoint
  typealias HistogramPoint = Opentelemetry_Proto_Metrics_V1_HistogramDataPoint
  typealias ExponentialPoint = Opentelemetry_Proto_Metrics_V1_ExponentialHistogramDataPoint
  typealias SummaryPoint = Opentelemetry_Proto_Metrics_V1_SummaryDataPoint
  typealias Exemplar = Opentelemetry_Proto_Metrics_V1_Exemplar
  typealias Temporality = Opentelemetry_Proto_Metrics_V1_AggregationTemporality

  typealias LogsRequest = Opentelemetry_Proto_Collector_Logs_V1_ExportLogsServiceRequest
  typealias LogsResponse = Opentelemetry_Proto_Collector_Logs_V1_ExportLogsServiceResponse
  typealias ResourceLogs = Opentelemetry_Proto_Logs_V1_ResourceLogs
  typealias ScopeLogs = Opentelemetry_Proto_Logs_V1_ScopeLogs
  typealias LogRecord = Opentelemetry_Proto_Logs_V1_LogRecord
}

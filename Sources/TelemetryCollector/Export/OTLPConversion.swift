// One encoding of a request into the other.

import TelemetryModel

/// - Returns: the request in the other encoding, without the records that are none (`IngestReport.rejected`).
/// - Throws: `OTLPError` for bytes that are no such request.
public func convertOTLP(_ bytes: [UInt8], _ signal: TelemetrySignal, from: OTLPFormat, to: OTLPFormat, by decoder: OTLPDecoder) throws(OTLPError) -> [UInt8] {
  switch signal {
  case .traces: try decoder.traces(bytes, as: from).batch.encoded(as: to)
  case .metrics: try decoder.metrics(bytes, as: from).batch.encoded(as: to)
  case .logs: try decoder.logs(bytes, as: from).batch.encoded(as: to)
  }
}

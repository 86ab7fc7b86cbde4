// Raw samples as CSV, a row a request in the order in which they were due. Written byte by byte: a run may have millions.

import ExperimentModel

/// `intended_ns,sent_ns,received_ns,status,error,request,bytes,connection`; times in nanoseconds from the start of the run. `sent_ns` is empty
/// where not a byte was sent, `status` where none came, `error` where the answer was good, `connection` where none was free.
public func rawCSV(_ raw: RawSamples) -> [UInt8] {
  let names = raw.names.map { Array(cell($0).utf8) }
  let errors = raw.errors.map { Array($0.utf8) }
  var out = Array("intended_ns,sent_ns,received_ns,status,error,request,bytes,connection\n".utf8)
  out.reserveCapacity(out.count + raw.rows.count * 72)
  for row in raw.rows {
    append(Int(row.intended), to: &out)
    if row.sent >= 0 { append(Int(row.sent), to: &out) } else { out.append(44) }
    append(Int(row.received), to: &out)
    if row.status > 0 { append(Int(row.status), to: &out) } else { out.append(44) }
    if row.error > 0 { out += errors[Int(row.error) - 1] }
    out.append(44)
    if row.name >= 0 { out += names[Int(row.name)] }
    out.append(44)
    append(row.bytes, to: &out)
    if row.connection >= 0 { append(Int(row.connection), to: &out) } else { out.append(44) }
    out[out.count - 1] = 10
  }
  return out
}

/// Quoted where it must be (RFC 4180).
private func cell(_ text: String) -> String {
  text.contains { $0 == "," || $0 == "\"" || $0.isNewline } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
}

/// The number's digits and a comma.
private func append(_ value: Int, to out: inout [UInt8]) {
  if value < 0 { out.append(45) }
  let first = out.count
  var rest = value.magnitude
  repeat {
    out.append(48 + UInt8(rest % 10))
    rest /= 10
  } while rest > 0
  out[first...].reverse()
  out.append(44)
}

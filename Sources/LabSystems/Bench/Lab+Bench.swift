// The bench child: answers `run K` on stdin with totals over K iterations. It times nothing but the
// subject itself; pairing, order and statistics are the caller's.

import ExperimentModel
import Foundation

extension Lab {
  /// Runs a bench child: sets the subject up, writes `ready` or `ready NOTE`, then answers each line `run K` on stdin with
  /// `ns=… cpu=… checksum=… [vm_steps=…] [NAME=…]…`, totals over K iterations from the start of the key stream; ends at `quit` or
  /// at the end of stdin. `ns` is wall time, `cpu` that of the whole process.
  ///
  /// The caller has read the first line of stdin (the job) with `readLine()`, and nothing more.
  ///
  /// - Throws: `LabError` after writing it as one line `error: …`.
  public static func benchSubject(_ job: BenchJob) throws {
    do {
      let subject = try makeSubject(job)
      say("ready" + (subject.note.map { " \($0)" } ?? ""))
      while let line = readLine() {
        let words = line.split(separator: " ")
        if words == ["quit"] { return }
        guard words.count == 2, words[0] == "run", let count = Int(words[1]), count > 0 else {
          throw LabError(
            place: "bench child", cause: "`\(line)` is no request", remedy: "write `run K` with K ≥ 1, or `quit`")
        }
        say(try answer(subject, count))
      }
    } catch {
      say("error: \(String(describing: error).replacingOccurrences(of: "\n", with: " "))")
      throw error
    }
  }

  static func answer(_ subject: any BenchSubject, _ count: Int) throws -> String {
    let cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
    let start = nanoseconds(CLOCK_MONOTONIC)
    let totals = try subject.run(count)
    let end = nanoseconds(CLOCK_MONOTONIC)
    let cpuEnd = nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
    let steps = totals.vmSteps.map { " vm_steps=\($0)" } ?? ""
    let counts = totals.counts.map { " \($0.name)=\($0.value)" }.joined()
    return "ns=\(end - start) cpu=\(cpuEnd - cpu) checksum=\(totals.checksum)\(steps)\(counts)"
  }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// One line on stdout, unbuffered: the parent waits for it.
  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { write(1, $0.baseAddress! + sent, bytes.count - sent) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return }
      sent += count
    }
  }
}

import ExperimentModel
import Foundation
import MeasureKernel
import NIOCore

/// nginx or HAProxy as the front edge of this lab: started by the lab, before its own instances, and gone with it, however it ends.
final class RealProxy {
  let port: Int
  private let process: ServiceProcess
  private let folder: LabFolder
  private static let patience = 10.0

  /// - Parameters:
  ///   - ports: of the instances behind it.
  ///   - wanted: its port; 0: any free one.
  /// - Throws: `LabError` for a setting that it does not have, and when it does not come up.
  init(_ service: RealService, _ edge: EdgeSpec, ports: [Int], port wanted: Int) throws {
    let program = RealProgram.of(service.component)
    let place = "--real \(service.component.rawValue)"
    folder = try LabFolder(mode: 0o711)
    let sign = "/_nb/up-\(UInt64.random(in: 0 ... .max))"
    do {
      let path = try program.find()
      let account = try ServiceProcess.Account.unprivileged(program.accounts)
      let own = "\(folder.path)/\(service.component.rawValue)"
      mkdir(own, 0o700)
      var said = ""
      // A port is chosen before the program takes it; should somebody be quicker, another one is.
      for _ in 0..<(wanted == 0 ? 3 : 1) {
        let port = wanted == 0 ? try RealServers.freePort() : wanted
        let configuration = try ProxyConfiguration.of(service.component, edge, ports: ports, port: port, sign: sign)
        let file = own + "/proxy.conf"
        try configuration.text.write(toFile: file, atomically: true, encoding: .utf8)
        if let account {
          chown(own, account.uid, account.gid)
          chown(file, account.uid, account.gid)
        }
        let process = try ServiceProcess(name: program.names[0], argv: program.arguments(path, folder: own, port: port), folder: own, account: account)
        if Self.answers(process, port, sign) {
          (self.port, self.process) = (port, process)
          return
        }
        said = process.lastWords
        process.stop(program.signal, patience: 1)
      }
      throw LabError(
        place: place, cause: "\(path) did not come up: \(said.isEmpty ? "it gave no answer" : "it printed: \(said)")",
        remedy: "start it by hand to see why, or run without `\(place)`")
    } catch let error as MeasureError {
      throw LabError(place: place, cause: error.cause, remedy: error.remedy ?? "start it by hand to see why")
    }
  }

  func stop() {
    process.stop(SIGTERM, patience: 2)
    folder.remove()
  }

  private static func answers(_ process: ServiceProcess, _ port: Int, _ sign: String) -> Bool {
    let end = DispatchTime.now().uptimeNanoseconds + UInt64(patience * 1e9)
    while process.isAlive, DispatchTime.now().uptimeNanoseconds < end {
      if let socket = try? LoopbackSocket(port: port, patience: 2) {
        var answer = ByteBuffer()
        try? socket.send(ByteBuffer(string: "GET \(sign) HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n"))
        try? socket.receive(into: &answer)
        if String(buffer: answer).hasPrefix("HTTP/1.1 204") { return true }
      }
      usleep(5_000)
    }
    return false
  }
}

import ExperimentModel
import Foundation
import MeasureKernel
import NIOCore

/// Real components that run for this process, each in a folder of its own; ended and removed with it.
final class RealServers {
  private(set) var services: [RealService] = []
  private var running: [(process: ServiceProcess, signal: Int32)] = []
  private let folder: LabFolder
  /// Seconds until a server must answer; an `initdb` on a slow disk takes some.
  private static let patience = 30.0

  /// Starts all of them and waits until each answers in its protocol.
  /// - Throws: `LabError` with what the program said; what was started is ended again.
  init(_ components: [RealComponent]) throws {
    folder = try LabFolder(mode: 0o711)
    do {
      for component in components { try start(RealProgram.of(component)) }
    } catch {
      stop()
      throw error
    }
  }

  deinit { stop() }

  func stop() {
    for one in running.reversed() { one.process.stop(one.signal, patience: 3) }
    running = []
    try? FileManager.default.removeItem(atPath: folder.path)
  }

  private func start(_ program: RealProgram) throws {
    let place = "--real \(program.component.rawValue)"
    do {
      let path = try program.find()
      let account = try ServiceProcess.Account.unprivileged(program.accounts)
      let own = "\(folder.path)/\(program.component.rawValue)"
      mkdir(own, 0o700)
      if let account { chown(own, account.uid, account.gid) }
      if program.component.isProxy {
        services.append(RealService(component: program.component, port: 0, label: try version(of: program, path, own), settings: program.settings))
        return
      }
      var user: String?
      if program.component == .postgres { user = try makeCluster(beside: path, in: own, as: account) }
      try serve(program, path, own, account, user)
    } catch let error as MeasureError {
      throw LabError(place: place, cause: error.cause, remedy: error.remedy ?? "start it by hand to see why")
    }
  }

  /// What a program says with `-v`: `nginx 1.22.1`.
  private func version(of program: RealProgram, _ path: String, _ own: String) throws -> String {
    let process = try ServiceProcess(name: program.names[0], argv: [path, "-v"], folder: own)
    let end = DispatchTime.now().uptimeNanoseconds + UInt64(Self.patience * 1e9)
    while process.isAlive, DispatchTime.now().uptimeNanoseconds < end { usleep(2_000) }
    process.stop(SIGTERM, patience: 1)
    // `nginx version: nginx/1.22.1`, `HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/`
    let words = process.lastWords.split { $0 == " " || $0 == "/" }.map(String.init)
    guard let number = words.first(where: { $0.first?.isNumber == true && $0.contains(".") }) else {
      throw LabError(place: "--real \(program.component.rawValue)", cause: "\(path) -v printed: \(process.lastWords)", remedy: "install one that names its version")
    }
    return (program.component == .nginx ? "nginx " : "HAProxy ") + number
  }

  /// `initdb`, as the account that the server runs as: it refuses root.
  /// - Returns: the superuser's name, which is like no other's.
  private func makeCluster(beside postgres: String, in own: String, as account: ServiceProcess.Account?) throws -> String {
    let user = "nb_\(getpid())_\(DispatchTime.now().uptimeNanoseconds)"
    // The link on a PATH may point into the folder where its companions are.
    let real = URL(fileURLWithPath: postgres).resolvingSymlinksInPath().deletingLastPathComponent().path
    let initdb = [real, (postgres as NSString).deletingLastPathComponent].map { $0 + "/initdb" }.first { Tools.find($0) != nil } ?? "initdb"
    let process = try ServiceProcess(
      name: "initdb", argv: [initdb, "-D", own + "/data", "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
      folder: own, account: account)
    let end = DispatchTime.now().uptimeNanoseconds + UInt64(Self.patience * 1e9)
    while process.isAlive, DispatchTime.now().uptimeNanoseconds < end { usleep(5_000) }
    let isMade = process.end?.isSuccess == true
    process.stop(SIGTERM, patience: 1)
    guard isMade else {
      throw LabError(
        place: "--real postgres", cause: "`initdb` made no cluster; it printed: \(process.lastWords)",
        remedy: "make room in the temporary folder, or set TMPDIR to another")
    }
    return user
  }

  private func serve(_ program: RealProgram, _ path: String, _ own: String, _ account: ServiceProcess.Account?, _ user: String?) throws {
    var said = ""
    // A port is chosen before the server takes it; should somebody be quicker, another one is.
    for _ in 0..<3 {
      let port = try Self.freePort()
      let process = try ServiceProcess(
        name: program.names[0], argv: program.arguments(path, folder: own, port: port), folder: own, account: account)
      if let label = answer(of: process, program, port, user, &said) {
        running.append((process, program.signal))
        services.append(RealService(component: program.component, port: port, label: label, settings: program.settings, user: user))
        return
      }
      process.stop(program.signal, patience: 1)
    }
    throw LabError(
      place: "--real \(program.component.rawValue)", cause: "\(path) did not come up: \(said)",
      remedy: "start it by hand to see why, or run without `--real \(program.component.rawValue)`")
  }

  /// Its label as soon as it answers; nil when it ended or stayed silent, with the reason in `said`.
  private func answer(
    of process: ServiceProcess, _ program: RealProgram, _ port: Int, _ user: String?, _ said: inout String
  ) -> String? {
    let end = DispatchTime.now().uptimeNanoseconds + UInt64(Self.patience * 1e9)
    var reason = "it gave no answer"
    while process.isAlive, DispatchTime.now().uptimeNanoseconds < end {
      do {
        return try RealProbe.label(program.component, port: port, pid: process.pid, user: user)
      } catch let error as RealProbe.NotOurs {
        reason = error.description
        break
      } catch {
        reason = String(describing: error)
        usleep(5_000)
      }
    }
    let words = process.lastWords
    said = words.isEmpty ? reason : "it printed: \(words)"
    return nil
  }

  /// A port of 127.0.0.1 that is free now.
  static func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0 }
    }
    guard isBound else {
      throw LabError(place: "127.0.0.1", cause: "no port is free: \(String(cString: strerror(errno)))", remedy: "close some connections")
    }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

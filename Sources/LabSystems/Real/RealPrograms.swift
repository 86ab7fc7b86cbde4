import ExperimentModel
import Foundation
import MeasureKernel

// Which program a component is, where it is looked for, and how it is started so that it serves this run alone: on
// loopback, in a folder of its own, not as root, without waiting for a disk.

/// A component's program and how it becomes ours.
struct RealProgram {
  var component: RealComponent
  /// In this order, on the PATH and then where Debian keeps servers.
  var names: [String]
  /// What installs it.
  var package: String
  /// Accounts to run as in place of root; one that owns nothing comes before one that owns real databases.
  var accounts: [String]
  /// Asked to leave at once: what it holds is thrown away.
  var signal: Int32

  static func of(_ component: RealComponent) -> RealProgram {
    switch component {
    case .postgres:
      RealProgram(component: component, names: ["postgres"], package: "postgresql", accounts: ["nobody", "postgres"], signal: SIGQUIT)
    case .redis:
      RealProgram(
        component: component, names: ["redis-server", "valkey-server"], package: "redis-server", accounts: ["nobody"], signal: SIGTERM)
    case .memcached:
      RealProgram(component: component, names: ["memcached"], package: "memcached", accounts: ["nobody"], signal: SIGTERM)
    case .nginx: RealProgram(component: component, names: ["nginx"], package: "nginx", accounts: ["nobody"], signal: SIGTERM)
    case .haproxy: RealProgram(component: component, names: ["haproxy"], package: "haproxy", accounts: ["nobody"], signal: SIGTERM)
    }
  }

  /// The program's file.
  func find() throws -> String {
    let places = Self.places()
    for name in names {
      if let path = Tools.find(name) { return path }
      for folder in places { if let path = Tools.find("\(folder)/\(name)") { return path } }
    }
    throw LabError(
      place: "--real \(component.rawValue)",
      cause: "\(names.map { "`\($0)`" }.joined(separator: " or ")) is neither on the PATH nor in \(places.joined(separator: ", "))",
      remedy: "install it (`apt install \(package)`), or run without `--real \(component.rawValue)`")
  }

  /// Where servers are that nobody starts by hand; the newest PostgreSQL first.
  private static func places() -> [String] {
    let root = "/usr/lib/postgresql"
    let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted { (Double($0) ?? 0) > (Double($1) ?? 0) }
    return ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"] + versions.map { "\(root)/\($0)/bin" }
  }

  /// Its arguments on a port; `folder` is its own.
  func arguments(_ path: String, folder: String, port: Int) -> [String] {
    switch component {
    case .postgres:
      let settings = [
        "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=", "max_connections=400", "fsync=off",
        "synchronous_commit=off", "full_page_writes=off", "shared_buffers=128MB", "logging_collector=off",
      ]
      return [path, "-D", folder + "/data"] + settings.flatMap { ["-c", $0] }
    case .redis:
      return [
        path, "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", folder,
      ]
    case .nginx: return [path, "-p", folder, "-c", folder + "/proxy.conf", "-e", "stderr"]
    case .haproxy: return [path, "-db", "-f", folder + "/proxy.conf"]
    case .memcached: return [path, "-l", "127.0.0.1", "-p", "\(port)", "-U", "0", "-m", "128", "-c", "1024"]
    }
  }

  /// What differs from the program's own defaults and matters for its speed.
  var settings: String {
    switch component {
    case .postgres: "fsync, synchronous_commit and full_page_writes off"
    case .redis: "nothing saved"
    case .memcached: ""
    case .nginx: "one process, set up as the edge is declared"
    case .haproxy: "one thread, set up as the edge is declared"
    }
  }
}

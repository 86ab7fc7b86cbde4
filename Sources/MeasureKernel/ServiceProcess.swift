// A server program beside what is measured: started in a folder of its own, what it prints kept in a file there,
// ended with everything that it has started; also when the thread that started it ends, and so when nb is killed.

import CKernelShims
import Glibc

public final class ServiceProcess {
  public let name: String
  public let pid: pid_t
  private let launcher: Launcher
  private let log: String
  private var ended = false

  /// Whom a program runs as. `setpriv` changes the user, and asks the kernel for the end with the parent once more,
  /// which forgets that on a change of user.
  public struct Account: Sendable {
    public var uid: uid_t
    public var gid: gid_t

    /// The first of these accounts that exists, for a program that should not be root; nil: we are not root.
    /// - Throws: `MeasureError` when we are root and there is none of them.
    public static func unprivileged(_ names: [String]) throws(MeasureError) -> Account? {
      guard geteuid() == 0 else { return nil }
      for name in names {
        guard let entry = getpwnam(name), entry.pointee.pw_uid != 0 else { continue }
        return Account(uid: entry.pointee.pw_uid, gid: entry.pointee.pw_gid)
      }
      throw MeasureError("there is no account \(names.joined(separator: " or ")) to run it as", remedy: "run nb as an ordinary user")
    }

    fileprivate var prefix: [String] {
      ["setpriv", "--reuid=\(uid)", "--regid=\(gid)", "--clear-groups", "--pdeathsig=KILL", "--"]
    }
  }

  /// - Parameters:
  ///   - folder: its working folder; the account must be able to enter it.
  ///   - account: whom it runs as; nil: as nb.
  public init(name: String, argv: [String], folder: String, account: Account? = nil) throws(MeasureError) {
    self.name = name
    log = folder + "/log"
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer {
      close(nothing)
      close(out)
    }
    guard nothing >= 0, out >= 0 else { throw MeasureError("\(name): \(log) cannot be written: \(Launcher.reason())") }
    launcher = try Launcher(name: name, argv: (account?.prefix ?? []) + argv, folder: folder, endsWithParent: true)
    pid = try launcher.start((nothing, out, out, -1)).pid
  }

  deinit { stop(SIGKILL, patience: 0) }

  public var isAlive: Bool { !ended && end == nil }

  /// How it ended by itself; nil: it runs, or was stopped.
  public var end: ProcessEnd? {
    var information = siginfo_t()
    guard !ended, waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0, information.si_signo != 0 else { return nil }
    return ProcessEnd(information)
  }

  /// The end of what it printed, on one line.
  public var lastWords: String {
    let file = open(log, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 2_048)
    lseek(file, max(0, lseek(file, 0, SEEK_END) - bytes.count), SEEK_SET)
    let count = read(file, &bytes, bytes.count)
    let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(whereSeparator: \.isNewline).suffix(4)
    return lines.joined(separator: " / ")
  }

  /// Sends a signal that asks it to leave; what is still there after `patience` seconds is ended, and with it
  /// everything that it has started.
  public func stop(_ signal: Int32, patience: Double) {
    guard !ended else { return }
    kill(pid, signal)
    let end = nb_now() + Int64(patience * 1e9)
    while isAlive, nb_now() < end { usleep(2_000) }
    ended = true
    Launcher.endGroup(pid)
    waitpid(pid, nil, 0)
    launcher.endDescendants(ofGroup: pid)
  }
}

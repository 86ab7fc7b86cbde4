// What confined code can and cannot do, each tried by a real child.

import CKernelShims
import ExperimentModel
import Foundation
import MeasureKernel
import Testing

@Suite struct ConfinementTests {
  /// How a shell command ends when it is confined.
  private func status(_ command: String, _ confinement: Confinement?) throws -> String {
    var options = CommandOptions()
    options.confinement = confinement
    options.ignoresFailure = true
    options.subtractsShell = false
    let subject = try CommandSubject(name: "c", command: CommandSpec(text: command, usesShell: true), options: options)
    defer { subject.stop() }
    return try subject.run(1, timeout: 10).checksum
  }

  @Test func writesStayInItsOwnFolder() throws {
    let confinement = try Confinement()
    defer { confinement.remove() }
    let outside = NSTemporaryDirectory() + "nb-outside-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: outside) }
    #expect(try status("echo x > $TMPDIR/a && mkdir $TMPDIR/b && mv $TMPDIR/a $TMPDIR/b/ && rm -r $TMPDIR/b && echo x > /dev/null", confinement) == status("true", nil))
    #expect(try status("echo x > \(outside)", nil) == status("true", nil))
    try FileManager.default.removeItem(atPath: outside)
    guard nb_landlock_version() > 0 else { return #expect(confinement.text.contains("no Landlock")) }
    for command in ["echo x > \(outside)", "mkdir \(outside)", "ln -s /etc \(outside)"] { _ = try status(command, confinement) }
    #expect(!FileManager.default.fileExists(atPath: outside))
    // What is there stays as it is, and is read all the same.
    try "kept".write(toFile: outside, atomically: true, encoding: .utf8)
    for command in ["echo x > \(outside)", "echo x >> \(outside)", "rm -f \(outside)", "mv \(outside) $TMPDIR/"] { _ = try status(command, confinement) }
    #expect(try String(contentsOfFile: outside, encoding: .utf8) == "kept")
    #expect(try status("grep -q kept \(outside)", confinement) == status("true", nil))
  }

  @Test func noSocketButUnixOnes() throws {
    let confinement = try Confinement()
    defer { confinement.remove() }
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/python3") else { return }
    func made(_ family: String, _ type: String, _ confinement: Confinement?) throws -> Bool {
      try status("/usr/bin/python3 -c 'import socket; socket.socket(socket.\(family), socket.\(type))'", confinement) == status("true", nil)
    }
    for (family, type) in [("AF_INET", "SOCK_STREAM"), ("AF_INET", "SOCK_DGRAM"), ("AF_INET6", "SOCK_STREAM")] {
      #expect(try made(family, type, nil) && !made(family, type, confinement), "\(family) \(type)")
    }
    #expect(try made("AF_UNIX", "SOCK_STREAM", confinement))
  }

  @Test func whatItStartsIsConfinedToo() throws {
    let confinement = try Confinement()
    defer { confinement.remove() }
    #expect(try status("sh -c 'grep -q \"NoNewPrivs:.1\" /proc/self/status && grep -q \"Seccomp:.2\" /proc/self/status'", confinement) == status("true", nil))
    #expect(try status("grep -q \"Seccomp:.2\" /proc/self/status", nil) != status("true", nil))
  }

  @Test func theFolderGoesWithIt() throws {
    let confinement = try Confinement()
    _ = try status("mkdir -p $TMPDIR/deep/er; echo x > $TMPDIR/deep/er/file", confinement)
    #expect(FileManager.default.fileExists(atPath: confinement.folder + "/deep/er/file"))
    confinement.remove()
    #expect(!FileManager.default.fileExists(atPath: confinement.folder))
  }
}

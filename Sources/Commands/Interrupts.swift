// SIGINT and SIGTERM ask a run to stop: the cell in progress is dropped, what had finished is saved,
// labs are ended, exit 130. A second signal ends nb at once (the labs leave by themselves).

import Glibc
import Synchronization

enum Interrupts {
  private static let asked = Atomic<Bool>(false)
  static var requested: Bool { asked.load(ordering: .relaxed) }

  static func watch() {
    for number in [SIGINT, SIGTERM] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in
        if Interrupts.asked.exchange(true, ordering: .relaxed) { _exit(130) }
      }
      // No SA_RESTART: a blocking read notices.
      sigaction(number, &action, nil)
    }
    signal(SIGPIPE, SIG_IGN)
  }
}

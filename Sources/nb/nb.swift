// The executable: hands the command line to Commands and holds nothing of its own.

import Commands

@main struct Main {
  static func main() { NB.run() }
}

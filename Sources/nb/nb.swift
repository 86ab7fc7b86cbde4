import Commands

@main struct Main {
  static func main() { NB.run() }
}

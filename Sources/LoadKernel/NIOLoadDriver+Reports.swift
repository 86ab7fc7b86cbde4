// What transports report to the driver: bytes, answers, broken connections. Judged and recorded, then the rules say what comes next.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import ExperimentModel
  import NIOCore

  extension NIOLoadDriver {
    func received(_ bytes: Int) { recorder.received(bytes) }

    /// More came than was asked for.
    func unasked(_ bytes: UnsafeRawBufferPointer) {
      if let base = bytes.bindMemory(to: UInt8.self).baseAddress { recorder.unasked(base, bytes.count) }
    }

    /// A connection that was asked for is there, or is not.
    func opened(_ result: Result<Void, any Error>) {
      switch result {
      case .success: recorder.opened()
      case .failure(let error):
        let kind = NIOConnector.kind(error, hasShaken: false)
        recorder.connectFailed(kind)
        rules.lastConnectKind = kind
      }
    }

    /// The lane's connection is not to be used again.
    func dropped(_ lane: NIOLane) { transport?.abandon(lane) }

    func answered(_ lane: NIOLane, _ number: Int, status: Int, cache: Int) {
      guard lane.busy, lane.number == number, !isFinished else { return }
      let now = now
      let template = scenario.templates[Int(rules.turns[lane.index].template)]
      let user = users.isEmpty ? nil : users[lane.index]
      let failure = scenario.judge(template, status, lane.reads ? lane.sink : nil, user, regex: regex)
      lane.busy = false
      ended(lane, at: now)
      if template.checks > 0 { recorder.checked(name: Int(template.name), passed: failure == nil, now: now) }
      if let failure {
        if recorder.lacksExample(failure.kind) { recorder.keepExample(failure.kind, failure.text) }
        recorder.rejected(failure.kind, name: Int(template.name), now: now, status: status)
      } else {
        recorder.completed(name: Int(template.name), intended: lane.intended, sent: lane.sent, now: now, status: status, cache: cache)
      }
      keepRaw(lane, status: status, failure?.kind, now: now)
      if let order = rules.answered(lane.index, good: failure == nil, now) { transmit(order) }
      pump()
    }

    func broke(_ lane: NIOLane, _ number: Int, _ kind: ErrorKind, _ text: String) {
      guard lane.busy, lane.number == number, !isFinished else { return }
      if recorder.lacksExample(kind) { recorder.keepExample(kind, text) }
      // First: closing a stream reports its end at once, which must find nothing to count.
      lane.busy = false
      transport?.abandon(lane)
      rules.broke(lane.index)
      let now = now
      ended(lane, at: now)
      recorder.failed(kind, name: name(lane), now: now)
      if lane.isUnsent { recorder.unsent() }
      keepRaw(lane, status: 0, kind, now: now)
      lane.isUnsent = false
      if let order = rules.failed(lane.index, kind, now) { transmit(order) }
      pump()
    }

    /// As `LoadLoop.ended`.
    func ended(_ lane: NIOLane, at time: Int64) {
      recorder.resided(max(0, time - lane.intended), inside: rules.ended(from: lane.intended, to: time))
    }

    func keepRaw(_ lane: NIOLane, status: Int, _ kind: ErrorKind?, now: Int64) {
      guard recorder.keepsRaw else { return }
      recorder.keep(
        intended: lane.intended, sent: lane.isUnsent ? nil : lane.sent, received: now, bytes: lane.received, connection: lane.index,
        status: status, name: name(lane), kind: kind)
    }

    func name(_ lane: NIOLane) -> Int { Int(scenario.templates[Int(rules.turns[lane.index].template)].name) }

    private func regex(_ pattern: String) -> Regex<AnyRegexOutput>? {
      if let known = regexes[pattern] { return known }
      guard let made = try? Regex(pattern) else { return nil }
      regexes[pattern] = made
      return made
    }
  }
#endif

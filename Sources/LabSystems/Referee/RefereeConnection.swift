// One client of the referee: what has to be remembered between two of its events, and nothing about requests.

import CRefereeShims

/// Idle, it holds no buffer: whole requests are parsed where they were read.
struct RefereeConnection {
  var descriptor: Int32 = -1
  /// Changes when the slot is given to another connection.
  var generation: UInt32 = 0
  /// In order of accepting, from 0.
  var number = 0
  /// The start of a request whose rest is not here yet.
  var partial: [UInt8] = []
  /// Bytes of a body that are still to come, and what is known of their request.
  var bodyLeft = 0
  var isHead = false
  var closes = false
  /// Requests that wait for their time.
  var inFlight = 0
  /// Answers of one connection keep the order of its requests.
  var lastDue = Int64.min
  /// Answers that the client has not read yet, from `pendingStart` on.
  var pending: [UInt8] = []
  var pendingStart = 0
  /// Ends when nothing is in flight or pending any more.
  var ends = false
  /// Reading slowly: between two reads.
  var isPaused = false

  /// What epoll is to tell.
  var interest: UInt32 {
    (ends || isPaused ? 0 : EPOLLIN.rawValue) | (pending.isEmpty ? 0 : EPOLLOUT.rawValue)
  }
}

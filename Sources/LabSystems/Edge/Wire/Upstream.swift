/// The instances behind an edge, as the edge sees them. The sockets are in `UpstreamPools`; tests answer on a virtual clock.
protocol Upstream: AnyObject {
  /// Sends to instance `backend`, from 0; `ended` is called at most once, never inside this call, and not after `cancel`.
  func send(_ request: ProxyRequest, to backend: Int, ended: @escaping (UpstreamResult) -> Void) -> UpstreamCall
  /// Nobody waits for it any more: HTTP/1.1 can say that only by closing the connection. The instance may well go on with it.
  func cancel(_ call: UpstreamCall)
}

enum UpstreamResult {
  case answer(ProxyResponse)
  /// Nobody listens there: the request was not seen by anyone.
  case refused
  /// The connection ended before an answer was whole.
  case broken
}

/// A request at the upstream's; the same object from `send` to the end.
class UpstreamCall {}

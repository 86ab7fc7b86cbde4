// Asks feeds. The one place of nb that speaks to hosts outside, and only when somebody types `nb market refresh`: addresses of feeds.yml, GET
// without cookies, one after the other for each host, redirects only to https, everything bounded.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// What may be spent on one feed.
public struct FetchLimits: Sendable {
  public var bytes = 4 << 20
  public var connect = TimeAmount.seconds(5)
  /// All of a request, redirects apart.
  public var whole = TimeAmount.seconds(20)
  public var redirects = 5
  /// Of one run.
  public var requestsPerHost = 60
  public init() {}
}

public struct FetchedAnswer: Sendable {
  public var bytes: [UInt8]
  public var type: String
}

public final class FeedClient {
  private let client: HTTPClient
  private let limits: FetchLimits
  private var asked: [String: Int] = [:]
  /// Hosts that could not be reached; their other feeds are not waited for.
  private var unreachable: Set<String> = []

  public init(_ limits: FetchLimits = FetchLimits()) {
    self.limits = limits
    var configuration = HTTPClient.Configuration()
    // Followed by `fetch`, which looks at each target first.
    configuration.redirectConfiguration = .disallow
    configuration.timeout = .init(connect: limits.connect, read: limits.whole)
    configuration.decompression = .enabled(limit: .size(limits.bytes))
    configuration.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  public func close() { try? client.syncShutdown() }

  /// The answer of an address.
  ///
  /// - Throws: `FeedProblem` with what went wrong: no network is one of them.
  public func fetch(_ url: String) throws(FeedProblem) -> FetchedAnswer {
    var url = url
    var seen: Set<String> = []
    for _ in 0...limits.redirects {
      guard seen.insert(url).inserted else { throw FeedProblem("its redirects go in a circle") }
      let response = try get(url)
      let status = Int(response.status.code)
      if [301, 302, 303, 307, 308].contains(status) {
        guard let location = response.headers.first(name: "location") else { throw FeedProblem("a redirect without an address") }
        url = try target(location, from: url)
        continue
      }
      guard status == 200 else { throw FeedProblem("it answered \(status)") }
      var body = response.body ?? ByteBuffer()
      return FetchedAnswer(bytes: body.readBytes(length: body.readableBytes) ?? [], type: response.headers.first(name: "content-type") ?? "")
    }
    throw FeedProblem("more than \(limits.redirects) redirects")
  }

  /// A redirect leads to https, whatever it came from.
  private func target(_ location: String, from url: String) throws(FeedProblem) -> String {
    let scheme = url.prefix { $0 != ":" }.lowercased()
    var next = location
    if location.hasPrefix("//") {
      next = "\(scheme):" + location
    } else if location.hasPrefix("/") {
      let rest = url.dropFirst(scheme.count + 3)
      next = "\(scheme)://" + rest.prefix { $0 != "/" && $0 != "?" } + location
    }
    guard next.lowercased().hasPrefix("https://"), isFetchable(next) else {
      throw FeedProblem("it redirects to \(next.prefix(200)), which is not https: not followed")
    }
    return next
  }

  private func get(_ url: String) throws(FeedProblem) -> HTTPClient.Response {
    let request: HTTPClient.Request
    do {
      request = try HTTPClient.Request(
        url: url,
        headers: ["user-agent": "nb (market refresh)", "accept": "application/atom+xml, application/rss+xml, application/json, text/plain, */*;q=0.1"])
    } catch { throw FeedProblem("it is not an address that can be asked") }
    let host = "\(request.host):\(request.port)"
    if unreachable.contains(host) { throw FeedProblem("\(host) could not be reached a moment ago") }
    asked[host, default: 0] += 1
    guard asked[host, default: 0] <= limits.requestsPerHost else { throw FeedProblem("\(host) was asked \(limits.requestsPerHost) times in this run already") }
    do {
      return try client.execute(
        request: request, delegate: ResponseAccumulator(request: request, maxBodySize: limits.bytes), deadline: .now() + limits.whole
      ).wait()
    } catch is ResponseAccumulator.ResponseTooBigError {
      throw FeedProblem("the answer has more than \(limits.bytes) bytes")
    } catch let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout {
      throw FeedProblem("it did not answer within \(limits.whole.nanoseconds / 1_000_000_000) s")
    } catch {
      unreachable.insert(host)
      throw FeedProblem("\(host) cannot be reached (\(String(describing: error).prefix(160)))")
    }
  }
}

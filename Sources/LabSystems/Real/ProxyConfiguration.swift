import ExperimentModel

// An edge's specification in the words of nginx and HAProxy. What a program cannot do the same way is refused: a result of
// another system would carry the name of this one.

/// What stands in a proxy's configuration file, and what must be known about it.
struct ProxyConfiguration {
  var text: String
  /// What differs from what the lab's own edge does under this specification, for the result's footnote.
  var notes: [String] = []

  /// - Parameters:
  ///   - ports: of the upstream's instances, on 127.0.0.1.
  ///   - port: of its own.
  ///   - sign: a path that only this process answers, with 204.
  /// - Throws: `LabError` naming the setting that the program does not have.
  static func of(_ component: RealComponent, _ edge: EdgeSpec, ports: [Int], port: Int, sign: String) throws -> ProxyConfiguration {
    func refuse(_ what: String, _ remedy: String) -> LabError {
      LabError(place: "--real \(component.rawValue)", cause: "\(component.rawValue) has no such \(what) as this edge", remedy: remedy)
    }
    for (name, isThere) in [
      ("cache", edge.cache != nil && edge.cache?.capacity != 0), ("hedge", edge.hedge != nil), ("breaker", edge.breaker != nil), ("shed", edge.shed != nil),
      ("shape", edge.shape != nil),
    ] where isThere { throw refuse(name, "leave `\(name)` out of this system, or run without `--real \(component.rawValue)`") }
    if let retry = edge.retry, retry.budget != nil || retry.backoff != .none {
      throw refuse("retry budget or backoff", "use `retry: {max: …}` alone, or run without `--real \(component.rawValue)`")
    }
    return component == .haproxy
      ? try haproxy(edge, ports: ports, port: port, sign: sign, refuse) : try nginx(edge, ports: ports, port: port, sign: sign, refuse)
  }

  /// Whole numbers with the ratios of the weights, the largest 100.
  private static func weights(_ edge: EdgeSpec, _ count: Int) -> [Int] {
    let given = edge.weights ?? [Double](repeating: 1, count: count)
    let most = given.max() ?? 1
    return given.map { Swift.max(1, Int(($0 / most * 100).rounded())) }
  }

  // MARK: nginx

  private static func nginx(
    _ edge: EdgeSpec, ports: [Int], port: Int, sign: String, _ refuse: (String, String) -> LabError
  ) throws -> ProxyConfiguration {
    let balance: String
    switch edge.balance {
    case .roundRobin, .weightedRoundRobin: balance = ""
    case .random: balance = "random;"
    case .twoChoices: balance = "random two least_conn;"
    case .leastConnections: balance = "least_conn;"
    case .hash: balance = "hash \(edge.hashKey.map { nginxVariable($0) } ?? "$request_uri") consistent;"
    case .boundedHash: throw refuse("bounded hash", "use `balance: hash`, or `--real haproxy`")
    }
    var notes = ["one worker process"]
    // Active checks are not in the free nginx.
    var failing = "max_fails=0"
    if let health = edge.health {
      failing = "max_fails=\(health.fall) fail_timeout=\(Int(Swift.max(1, health.interval.seconds.rounded(.up))))s"
      notes.append("checks by its own requests only")
    }
    let servers = zip(ports, weights(edge, ports.count)).map { "server 127.0.0.1:\($0) weight=\($1) \(failing);" }
    var limits: (zones: [String], rules: [String]) = ([], [])
    if let rate = edge.limit?.rate {
      guard rate.rounded() == rate else { throw refuse("rate limit of a part of a request", "use a whole number of requests a second") }
      let key = edge.limit?.header.map { nginxVariable("header:\($0)") } ?? "$server_name"
      limits.zones.append("limit_req_zone \(key) zone=rate:4m rate=\(Int(rate))r/s;")
      limits.rules += ["limit_req zone=rate burst=\(Swift.max(0, (edge.limit?.burst ?? 1) - 1)) nodelay;", "limit_req_status 429;"]
    }
    if let most = edge.limit?.concurrency {
      limits.zones.append("limit_conn_zone $server_name zone=inside:1m;")
      limits.rules += ["limit_conn inside \(most);", "limit_conn_status 503;"]
    }
    let retry = edge.retry.map { "proxy_next_upstream error timeout http_502 http_503 http_504; proxy_next_upstream_tries \($0.max + 1);" }
      ?? "proxy_next_upstream off;"
    let text = """
      daemon off;
      master_process off;
      pid nginx.pid;
      error_log stderr crit;
      worker_rlimit_nofile 20000;
      events { worker_connections 8192; }
      http {
        access_log off;
        client_body_temp_path body; proxy_temp_path kept; fastcgi_temp_path fast; uwsgi_temp_path uw; scgi_temp_path sc;
        \(limits.zones.joined(separator: " "))
        upstream instances {
          \(balance)
          \(servers.joined(separator: "\n    "))
          keepalive \(edge.connections);
          keepalive_requests 1000000000;
        }
        server {
          listen 127.0.0.1:\(port) backlog=4096;
          server_name lab;
          keepalive_requests 1000000000;
          location = \(sign) { return 204; }
          location / {
            \(limits.rules.joined(separator: " "))
            proxy_pass http://instances;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_connect_timeout \(milliseconds(edge.timeout)); proxy_read_timeout \(milliseconds(edge.timeout));
            \(retry)
          }
        }
      }

      """
    return ProxyConfiguration(text: text, notes: notes)
  }

  /// `header:X-User` is `$http_x_user`; a variable of the route is the path, which it decides.
  private static func nginxVariable(_ key: String) -> String {
    guard key.hasPrefix("header:") else { return "$uri" }
    return "$http_" + String(key.dropFirst(7).lowercased().map { $0 == "-" ? "_" : $0 })
  }

  private static func milliseconds(_ time: Nanoseconds) -> String { "\(Swift.max(1, time.rawValue / 1_000_000))ms" }

  // MARK: HAProxy

  private static func haproxy(
    _ edge: EdgeSpec, ports: [Int], port: Int, sign: String, _ refuse: (String, String) -> LabError
  ) throws -> ProxyConfiguration {
    if edge.limit?.rate != nil || edge.limit?.concurrency != nil {
      throw refuse("limit", "use `--real nginx`, or leave `limit` out of this system")
    }
    let key = edge.hashKey.map { $0.hasPrefix("header:") ? "hdr(\($0.dropFirst(7)))" : "uri" } ?? "uri whole"
    let balance: String
    switch edge.balance {
    case .roundRobin, .weightedRoundRobin: balance = "balance roundrobin"
    case .random: balance = "balance random(1)"
    case .twoChoices: balance = "balance random(2)"
    case .leastConnections: balance = "balance leastconn"
    case .hash: balance = "balance \(key)\n  hash-type consistent"
    case .boundedHash: balance = "balance \(key)\n  hash-type consistent\n  hash-balance-factor \(Int((edge.bound * 100).rounded()))"
    }
    var checks = ""
    var check = ""
    if let health = edge.health {
      checks = health.path.map { "option httpchk GET \($0)" } ?? "option httpchk GET \(Edge.healthPath)"
      check = " check inter \(milliseconds(health.interval)) fall \(health.fall) rise \(health.rise)"
      if health.passive { check += " observe layer4 error-limit 1 on-error mark-down" }
    }
    let retry = edge.retry.map { "retries \($0.max)\n  option redispatch 1\n  retry-on conn-failure empty-response response-timeout 502 503 504" } ?? "retries 0"
    let servers = zip(ports, weights(edge, ports.count)).enumerated().map { index, one in
      "server s\(index + 1) 127.0.0.1:\(one.0) weight \(one.1) maxconn \(edge.connections)\(check)"
    }
    let text = """
      global
        nbthread 1
        maxconn 8192
      defaults
        mode http
        option http-keep-alive
        http-reuse always
        timeout client 75s
        timeout connect \(milliseconds(edge.timeout))
        timeout server \(milliseconds(edge.timeout))
        timeout queue 60s
      frontend entry
        bind 127.0.0.1:\(port)
        http-request return status 204 if { path \(sign) }
        default_backend instances
      backend instances
        \(balance)
        \(checks)
        \(retry)
        \(servers.joined(separator: "\n  "))

      """
    return ProxyConfiguration(text: text, notes: ["one thread"])
  }
}

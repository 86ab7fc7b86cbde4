// The fault `kill`: a role's process is gone for a time. On the wire it is a stall of the role's process instead of its
// queue, so that a lab and a plan of one version understand each other without a further toxic.

extension FaultSpec {
  private static let process = "/process"

  /// The role's listening socket closes, open connections are reset, what waits or runs is lost; after `duration` it is back.
  public static func kill(_ role: String, at: Nanoseconds, for duration: Nanoseconds) -> FaultSpec {
    FaultSpec(at: at, duration: duration, target: role + process, toxic: .stall)
  }

  /// The role that is killed; nil for every other fault.
  public var killedRole: String? { Self.killedRole(target: target, toxic) }

  public static func killedRole(target: String, _ toxic: Toxic) -> String? {
    toxic == .stall && target.hasSuffix(process) ? String(target.dropLast(process.count)) : nil
  }
}

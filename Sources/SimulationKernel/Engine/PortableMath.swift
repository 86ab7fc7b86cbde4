// log, exp and pow for samplers. The C library's differ in the last digit between machines (its variants with fused
// multiply-add round once where the others round twice), and one digit is enough to move a simulated run. These use only
// + − × ÷, which IEEE 754 rounds alike everywhere, and Swift never fuses them. Within 2 units of the last digit of the truth;
// the series are Taylor's, cut where the next term is below 2⁻⁵⁶.

enum Portable {
  private static let ln2High = 0x1.62e42fee00000p-1
  private static let ln2Low = 0x1.a39ef35793c76p-33

  /// Natural logarithm of a positive normal number: x = 2ᵏ·m with m around 1, ln m = 2·atanh((m − 1)/(m + 1)).
  @inline(__always) static func log(_ x: Double) -> Double {
    // Below this the exponent field counts differently; no sampler comes near it.
    if !(x >= 0x1p-1022) { return x == 0 ? -.infinity : x > 0 ? log(x * 0x1p54) - 54 * (ln2High + ln2Low) : .nan }
    if x == .infinity { return .infinity }
    let bits = x.bitPattern
    // √½ ≤ m < √2: subtracting √½'s bits carries into the exponent exactly where m passes it.
    let k = Int64(bitPattern: bits &- 0x3FE6_A09E_667F_3BCD) >> 52
    let m = Double(bitPattern: bits &- UInt64(bitPattern: k << 52))
    let s = (m - 1) / (m + 1)
    let z = s * s
    var p = 1.0 / 21
    p = p * z + 1.0 / 19
    p = p * z + 1.0 / 17
    p = p * z + 1.0 / 15
    p = p * z + 1.0 / 13
    p = p * z + 1.0 / 11
    p = p * z + 1.0 / 9
    p = p * z + 1.0 / 7
    p = p * z + 1.0 / 5
    p = p * z + 1.0 / 3
    let power = Double(k)
    return power * ln2High + (power * ln2Low + 2 * s * z * p + 2 * s)
  }

  /// eˣ: x = k·ln 2 + r with |r| ≤ ln 2 / 2.
  @inline(__always) static func exp(_ x: Double) -> Double {
    if x > 709.78 { return .infinity }
    if !(x >= -745.2) { return x.isNaN ? .nan : 0 }
    // Adding and taking away 1.5·2⁵² rounds to a whole number without a call.
    let power = (x * 0x1.71547652b82fep0 + 0x1.8p52) - 0x1.8p52
    let r = (x - power * ln2High) - power * ln2Low
    var p = 1.0 / 6_227_020_800
    p = p * r + 1.0 / 479_001_600
    p = p * r + 1.0 / 39_916_800
    p = p * r + 1.0 / 3_628_800
    p = p * r + 1.0 / 362_880
    p = p * r + 1.0 / 40_320
    p = p * r + 1.0 / 5_040
    p = p * r + 1.0 / 720
    p = p * r + 1.0 / 120
    p = p * r + 1.0 / 24
    p = p * r + 1.0 / 6
    p = p * r + 0.5
    let e = 1 + (r + r * r * p)
    let k = Int(power)
    // In two steps, so that neither factor leaves the normal numbers.
    let half = k / 2
    return e * twoTo(half) * twoTo(k - half)
  }

  /// xᵃ for x ≥ 0; its relative error grows with |a·ln x|, in units of the last digit.
  @inline(__always) static func pow(_ x: Double, _ a: Double) -> Double {
    if x == 0 { return a == 0 ? 1 : a > 0 ? 0 : .infinity }
    return exp(a * log(x))
  }

  private static func twoTo(_ k: Int) -> Double { Double(bitPattern: UInt64(1023 + k) << 52) }
}

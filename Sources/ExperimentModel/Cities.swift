// Places of the model `regions`: where users are, and where sites can be.

/// A place on the earth, in degrees; north and east are positive.
public struct City: Hashable, Sendable {
  public var name: String
  public var latitude: Double
  public var longitude: Double

  /// User regions, with their share of the demand when nothing else is said. Shares are round numbers, not measured ones.
  public static let regions: [(city: City, share: String)] = [
    (City(name: "newyork", latitude: 40.71, longitude: -74.01), "0.25"),
    (City(name: "saopaulo", latitude: -23.55, longitude: -46.63), "0.1"),
    (City(name: "london", latitude: 51.51, longitude: -0.13), "0.25"),
    (City(name: "mumbai", latitude: 19.08, longitude: 72.88), "0.2"),
    (City(name: "tokyo", latitude: 35.68, longitude: 139.69), "0.15"),
    (City(name: "sydney", latitude: -33.87, longitude: 151.21), "0.05"),
  ]

  /// Where data centres of several providers are; `virginia` is Ashburn, `oregon` Boardman, `ireland` Dublin.
  public static let sites = [
    City(name: "virginia", latitude: 39.04, longitude: -77.49),
    City(name: "oregon", latitude: 45.84, longitude: -119.7),
    City(name: "saopaulo", latitude: -23.55, longitude: -46.63),
    City(name: "ireland", latitude: 53.35, longitude: -6.26),
    City(name: "london", latitude: 51.51, longitude: -0.13),
    City(name: "frankfurt", latitude: 50.11, longitude: 8.68),
    City(name: "mumbai", latitude: 19.08, longitude: 72.88),
    City(name: "singapore", latitude: 1.35, longitude: 103.82),
    City(name: "tokyo", latitude: 35.68, longitude: 139.69),
    City(name: "sydney", latitude: -33.87, longitude: 151.21),
  ]
}

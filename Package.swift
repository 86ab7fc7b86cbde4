// swift-tools-version: 6.1
import Foundation
import PackageDescription

// The module map. Arrows point down only; Notebooks/internals/architecture.md says why, and
// Tests/TidyTests holds the sources to it.

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
]
let secure: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOTLS", package: "swift-nio"),
  .product(name: "NIOSSL", package: "swift-nio-ssl"),
  .product(name: "NIOHTTP2", package: "swift-nio-http2"),
]
let web: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOHTTP1", package: "swift-nio"),
  .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "nb",
  platforms: [.macOS(.v15)],
  products: [.executable(name: "nb", targets: ["nb"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    // The standard APIs that adapters speak; the service context is part of the tracing package.
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // `nb market refresh` only.
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
  ],
  targets: [
    // Level 0: C libraries, text, mathematics.
    .systemLibrary(
      name: "CCmark", pkgConfig: "libcmark",
      providers: [.apt(["libcmark-dev"]), .brew(["cmark"])]),
    .systemLibrary(
      name: "CYAML", pkgConfig: "yaml-0.1",
      providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CExpat", pkgConfig: "expat",
      providers: [.apt(["libexpat1-dev"]), .brew(["expat"])]),
    .target(name: "CLabShims"),
    .target(name: "CKernelShims"),
    .target(name: "CRefereeShims"),
    .target(name: "TextModel"),
    .target(name: "Statistics"),

    // Level 1: the nouns.
    .target(name: "ExperimentModel", dependencies: ["Statistics"]),
    .target(name: "StrictYAML", dependencies: ["CYAML", "TextModel"]),
    .target(name: "DocumentModel", dependencies: ["CCmark", "TextModel", crypto]),

    // Level 2: one capability each.
    .target(
      name: "PerfLanguage",
      dependencies: ["TextModel", "DocumentModel", "StrictYAML", "ExperimentModel", "Statistics", crypto],
      // Compiled in: a preset is there wherever the one executable is.
      resources: [.embedInCode("Presets")]),
    .target(name: "MeasureKernel", dependencies: ["CKernelShims", "ExperimentModel", "Statistics"]),
    .target(
      name: "LoadKernel",
      dependencies: ["CKernelShims", "ExperimentModel", "Statistics"] + secure),
    .target(name: "SimulationKernel", dependencies: ["ExperimentModel", "Statistics"]),
    .target(name: "TelemetryModel", dependencies: ["ExperimentModel", "Statistics", protobuf]),
    .target(name: "Reporting", dependencies: ["ExperimentModel"]),
    .target(name: "ResultStore", dependencies: ["TextModel", "ExperimentModel", grdb]),

    // Level 3: systems, execution, pages.
    .target(name: "TelemetryAdapters", dependencies: ["TelemetryModel", tracing, logging, metrics]),
    .target(
      name: "LabSystems",
      dependencies: ["CLabShims", "CRefereeShims", "CZlib", "ExperimentModel", "MeasureKernel", "TelemetryModel", "TelemetryAdapters", grdb, tracing]
        + secure),
    .target(name: "TelemetryCollector", dependencies: ["CZlib", "TelemetryModel"] + web),
    .target(
      name: "ExperimentRunner",
      dependencies: [
        "MeasureKernel", "LoadKernel", "SimulationKernel", "ExperimentModel", "Statistics", "TelemetryModel",
      ]),
    .target(
      name: "Market",
      dependencies: [
        "CExpat", "StrictYAML", "TextModel", "ExperimentModel", httpClient, .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    .target(
      name: "CourseSite",
      dependencies: [
        "DocumentModel", "TextModel", "ExperimentModel", "StrictYAML", "Reporting", mustache,
      ]),

    .target(
      name: "CourseRules", dependencies: ["DocumentModel", "TextModel", "ExperimentModel", "PerfLanguage", "Reporting"]),
    .target(
      name: "LanguageServer",
      dependencies: ["TextModel", "DocumentModel", "StrictYAML", "PerfLanguage", "ExperimentModel", "Reporting"]),

    .target(name: "PreviewServer", dependencies: [hummingbird, logging]),

    .target(
      name: "Trust", dependencies: ["DocumentModel", "TextModel", "ExperimentModel", crypto],
      resources: [.embedInCode("Shipped")]),

    // Level 4 and 5: the command.
    .target(
      name: "Commands",
      dependencies: [
        "TextModel", "DocumentModel", "PerfLanguage", "ExperimentModel", "ExperimentRunner", "MeasureKernel",
        "LoadKernel", "Statistics", "LabSystems", "TelemetryModel", "TelemetryCollector", "ResultStore", "Reporting", "CourseSite", "CourseRules", "Market",
        "LanguageServer", "PreviewServer", "Trust", arguments,
      ]),
    .executableTarget(name: "nb", dependencies: ["Commands"]),

    // Tests.
    .testTarget(name: "TextModelTests", dependencies: ["TextModel"]),
    .testTarget(name: "StatisticsTests", dependencies: ["Statistics"]),
    .testTarget(name: "SimulationKernelTests", dependencies: ["SimulationKernel", "ExperimentModel", "Statistics"]),
    .testTarget(name: "MeasureKernelTests", dependencies: ["MeasureKernel", "CKernelShims", "ExperimentModel", "Statistics"]),
    .testTarget(name: "ProofTests", dependencies: ["Statistics", "SimulationKernel", "ExperimentModel"]),
    .testTarget(name: "HistogramTests", dependencies: ["Statistics"]),
    .testTarget(name: "DocumentModelTests", dependencies: ["DocumentModel", "TextModel"]),
    .testTarget(name: "SpecTests", dependencies: ["FuzzTargets", "DocumentModel", "TextModel"], exclude: ["Data"]),
    .testTarget(name: "ResultStoreTests", dependencies: ["ResultStore", "ExperimentModel", "TextModel"]),
    .testTarget(name: "LoadKernelTests", dependencies: ["LoadKernel", "CKernelShims", "ExperimentModel", "Statistics"] + secure),
    .testTarget(
      name: "ExperimentRunnerTests",
      dependencies: [
        "ExperimentRunner", "ExperimentModel", "LoadKernel", "MeasureKernel", "SimulationKernel", "Statistics", "PerfLanguage", "DocumentModel", "TextModel",
      ]),
    .testTarget(name: "LabSystemsTests", dependencies: ["LabSystems", "CLabShims", "ExperimentModel", "TelemetryModel"] + nio),
    .testTarget(name: "LabPropertyTests", dependencies: ["LabSystems", "PerfLanguage", "ExperimentModel", "StrictYAML", "TextModel"]),
    .testTarget(
      name: "TelemetryModelTests", dependencies: ["TelemetryModel", "ExperimentModel", "Statistics", protobuf], exclude: ["Data"]),
    .testTarget(name: "TelemetryCollectorTests", dependencies: ["TelemetryCollector", "TelemetryModel", "CZlib"]),
    .testTarget(name: "TelemetryAdaptersTests", dependencies: ["TelemetryAdapters", "TelemetryModel", tracing, logging, metrics]),
    .testTarget(name: "ReportingTests", dependencies: ["Reporting", "DocumentModel", "ExperimentModel", "TextModel"]),
    .testTarget(name: "StrictYAMLTests", dependencies: ["StrictYAML", "TextModel"]),
    .testTarget(name: "PerfLanguageTests", dependencies: ["PerfLanguage", "DocumentModel", "ExperimentModel", "StrictYAML", "TextModel"]),
    .testTarget(name: "MarketTests", dependencies: ["Market", "ExperimentModel", "TextModel"]),
    .testTarget(
      name: "CourseRulesTests",
      dependencies: ["CourseRules", "DocumentModel", "ExperimentModel", "ExperimentRunner", "Market", "PerfLanguage", "Reporting", "TextModel"]),
    .testTarget(
      name: "LanguageServerTests",
      dependencies: ["LanguageServer", "PerfLanguage", "DocumentModel", "ExperimentModel", "StrictYAML", "Statistics", "TextModel"]),
    .testTarget(name: "PreviewServerTests", dependencies: ["PreviewServer"]),
    .testTarget(name: "TrustTests", dependencies: ["Trust", "DocumentModel", "ExperimentModel", "PerfLanguage", "TextModel"]),
    // What is fuzzed, and what fuzzing found once: Tests/Fuzz. The fuzzer itself is built by `make fuzz` only.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "TextModel", "DocumentModel", "StrictYAML", "PerfLanguage", "ExperimentModel", "LoadKernel", "TelemetryModel", "TelemetryCollector", "Market",
        "Reporting", "CourseSite",
      ], path: "Tests/Fuzz/Targets"),
    .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Replay"),
    .testTarget(name: "CourseSiteTests", dependencies: ["CourseSite", "DocumentModel", "ExperimentModel", "Reporting", "TextModel"]),
  ],
  swiftLanguageModes: [.v6]
)

// `make fuzz`: libFuzzer's driver, and of the modules that it calls only what reads bytes. Whatever speaks to a network is left
// out, and with it half an hour of compiling.
if ProcessInfo.processInfo.environment["NB_FUZZ"] != nil {
  func keep(_ sources: [String], of name: String, _ dependencies: [Target.Dependency]) {
    guard let target = package.targets.first(where: { $0.name == name }) else { return }
    (target.sources, target.dependencies) = (sources, dependencies)
  }
  keep(["ResponseParser.swift", "ResponseSink.swift", "JSONPath.swift"], of: "LoadKernel", [])
  keep(["Store"], of: "TelemetryCollector", ["CZlib", "TelemetryModel"])
  keep(
    ["CalendarDay", "DiagnosticIDs", "FactValue", "Facts", "FeedXML", "Feeds", "Incidents", "Judging", "MarketReader", "Snapshot"].map { $0 + ".swift" },
    of: "Market", ["CExpat", "StrictYAML", "TextModel", "ExperimentModel"])
  package.targets.append(
    .executableTarget(
      name: "nb-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver",
      linkerSettings: [.unsafeFlags(["-sanitize=address,fuzzer", "-use-ld=lld"])]))
}

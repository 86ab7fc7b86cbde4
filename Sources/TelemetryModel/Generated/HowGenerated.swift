// The files `*.pb.swift` beside this one are generated and never edited by hand. They are committed, so that neither a
// build nor a learner needs protoc, and SwiftPM's plugin is not used. To make them anew:
//
//   proto files   github.com/open-telemetry/opentelemetry-proto, tag v1.11.0 (790608c4d51e6ffc12210b541e8514cbed9e91a4)
//   generator     github.com/apple/swift-protobuf 1.39.0: `swift build -c release --product protoc-gen-swift`
//   compiler      protoc 3.21 or newer (Debian: protobuf-compiler)
//
//   protoc --plugin=protoc-gen-swift=PATH --swift_opt=Visibility=Internal --swift_opt=FileNaming=DropPath --swift_out=Generated \
//     opentelemetry/proto/{common,resource,trace,metrics,logs}/v1/*.proto opentelemetry/proto/collector/{trace,metrics,logs}/v1/*.proto
//
// The generated types never leave this module: GeneratedTypes.swift gives them short names, OTLP/Protobuf*.swift turns them into the model.

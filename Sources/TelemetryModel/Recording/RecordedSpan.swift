// How a span lies in the recorder's memory: a header, then room for attributes, events, links and copied text, at fixed places.
// Plain bits throughout; nothing here is ever retained or released.
//
//   | header | attributes … | events … | links … | text … |   next slot
//
// All slots have one size, so that finding one is a multiplication.

struct RecordedHeader: BitwiseCopyable {
  var traceID = TraceID.none
  var spanID: UInt64 = 0
  var parentSpanID: UInt64 = 0
  var start: UInt64 = 0
  var end: UInt64 = 0
  var name = TelemetryText.empty
  var statusMessage = TelemetryText.empty
  var rejection = TraceParent.unknown
  var droppedAttributes: UInt32 = 0
  var droppedEvents: UInt32 = 0
  var droppedLinks: UInt32 = 0
  var attributes: UInt16 = 0
  var events: UInt16 = 0
  var links: UInt16 = 0
  var textBytes: UInt16 = 0
  var flags: UInt8 = 0
  var kind: UInt8 = 0
  var status: UInt8 = 0
  var isOpen = false
}

struct RecordedAttribute: BitwiseCopyable {
  enum Kind: UInt8 { case int, double, bool, text, copied }
  var key: TelemetryText
  /// A number's bits, the address of a text, or the place of a copied one in the slot's text.
  var bits: UInt64
  var count: UInt32
  var kind: Kind
  /// 0: the span; n: its n-th event.
  var owner: UInt16
}

struct RecordedEvent: BitwiseCopyable {
  var name: TelemetryText
  var time: UInt64
}

struct RecordedLink: BitwiseCopyable {
  var target: TraceParent
}

/// Where things lie in a slot.
struct RecordedLayout: BitwiseCopyable {
  let attributesMax: Int
  let eventsMax: Int
  let linksMax: Int
  let textBytesMax: Int
  let attributes: Int
  let events: Int
  let links: Int
  let text: Int
  /// Bytes from slot to slot: whole cache lines, so that two slots never share one.
  let stride: Int

  init(attributesMax: Int, eventsMax: Int, linksMax: Int, textBytesMax: Int) {
    self.attributesMax = attributesMax
    self.eventsMax = eventsMax
    self.linksMax = linksMax
    self.textBytesMax = textBytesMax
    attributes = MemoryLayout<RecordedHeader>.stride
    events = attributes + attributesMax * MemoryLayout<RecordedAttribute>.stride
    links = events + eventsMax * MemoryLayout<RecordedEvent>.stride
    text = links + linksMax * MemoryLayout<RecordedLink>.stride
    stride = (text + textBytesMax + 63) / 64 * 64
  }
}

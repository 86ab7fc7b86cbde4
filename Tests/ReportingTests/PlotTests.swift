import ExperimentModel
import Foundation
#if canImport(FoundationXML)
  import FoundationXML
#endif
import Testing

@testable import Reporting

private let plots: [PlotData] = [Sample.cdf, Sample.curve.plots[0], Sample.hostileResult.plots[0]] + {
  let one = PlotSeries(name: "one", mark: .dots, x: [5], y: [5])
  func plot(_ series: [PlotSeries], logX: Bool = false, x: MetricUnit = .count, y: MetricUnit = .count) -> PlotData {
    PlotData(title: "t", xLabel: "x", yLabel: "y", xUnit: x, yUnit: y, logX: logX, series: series)
  }
  return [
    plot([]), plot([], logX: true), plot([one]), plot([one], logX: true),
    plot([PlotSeries(name: "zeros", mark: .line, x: [0, 0], y: [0, 0])], logX: true),
    plot([PlotSeries(name: "negative", mark: .line, x: [-3, 4], y: [-20, 7])]),
    plot([PlotSeries(name: "tiny", mark: .step, x: [1e-9, 2e-9], y: [1e-12, 3e-12])]),
    plot([PlotSeries(name: "huge", mark: .line, x: [1, 1e12], y: [1e300, 1e301])], logX: true),
    plot([PlotSeries(name: "not numbers", mark: .dots, x: [.nan, .infinity], y: [1, 2])]),
    plot([PlotSeries(name: "uneven", mark: .dots, x: [1, 2, 3], y: [1], low: [], high: [2])]),
    plot((0..<9).map { PlotSeries(name: "series \($0) with a rather long name", mark: $0 % 2 == 0 ? .dots : .line, x: [1, 2], y: [Double($0), 3]) }),
    plot([PlotSeries(name: "latency", mark: .line, x: [1, 2], y: [1e5, 9e7])], y: .nanoseconds),
  ]
}()

@Test(arguments: 0..<plots.count)
func everyPlotIsWellFormed(index: Int) {
  let svg = plotSVG(plots[index])
  let parser = XMLParser(data: Data(svg.utf8))
  #expect(parser.parse(), "\(String(describing: parser.parserError)) in \(svg)")
  for banned in [" style=", "<script", "<style", "onload", "href", "nan", "inf"] {
    #expect(!svg.contains(banned) || plots[index].title == Sample.hostile && banned == "inf", "\(banned)")
  }
  #expect(svg.contains("role=\"img\"") && svg.contains("<title>") && svg.contains("<desc>"))
}

@Test(arguments: 0..<plots.count)
func everyPlotHasItsNumbersAsWellFormedHTML(index: Int) {
  let html = dataTableHTML(plots[index])
  let parser = XMLParser(data: Data(html.utf8))
  #expect(parser.parse(), "\(String(describing: parser.parserError))")
}

@Test func theoryIsALineAndMeasurementsAreDotsWithIntervals() {
  let svg = plotSVG(Sample.curve.plots[0])
  // Five dots and one in the legend; one line and one in the legend.
  #expect(svg.components(separatedBy: "<circle").count - 1 == 6)
  #expect(svg.components(separatedBy: "class=\"plot-line\"").count - 1 == 1)
  #expect(svg.contains("class=\"plot-interval\""))
  #expect(svg.contains(">hit_ratio measured<") && svg.contains(">Che’s approximation<"))
}

@Test func hiddenPointsAreAdmitted() {
  #expect(plotSVG(Sample.hostileResult.plots[0]).contains("2 points cannot be shown on these axes."))
}

@Test func ticksAreOneTwoFive() {
  let axis = PlotAxis([0, 0.83], unit: .share, isLog: false, wanted: 5)
  #expect(axis.low == 0 && axis.high == 1 && axis.ticks.map(\.label) == ["0", "20", "40", "60", "80", "100"] && axis.unitText == "%")
  let time = PlotAxis([2e5, 2.4e7], unit: .nanoseconds, isLog: true, wanted: 8)
  #expect(time.ticks.map(\.label).contains("1 ms") && time.ticks.map(\.label).contains("500 µs"))
  let sizes = PlotAxis([100, 5000], unit: .count, isLog: true, wanted: 7)
  #expect(sizes.ticks.map(\.label) == ["100", "200", "500", "1,000", "2,000", "5,000"])
  let mean = PlotAxis([2.13e7], unit: .nanoseconds, isLog: false, wanted: 5)
  #expect(mean.low == 0 && mean.unitText == "ms" && mean.high >= 2.13e7)
  #expect([0.3, 1, 1.2, 3, 7, 0.011].map(PlotAxis.niceStep) == [0.5, 1, 2, 5, 10, 0.02])
}

@Test func axesCoverTheirValues() {
  var state: UInt64 = 8
  func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) / Double(1 << 53)
  }
  for _ in 0..<500 {
    let scale = pow(10, next() * 24 - 12)
    let values = (0..<5).map { _ in (next() - (next() < 0.3 ? 0.5 : 0)) * scale }
    for unit in [MetricUnit.nanoseconds, .share, .count, .bytes] {
      for isLog in [false, true] {
        let axis = PlotAxis(values, unit: unit, isLog: isLog, wanted: 6)
        #expect(axis.low < axis.high && (isLog || axis.ticks.count >= 2) && axis.ticks.count < 40)
        for value in values where !axis.isLog || value > 0 { #expect((-1e-9...1 + 1e-9).contains(axis.position(value))) }
      }
    }
  }
}

import ExperimentModel
import Testing

@testable import LabSystems

extension DatasetRows {
  /// Products alone.
  init(dataset: String, seed: UInt64) {
    let spec = DatasetSpec(name: dataset, rows: 1000, popularity: .uniform(n: 1000))
    self.init(spec, among: [spec], seed: seed)
  }
}

/// A shop with as many orders, three items for each.
private func store(orders: Int, index: [[String]]? = nil) -> SystemSpec {
  SystemSpec(
    id: "store", seed: 7, roles: [],
    data: [
      DatasetSpec(name: "orders", rows: orders, popularity: .uniform(n: orders), schema: .orders, indexes: index),
      DatasetSpec(name: "items", rows: 3 * orders, popularity: .uniform(n: 3 * orders), schema: .items),
    ])
}

@Suite struct DatasetTests {
  @Test func aSeedGivesTheSameRowsOnEveryMachine() {
    let data = DatasetSchema.allCases.map { DatasetSpec(name: $0.rawValue, rows: 10_000, popularity: .uniform(n: 10_000), schema: $0) }
    func text(_ dataset: DatasetSpec, _ id: Int) -> String {
      DatasetRows(dataset, among: data, seed: 1).values(id).map { value in
        switch value {
        case .integer(let number): "\(number)"
        case .text(let text): text
        case .blob(let bytes): String(decoding: bytes.prefix(8), as: UTF8.self)
        }
      }.joined(separator: ",")
    }
    let rows = data.flatMap { dataset in [1, 2, 10_000].map { text(dataset, $0) } }
    #expect(
      rows == [
        "1,nylon compass 1,16839,1,ZwOnYTyH", "2,cedar blanket 2,11020,1,7lE_vYJa", "10000,titanium rope 10000,20778,1,xyLaLJKw",
        "1,484,309,2857,delivered,1735690474", "2,442,5968,2400,delivered,1735693396", "10000,7,1578,3040,delivered,1767222506",
        "1,1,164,4,10468", "2,2,7,1,1880", "10000,10000,926,1,3683",
        "1,373,/product/28,1735689600000,2709", "2,152,/product/195,1735689615284,4379", "10000,354,/search,1735775992876,2193",
      ])
  }

  @Test func rowsReferToRowsThatAreThere() {
    let data = store(orders: 2_000).data
    let orders = DatasetRows(data[0], among: data, seed: 3)
    let items = DatasetRows(data[1], among: data, seed: 3)
    var byUser: [Int64: Int] = [:]
    var last: Int64 = 0
    for id in 1...2_000 {
      guard case .integer(let user)? = orders.value("user_id", id), case .integer(let placed)? = orders.value("placed", id) else {
        Issue.record("no integers")
        return
      }
      byUser[user, default: 0] += 1
      #expect((1...100).contains(user) && placed >= last)
      last = placed
    }
    // P(1) = √2 − 1 over √101 − 1 of the continuous law: 4.6 % of 2 000.
    #expect((60...130).contains(byUser[1] ?? 0) && byUser.count > 95)
    let owners = (1...6_000).compactMap { id -> Int64? in if case .integer(let order)? = items.value("order_id", id) { order } else { nil } }
    #expect(owners.count == 6_000 && owners == owners.sorted() && owners.first == 1 && owners.last == 2_000)
  }

  @Test func indexesAreInTheDatabaseAndUsed() throws {
    let query = "SELECT sum(amount) FROM orders WHERE user_id = :user_id"
    func plan(_ index: [[String]]?) throws -> (indexes: [String], plan: [String]) {
      let connection = try LabDatabase(store(orders: 500, index: index).data, seed: 1).connect()
      return (try connection.indexes(of: "orders"), try connection.plan(of: query))
    }
    let none = try plan(nil)
    #expect(none.indexes == [] && none.plan == ["SCAN orders"])
    let indexed = try plan([["user_id"]])
    #expect(indexed.indexes == ["orders_user_id"] && indexed.plan == ["SEARCH orders USING INDEX orders_user_id (user_id=?)"])
    let covering = try plan([["user_id", "amount"]])
    #expect(covering.plan == ["SEARCH orders USING COVERING INDEX orders_user_id_amount (user_id=?)"])
    #expect(throws: LabError.self) { try plan([["user"]]) }
  }

  @Test func aKeptDatabaseGetsTheIndexesThatAreDeclaredNow() throws {
    let folder = try LabFolder()
    func indexes(_ index: [[String]]?) throws -> [String] {
      let connection = try LabDatabase(store(orders: 20, index: index).data, seed: 1, folder: folder).connect()
      #expect(try connection.plan(of: "SELECT 1 FROM orders WHERE id = 20").count == 1)
      return try connection.indexes(of: "orders")
    }
    #expect(try indexes([["user_id"], ["status"]]) == ["orders_status", "orders_user_id"])
    #expect(try indexes([["placed"]]) == ["orders_placed"])
    #expect(try indexes(nil) == [])
  }

  @Test func anIndexSavesVirtualMachineStepsAndNotTheAnswer() throws {
    func totals(_ text: String, _ index: [[String]]?) throws -> BenchTotals {
      let job = BenchJob(subject: SubjectSpec(name: "s", work: .sql(text)), system: store(orders: 20_000, index: index), seed: 3)
      return try makeSubject(job).run(20)
    }
    let sum = "SELECT sum(amount) FROM orders WHERE user_id = :user_id"
    let none = try totals(sum, nil)
    let indexed = try totals(sum, [["user_id"]])
    let covering = try totals(sum, [["user_id", "amount"]])
    #expect(indexed.checksum == none.checksum && covering.checksum == none.checksum)
    let steps = try [none, indexed, covering].map { try #require($0.vmSteps) }
    #expect(Double(steps[0]) / Double(steps[1]) >= 50 && steps[2] < steps[1])
    #expect(none.counts.first == .init(name: "scan_steps", value: 20 * 19_999) && indexed.counts.first?.value == 0)
    // Another index gives the rows in another order.
    let rows = "SELECT id, amount FROM orders WHERE user_id = :user_id"
    let plain = try totals(rows, nil)
    #expect(try totals(rows, [["user_id", "amount"]]).checksum == plain.checksum && plain.counts.last?.value ?? 0 > 20)
    #expect(try totals(rows + " ORDER BY amount", nil).checksum != totals(rows + "\norder  by id", nil).checksum)
  }

  @Test func insertsTakeTheirValuesFromRowsAndCountThem() throws {
    let text = "INSERT INTO orders (user_id, product_id, amount, status, placed) VALUES (:user_id, :product_id, :amount, :status, :placed)"
    for index in [nil, [["user_id"], ["product_id"], ["amount"], ["placed"]]] as [[[String]]?] {
      let job = BenchJob(subject: SubjectSpec(name: "s", work: .sql(text)), system: store(orders: 100, index: index), seed: 3)
      let subject = try makeSubject(job)
      for _ in 0..<2 { #expect(try subject.run(30).counts == [.init(name: "scan_steps", value: 0), .init(name: "rows", value: 30)]) }
    }
    #expect(throws: LabError.self) {
      let other = SubjectSpec(name: "s", work: .sql("SELECT 1 FROM orders WHERE user_id = :user"))
      return try makeSubject(BenchJob(subject: other, system: store(orders: 100), seed: 3))
    }
  }
}

@Suite struct ReaderTests {
  private let sum = "SELECT sum(amount) FROM orders WHERE user_id = :user_id"
  private func subject(_ text: String, readers: Int? = nil, each: Bool? = nil) throws -> any LabSystems.BenchSubject {
    var spec = SubjectSpec(name: "s", work: .sql(text))
    spec.connectsEach = each
    return try makeSubject(BenchJob(subject: spec, system: store(orders: 2_000), seed: 3, readers: readers))
  }

  @Test func manyReadersGetTheAnswersOfOne() throws {
    let one = try subject(sum, readers: 1).run(3)
    #expect(one.counts == [.init(name: "scan_steps", value: 3 * 1_999), .init(name: "rows", value: 3), .init(name: "answers", value: 3)])
    let many = try subject(sum, readers: 9)
    let alone = try subject(sum, readers: 1).run(36)
    // However the answers are shared out, they are the same ones.
    for _ in 0..<5 { #expect(try many.run(4) == alone && alone.counts[0].value == 36 * 1_999) }
    #expect(try many.run(3).checksum != alone.checksum)
  }

  @Test func writersAreRefusedAndAFailureOfOneIsAFailureOfAll() throws {
    let insert = "INSERT INTO orders (user_id, product_id, amount, status, placed) VALUES (:user_id, :product_id, :amount, :status, :placed)"
    let error = #expect(throws: LabError.self) { try subject(insert, readers: 2) }
    #expect(error?.cause == "several readers ask a statement that writes")
    final class Failing: LabSystems.BenchSubject {
      func run(_ count: Int) throws -> BenchTotals { throw LabError(place: "x", cause: "failed", remedy: "none") }
    }
    #expect(throws: LabError.self) { try ReadersSubject([Failing(), Failing()], Turns()).run(1) }
  }

  @Test func aConnectionForEachAnswersAlikeAndWritesAlike() throws {
    #expect(try subject(sum, each: true).run(5) == subject(sum).run(5))
    let insert = "INSERT INTO orders (user_id, product_id, amount, status, placed) VALUES (:user_id, :product_id, :amount, :status, :placed)"
    #expect(try subject(insert, each: true).run(5).counts.last == .init(name: "rows", value: 5))
  }
}

@Suite struct TableExportTests {
  private func text(_ export: TableExport) -> String {
    var export = export
    var bytes: [UInt8] = []
    while let part = export.next() { bytes += part }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func theSameRowsInEveryFormat() throws {
    let dataset = DatasetSpec(name: "orders", rows: 2, popularity: .uniform(n: 2), schema: .orders, indexes: [["user_id"]])
    func text(_ format: TableExport.Format) throws -> String { self.text(try TableExport(dataset, among: [dataset], seed: 1, format: format)) }
    #expect(
      try text(.csv) == """
        id,user_id,product_id,amount,status,placed
        1,1,48,2857,delivered,1742058331
        2,1,626,2400,delivered,1757795881

        """)
    #expect(
      try text(.json) == """
        {"id":1,"user_id":1,"product_id":48,"amount":2857,"status":"delivered","placed":1742058331}
        {"id":2,"user_id":1,"product_id":626,"amount":2400,"status":"delivered","placed":1757795881}

        """)
    let sql = try text(.sql).split(separator: "\n")
    #expect(sql[0] == "BEGIN;" && sql[1].hasPrefix("CREATE TABLE \"orders\" (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL DEFAULT 0,"))
    #expect(
      sql[2...] == [
        "INSERT INTO \"orders\" VALUES (1, 1, 48, 2857, 'delivered', 1742058331);",
        "INSERT INTO \"orders\" VALUES (2, 1, 626, 2400, 'delivered', 1757795881);",
        "CREATE INDEX \"orders_user_id\" ON \"orders\" (user_id);", "COMMIT;",
      ])
  }

  @Test func anExportedTableIsTheLabs() throws {
    let data = DatasetSchema.allCases.map { DatasetSpec(name: $0.rawValue, rows: 300, popularity: .uniform(n: 300), schema: $0) }
    let lab = try LabDatabase(data, seed: 9).connect()
    let other = try SQLConnection(path: ":memory:")
    for dataset in data {
      try other.execute(text(try TableExport(dataset, among: data, seed: 9, format: .sql)))
      let query = "SELECT * FROM \(dataset.name) ORDER BY id"
      let body = String(buffer: try other.prepare(query, place: "test").run([]).body)
      #expect(body == String(buffer: try lab.prepare(query, place: "test").run([]).body) && body.count > 300 * 20)
    }
  }

  @Test func aStepAndIncidentsAreWhereTheySay() throws {
    let nights = (1...60).map { SeededSeries.nightly.values($0, of: 60, seed: 1) }
    func value(_ row: [ColumnValue], _ column: Int) -> Double { if case .integer(let number) = row[column] { Double(number) } else { .nan } }
    let before = nights[..<40].map { value($0, 1) }.reduce(0, +) / 40
    let after = nights[40...].map { value($0, 1) }.reduce(0, +) / 20
    #expect(abs(after / before - 1.06) < 0.02)
    #expect(nights[0][0] == .text("2026-01-01") && nights[58][0] == .text("2026-02-28") && nights[59][0] == .text("2026-03-01"))
    let days = (1...2880).map { SeededSeries.latency.values($0, of: 2880, seed: 1) }
    #expect(days.filter { $0[3] == .integer(1) }.count == 40)
    let worst = days.filter { $0[3] == .integer(1) }.map { value($0, 2) }.reduce(0, +) / 40
    let usual = days.filter { $0[3] == .integer(0) }.map { value($0, 2) }.reduce(0, +) / 2840
    #expect(worst > 1.2 * usual)
  }

  @Test func datesAreThoseOfTheCalendar() {
    #expect([0, 59, 19_782, 20_454].map(calendarDate) == ["1970-01-01", "1970-03-01", "2024-02-29", "2026-01-01"])
  }
}

extension DatasetRows {
  /// Of a column by its name.
  fileprivate func value(_ name: String, _ id: Int) -> ColumnValue? {
    dataset.columns.firstIndex { $0.name == name }.map { value(at: $0, id) }
  }
}

// How commands come to the saved results, and what is said when the database is damaged.

import Glibc
import ResultStore
import TextModel

extension Workspace {
  /// Opens the results database, or makes it; says so when it was damaged and what was saved of it.
  ///
  /// - Parameter forWriting: it is looked through first, so that nothing is written into a damaged one.
  /// - Throws: `store-unusable`.
  func openStore(forWriting: Bool) throws(FileError) -> ResultStore {
    try makeFolder(state)
    do {
      let store = try ResultStore(path: store, checks: forWriting ? .always : .afterCrash)
      if let salvage = store.salvage {
        Output.failure(Diagnostic("store-salvaged", .warning, salvage.text, remedy: salvage.remedy, path: self.store))
      }
      return store
    } catch let error as StoreError {
      throw FileError(error, self)
    } catch {
      throw FileError("store-unusable", "\(error)", remedy: nil, path: store)
    }
  }

  /// The same for what is shown beside something else: nil where there is none, or where it cannot be used, which is said.
  func storeToRead() -> ResultStore? {
    guard access(store, F_OK) == 0 || ResultStore.isSalvaged(path: store) else { return nil }
    do throws(FileError) { return try openStore(forWriting: false) } catch {
      var warning = error.diagnostic
      warning.severity = .warning
      Output.failure(warning)
      return nil
    }
  }
}

extension StoreError {
  func diagnostic(_ workspace: Workspace) -> Diagnostic { FileError(self, workspace).diagnostic }
}

extension FileError {
  fileprivate init(_ error: StoreError, _ workspace: Workspace) {
    self.init("store-unusable", error.cause, remedy: error.remedy, path: workspace.store)
  }
}

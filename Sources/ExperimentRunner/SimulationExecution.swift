// Simulation cells: the model's arms become a result that says how often it was repeated.

import ExperimentModel
import SimulationKernel

extension Runner {
  func runSimulation(_ cell: Cell, _ sim: SimCell, into result: inout CellResult) throws {
    result.arms = try simulate(sim, quick: options.quick, cancelled: cancelled)
    result.columns = ["hit_ratio", "lfu_bound"].filter { name in result.arms.contains { $0.metrics[name] != nil } }
    result.doubts.append(
      Doubt(id: "simulated", text: "simulated: \(sim.replications) seeded replications of the model `\(sim.model)`, no request was sent"))
  }
}

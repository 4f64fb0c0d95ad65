/** The provider simulator in a process of its own, so that it takes no time from who calls it. Prints its URL. */
import { startSimulator } from "../../dev/simulator/simulator.ts"

const simulator = await startSimulator()
console.log(simulator.url)

export { type LoadPlan, type LoadRequest, type LoadResult, runLoad } from './load.ts';
export { type Figure, interleave, median, meetsAim, report } from './measure.ts';
export {
  type EchoServer,
  mostResidentBytes,
  onCore,
  pinToCore,
  processorMs,
  residentBytes,
  startEcho,
} from './processes.ts';

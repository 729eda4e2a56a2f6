export { describeGraph } from './describe-graph.ts';
export { describeRemote } from './describe-remote.ts';
export {
  type LoadedModel,
  type ModelCall,
  openModel,
  type RuntimeContext,
  type RuntimeHosts,
  type ScoredPiece,
} from './open-model.ts';
export { OtherRows } from './other-rows.ts';
export { badScore, predictionOf, sampleRows } from './prediction.ts';
export { datatypeOf, datatypes } from './tensor-bytes.ts';

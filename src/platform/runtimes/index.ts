export { describeGraph } from './describe-graph.ts';
export { describeRemote } from './describe-remote.ts';
export { type LoadedModel, openModel, type RuntimeContext, type RuntimeHosts } from './open-model.ts';
export { predictionOf, sampleRows } from './prediction.ts';

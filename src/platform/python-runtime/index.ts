export { PythonHost, type PythonHostOptions } from './python-host.ts';
export type { PythonCall, PythonModel } from './python-model.ts';
export { PieceJoiner, type StreamPiece } from './stream-pieces.ts';

export { type ImportedOnnx, importOnnx } from './import.ts';
export { importOnnxAside } from './import-aside.ts';
export { OnnxModel, type OnnxPackage, type Prediction } from './model.ts';
export { ModelPlacer, type PlacedModel, type Placement } from './place-model.ts';
export { cellRows, type FlatCells, FlatRows, type RowBlock } from './row-block.ts';
export { chooseScore } from './score.ts';
export { runtimeMessage } from './session.ts';
export {
  cellDimensions,
  cellReader,
  hiddenDimensionsOf,
  isList,
  isNumberArray,
  joinedCells,
  listOf,
  nestedCell,
  reshapedDimensions,
} from './shaped-cells.ts';
export { type Answered, type ColumnValues, describe, type OutputTensor } from './tensors.ts';
export { ThreadStopped } from './thread-session.ts';
export { valueJson, valuesJson } from './value-json.ts';

export { type ImportedOnnx, importOnnx } from './import.ts';
export { OnnxModel, type OnnxPackage, type Prediction, runtimeMessage } from './model.ts';
export { chooseScore } from './score.ts';
export { type ColumnValues, describe, type OutputTensor } from './tensors.ts';
export { valueJson, valuesJson } from './value-json.ts';

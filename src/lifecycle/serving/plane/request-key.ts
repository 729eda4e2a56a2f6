import { hash } from 'node:crypto';
import {
  cellDimensions,
  hiddenDimensionsOf,
  isNumberArray,
  type RowBlock,
} from '../../../platform/onnx/index.ts';

/**
 * Digest of what a model is asked. Two requests have one only when all their cells are the same.
 *
 * @param prefix what else they must have in common, as text
 */
export function requestKey(block: RowBlock, prefix: string): string {
  let text = `${prefix}\n`;
  for (let i = 0; i < block.rowCount; i++) text += JSON.stringify(block.row(i), exact);
  return hash('sha256', text, 'base64');
}

/** Values that JSON would write alike though they are not. */
function exact(_: string, value: unknown): unknown {
  if (value === undefined) return { omitted: true };
  if (typeof value === 'bigint') return { int: String(value) };
  if (typeof value === 'number' && (Object.is(value, -0) || !Number.isFinite(value)))
    return { number: Object.is(value, -0) ? '-0' : String(value) };
  if (isNumberArray(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return {
      numbers: value.constructor.name,
      dimensions: cellDimensions(value),
      bytes: bytes.toString('base64'),
    };
  }
  const dimensions = hiddenDimensionsOf(value);
  return dimensions ? { dimensions } : value;
}

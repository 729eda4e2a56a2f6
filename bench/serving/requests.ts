import { readProto } from '../../src/surfaces/inference/grpc/messages.ts';
import { FEATURES, imageShape } from './millrace.ts';

const kinds = 256;

/** The rows of the requests: values within the contract's range, four digits each. */
export function rowsOf(request: number, count: number): number[][] {
  return Array.from({ length: count }, (_, row) =>
    Array.from({ length: FEATURES }, (_, f) =>
      Number(Math.abs(Math.sin(request * 31 + row * 7 + f)).toFixed(4)),
    ),
  );
}

const each = <T>(make: (request: number) => T): T[] => Array.from({ length: kinds }, (_, i) => make(i));

/** Requests of the Open Inference Protocol as JSON. */
export function jsonBodies(rows: number): string[] {
  return each((i) =>
    JSON.stringify({
      inputs: [{ name: 'features', datatype: 'FP32', shape: [rows, FEATURES], data: rowsOf(i, rows).flat() }],
      parameters: { entity: `customer-${i}` },
    }),
  );
}

/** The same with the tensors of request and answer as bytes, base64; all have JSON of one length in front. */
export function binaryBodies(rows: number): { readonly bodies: string[]; readonly jsonBytes: number } {
  const heads = each((i) =>
    JSON.stringify({
      inputs: [
        {
          name: 'features',
          datatype: 'FP32',
          shape: [rows, FEATURES],
          parameters: { binary_data_size: rows * FEATURES * 4 },
        },
      ],
      parameters: { entity: `customer-${i}`, binary_data_output: true },
    }),
  );
  const jsonBytes = Math.max(...heads.map((head) => head.length));
  const bodies = heads.map((head, i) =>
    Buffer.concat([Buffer.from(head.padEnd(jsonBytes)), tensor(i, rows)]).toString('base64'),
  );
  return { bodies, jsonBytes };
}

/** An image as JSON, and as bytes with the answer as bytes too (base64), with the length of the JSON in front. */
export function imageBodies(): {
  readonly json: string;
  readonly binary: string;
  readonly jsonBytes: number;
} {
  const pixels = Float32Array.from({ length: imageShape.reduce((a, b) => a * b) }, (_, i) => (i % 256) / 256);
  const input = { name: 'x', datatype: 'FP32', shape: [1, ...imageShape] };
  const parameters = { binary_data_size: pixels.byteLength };
  const head = Buffer.from(
    JSON.stringify({ inputs: [{ ...input, parameters }], parameters: { binary_data_output: true } }),
  );
  return {
    json: JSON.stringify({ inputs: [{ ...input, data: Array.from(pixels) }] }),
    binary: Buffer.concat([head, Buffer.from(pixels.buffer)]).toString('base64'),
    jsonBytes: head.length,
  };
}

/** The same as messages of gRPC, base64. */
export function grpcMessages(endpoint: string, rows: number): string[] {
  const type = readProto('inference').lookupType('inference.ModelInferRequest');
  return each((i) =>
    Buffer.from(
      type
        .encode(
          type.fromObject({
            model_name: endpoint,
            parameters: { entity: { string_param: `customer-${i}` } },
            inputs: [{ name: 'features', datatype: 'FP32', shape: [rows, FEATURES] }],
            raw_input_contents: [tensor(i, rows)],
          }),
        )
        .finish(),
    ).toString('base64'),
  );
}

function tensor(request: number, rows: number): Buffer {
  return Buffer.from(Float32Array.from(rowsOf(request, rows).flat()).buffer);
}

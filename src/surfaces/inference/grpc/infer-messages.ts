/** Messages of inference.proto as protobufjs reads them: fields that were not sent have their standard values. */

/** A 64-bit integer: a number, or what protobufjs makes of one. */
type Int64 = number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

export interface InferParameter {
  /** Which of the members was sent. */
  readonly parameter_choice?: 'bool_param' | 'int64_param' | 'string_param' | 'double_param' | 'uint64_param';
  readonly bool_param?: boolean;
  readonly int64_param?: Int64;
  readonly string_param?: string;
  readonly double_param?: number;
  readonly uint64_param?: Int64;
}
type InferParameters = Readonly<Record<string, InferParameter>>;

export interface TensorContents {
  readonly bool_contents: readonly boolean[];
  readonly int_contents: readonly number[];
  readonly int64_contents: readonly Int64[];
  readonly uint_contents: readonly number[];
  readonly uint64_contents: readonly Int64[];
  readonly fp32_contents: readonly number[];
  readonly fp64_contents: readonly number[];
  readonly bytes_contents: readonly Uint8Array[];
}

export interface InferInputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly Int64[];
  readonly parameters: InferParameters;
  readonly contents: TensorContents | null;
}

export interface ModelInferRequest {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: InferParameters;
  readonly inputs: readonly InferInputTensor[];
  readonly outputs: readonly { readonly name: string; readonly parameters: InferParameters }[];
  readonly raw_input_contents: readonly Uint8Array[];
}

export interface ModelInferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: InferParameters;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
  }[];
  readonly raw_output_contents: readonly Uint8Array[];
}

/** A number where it is exact, else a BigInt. */
export function integerOf(value: Int64): number | bigint {
  if (typeof value === 'number') return value;
  const { low, high, unsigned } = value;
  const upper = unsigned ? high >>> 0 : high;
  const number = upper * 2 ** 32 + (low >>> 0);
  return Number.isSafeInteger(number) ? number : (BigInt(upper) << 32n) | BigInt(low >>> 0);
}

/** Parameters as the JSON of the REST protocol has them. */
export function plainParameters(parameters: InferParameters): Record<string, unknown> {
  const plain: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(parameters)) {
    const parameter = parameters[name] as InferParameter;
    const choice = parameter.parameter_choice;
    if (choice === undefined) continue;
    const value = parameter[choice];
    plain[name] = typeof value === 'object' ? integerOf(value) : value;
  }
  return plain;
}

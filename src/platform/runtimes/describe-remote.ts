import { fail } from '../../core/errors.ts';
import {
  columnTypes,
  type PackageManifest,
  packageManifestSchema,
  type RemoteRuntime,
} from '../../core/model-package.ts';
import { chooseScore } from '../onnx/index.ts';
import { OipClient, type RemoteTensor } from './oip-client.ts';
import { kindOf, type TensorKind } from './tensor-bytes.ts';

/**
 * The manifest of a model on another server, as its metadata tell. A first dimension of -1 counts rows; where an
 * input has another, the tensors of a request are one row. Inputs of one value a row are columns. Binary tensors are
 * used where the server lists them. Throws `package_refused` for a datatype that has no form here,
 * `remote_unavailable`, `remote_timeout`, `remote_failed`.
 *
 * @param remote `binary` left out: as the server says
 */
export async function describeRemote(
  model: string,
  remote: Omit<RemoteRuntime, 'binary'> & { readonly binary?: boolean | undefined },
): Promise<PackageManifest> {
  const client = new OipClient({ ...remote, binary: false });
  try {
    const { inputs, outputs } = await client.metadata();
    const binary = remote.binary ?? (await client.knowsBinary());
    const whole = inputs.some(({ shape }) => shape[0] !== -1);
    const rowOf = ({ shape }: RemoteTensor) => {
      const row = whole ? shape : shape.slice(1);
      return !whole && row.length === 1 && row[0] === 1 ? [] : row;
    };
    const asTensors = whole || inputs.some((tensor) => rowOf(tensor).length > 0);
    const graphOutputs = outputs.map((t) => ({ name: t.name, ...kindOfTensor(t), shape: t.shape }));
    const widths = Object.fromEntries(
      outputs.map((t) => [t.name, rowOf(t).reduce((n, d) => (d < 0 ? Number.NaN : n * d), 1)]),
    );
    const field = (t: RemoteTensor) => ({
      name: t.name,
      type: columnTypes[kindOfTensor(t).type],
      required: true,
      shape: rowOf(t),
    });
    return packageManifestSchema.parse({
      formatVersion: 1,
      model,
      runtime: { ...remote, binary },
      onnx: null,
      signature: { inputs: inputs.map(field), outputs: outputs.map(field) },
      graph: {
        inputs: inputs.map((t) => ({ name: t.name, ...kindOfTensor(t), shape: t.shape, columns: [t.name] })),
        outputs: graphOutputs,
      },
      score: whole ? null : chooseScore(graphOutputs, widths),
      classes: null,
      contract: null,
      sample: [],
      ...(asTensors ? { tensors: whole ? 'whole' : 'rows' } : {}),
    });
  } finally {
    client.close();
  }
}

function kindOfTensor({ name, datatype }: RemoteTensor): TensorKind {
  const kind = kindOf(datatype);
  if (kind) return kind;
  throw fail('package_refused', {
    problem: `its tensor "${name}" is ${datatype}`,
    remedy: 'Have the server take and give numbers, booleans or texts of another type.',
  });
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { installationDirectory } from '../../../core/installation.ts';

const folder = join(installationDirectory, 'src/surfaces/inference/grpc/proto');

/** The .proto files that this server speaks, by the package that each declares. */
const files = {
  inference: 'inference.proto',
  'grpc.health.v1': 'health.proto',
  'grpc.reflection.v1': 'reflection-v1.proto',
  'grpc.reflection.v1alpha': 'reflection-v1alpha.proto',
} as const;
export type ProtoPackage = keyof typeof files;

export const protoPackages = Object.keys(files) as readonly ProtoPackage[];

/** Reads a .proto file. Fields keep their names with underscores, as the JSON of the REST protocol has them. */
export function readProto(name: ProtoPackage): protobuf.Root {
  return protobuf.parse(readFileSync(join(folder, files[name]), 'utf8'), new protobuf.Root(), {
    keepCase: true,
  }).root;
}

/** Bytes of messages of one type; objects have the fields of the .proto file, absent ones their standard values. */
export interface MessageCodec {
  readonly decode: (bytes: Uint8Array) => object;
  readonly encode: (message: object) => Uint8Array;
}

export function codecOf(type: protobuf.Type): MessageCodec {
  return {
    decode: (bytes) => type.decode(bytes),
    encode: (message) => type.encode(message as protobuf.Message).finish(),
  };
}

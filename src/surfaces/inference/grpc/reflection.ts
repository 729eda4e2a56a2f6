import type protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { type ProtoPackage, protoPackages, readProto } from './messages.ts';
import type { Handler, StreamCall } from './methods.ts';
import { grpcStatus } from './status.ts';

export const reflectionServices = [
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
] as const;

interface ReflectionRequest {
  readonly host: string;
  readonly message_request?: string;
  readonly file_by_filename: string;
  readonly file_containing_symbol: string;
  readonly all_extension_numbers_of_type: string;
}

interface DescribedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Full names of services, methods, messages, enums and fields. */
  readonly symbols: ReadonlySet<string>;
}

/** Server reflection: the .proto files of this server, for clients that know none of them. */
export function reflectionHandlers(services: readonly string[]): Readonly<Record<string, Handler>> {
  let files: readonly DescribedFile[] | null = null;
  return {
    ServerReflectionInfo: {
      stream: async (call: StreamCall) => {
        files ??= protoPackages.map(describeFile);
        for await (const request of call.messages as AsyncIterable<ReflectionRequest>) {
          await call.send({
            valid_host: request.host,
            original_request: request,
            ...answerTo(request, files, services),
          });
        }
      },
    },
  };
}

function answerTo(
  request: ReflectionRequest,
  files: readonly DescribedFile[],
  services: readonly string[],
): object {
  switch (request.message_request) {
    case 'list_services':
      return { list_services_response: { service: services.map((name) => ({ name })) } };
    case 'file_by_filename':
      return fileAnswer(files.find((file) => file.name === request.file_by_filename));
    case 'file_containing_symbol':
      return fileAnswer(files.find((file) => file.symbols.has(request.file_containing_symbol)));
    case 'all_extension_numbers_of_type': {
      const type = request.all_extension_numbers_of_type;
      const known = files.some((file) => file.symbols.has(type));
      return known ? { all_extension_numbers_response: { base_type_name: type } } : notFound();
    }
    case 'file_containing_extension':
      return notFound();
    default:
      return error(grpcStatus.invalidArgument, 'the request asks for nothing that is known');
  }
}

function fileAnswer(file: DescribedFile | undefined): object {
  return file ? { file_descriptor_response: { file_descriptor_proto: [file.bytes] } } : notFound();
}

function notFound(): object {
  return error(grpcStatus.notFound, 'there is no such file, symbol or extension');
}

function error(code: number, message: string): object {
  return { error_response: { error_code: code, error_message: message } };
}

function describeFile(name: ProtoPackage): DescribedFile {
  const root = readProto(name).resolveAll();
  const set = (
    root as protobuf.Root & { toDescriptor(syntax: string): descriptor.IFileDescriptorSet }
  ).toDescriptor('proto3');
  const file = set.file?.find((f) => f.package === name);
  if (!file) throw new Error(`${name} has no descriptor`);
  file.messageType?.forEach(nameMapEntries);
  const bytes = descriptor.FileDescriptorProto.encode(file).finish();
  return { name: file.name ?? name, bytes, symbols: symbolsOf(root.lookup(name) as protobuf.Namespace) };
}

/** The message behind a map field `some_labels` must be `SomeLabelsEntry`; protobufjs says `Some_labels`, which Go refuses. */
function nameMapEntries(message: descriptor.IDescriptorProto): void {
  for (const entry of message.nestedType ?? []) {
    nameMapEntries(entry);
    if (!entry.options?.mapEntry) continue;
    const name = entry.name ?? '';
    entry.name = `${name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())}Entry`;
    for (const field of message.field ?? []) if (field.typeName === name) field.typeName = entry.name;
  }
}

function symbolsOf(namespace: protobuf.NamespaceBase, symbols = new Set<string>()): Set<string> {
  for (const member of namespace.nestedArray) {
    symbols.add(member.fullName.slice(1));
    for (const inner of [...('methodsArray' in member ? (member.methodsArray as protobuf.Method[]) : [])]) {
      symbols.add(`${member.fullName.slice(1)}.${inner.name}`);
    }
    if ('nestedArray' in member) symbolsOf(member as protobuf.NamespaceBase, symbols);
  }
  return symbols;
}

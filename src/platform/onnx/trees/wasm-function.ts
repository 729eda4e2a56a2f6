/** Bytes of instructions. A number names a parameter or, behind all parameters, a local variable. */
export type Code = readonly number[];

/**
 * WebAssembly's instructions, as many as are used here: `i32` are whole numbers and addresses in bytes, `f64` doubles.
 * Source: https://webassembly.github.io/spec/core/binary/instructions.html
 */
export const wasm = {
  get: (variable: number): Code => [0x20, ...unsigned(variable)],
  /** Takes a value from the stack. */
  set: (variable: number): Code => [0x21, ...unsigned(variable)],
  constant: (value: number): Code => [0x41, ...signed(value)],
  /** The number so many bytes behind an address. */
  loadI32: (offset: number): Code => [0x28, 2, ...unsigned(offset)],
  loadF64: (offset: number): Code => [0x2b, 3, ...unsigned(offset)],
  storeI32: (offset: number): Code => [0x36, 2, ...unsigned(offset)],
  add: [0x6a],
  or: [0x72],
  xor: [0x73],
  shiftLeft: [0x74],
  shiftRight: [0x76],
  /** 1 where a whole number is 0, else 0. */
  not: [0x45],
  /** 1 where the first of two addresses is less, else 0. */
  isBelow: [0x49],
  /** 1 where the first of two doubles is at most the second, else 0: of NaN too. */
  isAtMost: [0x65],
  /** Runs `body`, and once more as long as `condition` leaves something else than 0. */
  repeat: (body: Code, condition: Code): Code => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b],
} as const;

/** What is used of the global, which Node.js has and its types do not tell of. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
};

/** A function with a memory of its own, which starts with zeros. */
interface WasmFunction {
  readonly memory: ArrayBuffer;
  readonly run: (...parameters: readonly number[]) => void;
}

const i32 = 0x7f;
const pageBytes = 65536;

/**
 * Compiles a function over whole numbers that gives nothing back. What is returned makes one with a memory of at least so
 * many bytes, and throws RangeError where the system gives no more.
 * Source: https://webassembly.github.io/spec/core/binary/modules.html
 */
export function compileFunction(
  { parameters, locals }: { readonly parameters: number; readonly locals: number },
  body: Code,
): (memoryBytes: number) => WasmFunction {
  const code = [1, ...unsigned(locals), i32, ...body, 0x0b];
  const module = new WebAssembly.Module(
    Uint8Array.from([
      ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
      ...section(1, [1, 0x60, ...unsigned(parameters), ...new Array<number>(parameters).fill(i32), 0]),
      ...section(2, [1, ...name('host'), ...name('memory'), 2, 0, 0]),
      ...section(3, [1, 0]),
      ...section(7, [1, ...name('run'), 0, 0]),
      ...section(10, [1, ...unsigned(code.length), ...code]),
    ]),
  );
  return (memoryBytes) => {
    const pages = Math.ceil(memoryBytes / pageBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(module, { host: { memory } });
    return { memory: memory.buffer, run: exports.run as WasmFunction['run'] };
  };
}

const section = (id: number, bytes: Code): Code => [id, ...unsigned(bytes.length), ...bytes];

const name = (text: string): Code => [text.length, ...Buffer.from(text)];

/** LEB128: seven bits a byte, the lowest first. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** The same with a sign, which is the second highest bit of the last byte. */
function signed(value: number): Code {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

/** What the kernel hands to a filter (`struct seccomp_data`), as far as it matters here. */
export interface SystemCall {
  readonly number: number;
  readonly architecture: number;
  /** 64 bits each. */
  readonly arguments: readonly bigint[];
}

export const X86_64 = 0xc000003e;

function data({ number, architecture, arguments: words }: SystemCall): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, number >>> 0, true);
  view.setUint32(4, architecture, true);
  words.forEach((word, position) => view.setBigUint64(16 + 8 * position, word, true));
  return view;
}

/**
 * Runs a filter as the kernel does, by the meaning of classic BPF alone, and refuses what the kernel's own check would:
 * unknown instructions, jumps out of the program, loads out of the data, an end without a return.
 */
export function evaluate(program: Uint8Array, call: SystemCall): number {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const count = program.byteLength / 8;
  const input = data(call);
  let accumulator = 0;
  for (let at = 0; at < count; at++) {
    const operation = code.getUint16(8 * at, true);
    const [whenTrue, whenFalse] = [code.getUint8(8 * at + 2), code.getUint8(8 * at + 3)];
    const k = code.getUint32(8 * at + 4, true);
    switch (operation) {
      case 0x20:
        if (k % 4 !== 0 || k >= 64) throw new Error(`load at ${k}`);
        accumulator = input.getUint32(k, true);
        break;
      case 0x05:
        at += k;
        break;
      case 0x15:
        at += accumulator === k ? whenTrue : whenFalse;
        break;
      case 0x35:
        at += accumulator >= k ? whenTrue : whenFalse;
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`instruction ${operation.toString(16)}`);
    }
  }
  throw new Error('the program ends without an answer');
}

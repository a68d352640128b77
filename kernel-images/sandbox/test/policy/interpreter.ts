/** The input of a filter (`struct seccomp_data`), without the instruction pointer. */
export interface SystemCall {
  readonly number: number;
  readonly architecture: number;
  /** Unsigned 64-bit integers. */
  readonly arguments: readonly bigint[];
}

/** The architecture of 64-bit system calls (`AUDIT_ARCH_X86_64`). */
export const X86_64 = 0xc000003e;

function data({ number, architecture, arguments: words }: SystemCall): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, number >>> 0, true);
  view.setUint32(4, architecture, true);
  words.forEach((word, position) => view.setBigUint64(16 + 8 * position, word, true));
  return view;
}

/**
 * Runs a filter as the kernel does: an independent interpreter of the classic BPF instructions that our filters use.
 *
 * @param program - `struct sock_filter` records
 * @param call - the system call to decide about
 * @returns the action of the filter, such as SECCOMP_RET_ALLOW
 * @throws Error for programs that the kernel would refuse: unknown instructions, jumps out of the program, loads
 * outside the data, and an end without a return
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
        if (k % 4 !== 0 || k >= 64) throw new Error(`The program loads from invalid offset ${k}.`);
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
        throw new Error(`The program has unknown instruction 0x${operation.toString(16)}.`);
    }
  }
  throw new Error('The program ends without a return.');
}

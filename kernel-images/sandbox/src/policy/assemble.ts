import { syscallNumber } from './syscalls.js';
import { RULES, type Condition, type Rules } from './rules.js';

/** One instruction of classic BPF (`struct sock_filter`). */
interface Instruction {
  readonly code: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly k: number;
}

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP = 0x05; // BPF_JMP | BPF_JA
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

// Offsets in struct seccomp_data.
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;

const AUDIT_ARCH_X86_64 = 0xc000003e;
const X32_BIT = 0x40000000;

const EPERM = 1;
const ENOSYS = 38;

const instruction = (code: number, k: number, whenTrue = 0, whenFalse = 0): Instruction => ({
  code,
  whenTrue,
  whenFalse,
  k
});

const load = (offset: number): Instruction => instruction(LOAD, offset);
const killProcess = instruction(RETURN, 0x80000000);
const allow = instruction(RETURN, 0x7fff0000);
const fail = (errno: number): Instruction => instruction(RETURN, 0x00050000 | errno);

type Block = readonly Instruction[];

/** Returns instructions that continue when the condition holds and otherwise refuse the call with EPERM. */
function check(condition: Condition): Block {
  const low = ARGUMENTS_AT + 8 * condition.argument;
  const high: Block =
    condition.width === 64 ? [load(low + 4), instruction(JUMP_EQUAL, 0, 1, 0), fail(EPERM)] : [];
  const mask: Block = condition.mask === undefined ? [] : [instruction(AND, condition.mask >>> 0)];
  const comparisons = condition.oneOf.map((value, position) =>
    instruction(JUMP_EQUAL, value, condition.oneOf.length - position)
  );
  return [...high, load(low), ...mask, ...comparisons, fail(EPERM)];
}

/** The action for the system calls from number `from` to the start of the next span. */
interface Span {
  readonly from: number;
  readonly block: Block;
}

/**
 * Returns the actions of all system calls in the order of their numbers. Neighbours with the same action are one span.
 */
function spans(rules: Rules): Span[] {
  const blocks = new Map<number, Block>();
  const add = (name: string, block: Block): void => {
    const number = syscallNumber(name);
    if (blocks.has(number)) throw new RangeError(`The policy lists the system call "${name}" twice.`);
    blocks.set(number, block);
  };
  const allowed: Block = [allow];
  const refused: Block = [fail(EPERM)];
  const unknown: Block = [fail(ENOSYS)];
  for (const name of rules.allowed) add(name, allowed);
  for (const name of rules.refused) add(name, refused);
  for (const [name, conditions] of rules.conditional) add(name, [...conditions.flatMap(check), allow]);
  const result: Span[] = [{ from: 0, block: blocks.get(0) ?? unknown }];
  const last = Math.max(...blocks.keys());
  for (let number = 1; number <= last + 1; number++) {
    const block = blocks.get(number) ?? unknown;
    if (block !== result.at(-1)?.block) result.push({ from: number, block });
  }
  return result;
}

/** Returns a binary search over the spans. */
function searchTree(parts: readonly Span[]): Block {
  const middle = parts.length >> 1;
  const pivot = parts[middle];
  if (middle === 0 || pivot === undefined) return parts[0]?.block ?? [];
  const below = searchTree(parts.slice(0, middle));
  const above = searchTree(parts.slice(middle));
  const branch: Block =
    below.length <= 255
      ? [instruction(JUMP_AT_LEAST, pivot.from, below.length)]
      : [instruction(JUMP_AT_LEAST, pivot.from, 0, 1), instruction(JUMP, below.length)];
  return [...branch, ...below, ...above];
}

/**
 * Translates the rules to a seccomp filter: `struct sock_filter` records, little-endian, with the same bytes on every
 * machine. A system call of another architecture (32-bit, x32) kills the whole process.
 *
 * @throws RangeError when a name is unknown or listed twice, or the filter has more than 4096 instructions
 */
export function assemblePolicy(rules: Rules): Uint8Array {
  const program: Block = [
    load(ARCHITECTURE_AT),
    instruction(JUMP_EQUAL, AUDIT_ARCH_X86_64, 1),
    killProcess,
    load(NUMBER_AT),
    instruction(JUMP_AT_LEAST, X32_BIT, 0, 1),
    killProcess,
    ...searchTree(spans(rules))
  ];
  if (program.length > 4096)
    throw new RangeError(
      `The policy has ${program.length} instructions, but the kernel accepts at most 4096.`
    );
  const bytes = new DataView(new ArrayBuffer(8 * program.length));
  program.forEach(({ code, whenTrue, whenFalse, k }, position) => {
    bytes.setUint16(8 * position, code, true);
    bytes.setUint8(8 * position + 2, whenTrue);
    bytes.setUint8(8 * position + 3, whenFalse);
    bytes.setUint32(8 * position + 4, k, true);
  });
  return new Uint8Array(bytes.buffer);
}

/** Returns the content of the file `policy.bpf` in a kernel image. */
export function policyBytes(): Uint8Array {
  return assemblePolicy(RULES);
}

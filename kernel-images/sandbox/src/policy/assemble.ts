import { syscallNumber } from './syscalls.js';
import type { Condition, Rules } from './rules.js';

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

// struct seccomp_data
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
const kill = instruction(RETURN, 0x80000000);
const allow = instruction(RETURN, 0x7fff0000);
const answer = (errno: number): Instruction => instruction(RETURN, 0x00050000 | errno);

type Block = readonly Instruction[];

/** Falls through when the condition holds; else leaves with EPERM. */
function check(condition: Condition): Block {
  const low = ARGUMENTS_AT + 8 * condition.argument;
  const high: Block =
    condition.width === 64 ? [load(low + 4), instruction(JUMP_EQUAL, 0, 1, 0), answer(EPERM)] : [];
  const mask: Block = condition.mask === undefined ? [] : [instruction(AND, condition.mask >>> 0)];
  const comparisons = condition.oneOf.map((value, position) =>
    instruction(JUMP_EQUAL, value, condition.oneOf.length - position)
  );
  return [...high, load(low), ...mask, ...comparisons, answer(EPERM)];
}

/** What is done with the system calls from `from` on, up to the next span. */
interface Span {
  readonly from: number;
  readonly block: Block;
}

/** All numbers in order, neighbours with the same answer as one span. */
function spans(rules: Rules): Span[] {
  const blocks = new Map<number, Block>();
  const add = (name: string, block: Block): void => {
    const number = syscallNumber(name);
    if (blocks.has(number)) throw new RangeError(`The policy names "${name}" twice.`);
    blocks.set(number, block);
  };
  const allowed: Block = [allow];
  const refused: Block = [answer(EPERM)];
  const unknown: Block = [answer(ENOSYS)];
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

/** A search tree over the spans: each comparison halves them. */
function tree(parts: readonly Span[]): Block {
  const middle = parts.length >> 1;
  const pivot = parts[middle];
  if (middle === 0 || pivot === undefined) return parts[0]?.block ?? [];
  const below = tree(parts.slice(0, middle));
  const above = tree(parts.slice(middle));
  const branch: Block =
    below.length <= 255
      ? [instruction(JUMP_AT_LEAST, pivot.from, below.length)]
      : [instruction(JUMP_AT_LEAST, pivot.from, 0, 1), instruction(JUMP, below.length)];
  return [...branch, ...below, ...above];
}

/**
 * The filter as the kernel takes it: `struct sock_filter` records, little-endian, the same bytes on every machine. A
 * call by another architecture's table (32 bit, x32) kills the whole process.
 */
export function assemblePolicy(rules: Rules): Uint8Array {
  const program: Block = [
    load(ARCHITECTURE_AT),
    instruction(JUMP_EQUAL, AUDIT_ARCH_X86_64, 1),
    kill,
    load(NUMBER_AT),
    instruction(JUMP_AT_LEAST, X32_BIT, 0, 1),
    kill,
    ...tree(spans(rules))
  ];
  if (program.length > 4096)
    throw new RangeError(`The policy has ${program.length} instructions; 4096 are the most.`);
  const bytes = new DataView(new ArrayBuffer(8 * program.length));
  program.forEach(({ code, whenTrue, whenFalse, k }, position) => {
    bytes.setUint16(8 * position, code, true);
    bytes.setUint8(8 * position + 2, whenTrue);
    bytes.setUint8(8 * position + 3, whenFalse);
    bytes.setUint32(8 * position + 4, k, true);
  });
  return new Uint8Array(bytes.buffer);
}

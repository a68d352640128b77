import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assemblePolicy, policyBytes } from '../../src/policy/assemble.js';
import { RULES } from '../../src/policy/rules.js';
import { SYSCALLS } from '../../src/policy/syscalls.js';
import { kernelHeaders } from '../support/zig.js';
import { evaluate, X86_64 } from './interpreter.js';

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;

const program = policyBytes();

function action(name: string | number, ...words: readonly (number | bigint)[]): number {
  const number = typeof name === 'number' ? name : SYSCALLS.get(name);
  if (number === undefined) throw new Error(`There is no system call ${name}.`);
  return evaluate(program, { number, architecture: X86_64, arguments: words.map(BigInt) });
}

describe('the table of system calls', () => {
  it('is the same as in the kernel headers', async () => {
    const header = await readFile(join(await kernelHeaders(), 'asm/unistd_64.h'), 'utf8');
    const numbers = [...header.matchAll(/^#define __NR_(\w+)\s+(\d+)$/gm)].map(([, name, number]) => [
      name,
      Number(number)
    ]);
    expect(Object.fromEntries(SYSCALLS)).toEqual(Object.fromEntries(numbers));
  });
});

describe('the policy', () => {
  it('is a program that the kernel can load', () => {
    expect(program.length % 8).toBe(0);
    expect(program.length / 8).toBeLessThan(4096);
  });

  it('has the same bytes on every machine', () => {
    expect(Buffer.from(policyBytes())).toEqual(Buffer.from(program));
    const digest = createHash('sha256').update(program).digest('hex');
    // Receipts contain this digest, so it must change only when the rules change.
    expect(digest).toBe('fd5797593bb66049d5c2e750d768f5125b64e0401f37563a5fff640451442945');
  });

  it('names each system call once', () => {
    const names = [...RULES.allowed, ...RULES.refused, ...RULES.conditional.keys()];
    expect(new Set(names).size).toBe(names.length);
    expect(() => assemblePolicy({ ...RULES, refused: [...RULES.refused, 'read'] })).toThrow('twice');
    expect(() => assemblePolicy({ ...RULES, refused: ['no_such_call'] })).toThrow('no system call');
  });

  it('returns the action of the rule for every system call number', () => {
    const [allowed, refused] = [new Set(RULES.allowed), new Set(RULES.refused)];
    const names = new Map([...SYSCALLS].map(([name, number]) => [number, name]));
    for (let number = 0; number < 2048; number++) {
      const name = names.get(number) ?? '';
      if (RULES.conditional.has(name)) continue;
      const expected = allowed.has(name) ? ALLOW : refused.has(name) ? EPERM : ENOSYS;
      expect([number, name, action(number, 0, 0, 0, 0, 0, 0)]).toEqual([number, name, expected]);
    }
    for (const number of [4096, 65535, 0x3fffffff]) expect(action(number)).toBe(ENOSYS);
  });

  it('kills processes that use the 32-bit or x32 system calls', () => {
    for (const number of [0x40000000, 0x40000000 + 41, 0x7fffffff, 0xffffffff])
      expect(action(number)).toBe(KILL);
    for (const architecture of [0x40000003, 0xc00000b7, 0]) {
      expect(evaluate(program, { number: 0, architecture, arguments: [] })).toBe(KILL);
    }
  });

  it('allows clone for threads and processes, but not for namespaces, siblings or traced processes', () => {
    const thread = 0x3d0f00;
    expect(action('clone', thread)).toBe(ALLOW);
    expect(action('clone', 0x01200011)).toBe(ALLOW);
    const forbidden = [0x1000, 0x2000, 0x8000, 0x00020000, 0x02000000, 0x04000000, 0x08000000];
    for (const flag of [...forbidden, 0x10000000, 0x20000000, 0x40000000, 0x800000]) {
      expect(action('clone', thread | flag)).toBe(EPERM);
      expect(action('clone', (1n << 40n) | BigInt(flag))).toBe(EPERM);
    }
  });

  it('allows socketpair only for Unix stream sockets', () => {
    for (let domain = 0; domain < 64; domain++) {
      for (let type = 0; type < 16; type++) {
        const expected = domain === 1 && type === 1 ? ALLOW : EPERM;
        expect(action('socketpair', domain, type, 0)).toBe(expected);
        expect(action('socketpair', domain, type | 0o2004000, 0)).toBe(expected);
      }
    }
    expect(action('socketpair', (7n << 32n) | 1n, (7n << 32n) | 1n)).toBe(ALLOW);
  });

  it('allows sendto only without an address', () => {
    expect(action('sendto', 3, 1, 1, 0, 0, 16)).toBe(ALLOW);
    for (const address of [1n, 0x7fff00000000n, 1n << 63n, 0xffffffffn]) {
      expect(action('sendto', 3, 1, 1, 0, address, 16)).toBe(EPERM);
    }
  });

  it('allows prlimit64 only for reading limits', () => {
    expect(action('prlimit64', 0, 7, 0, 0x1000)).toBe(ALLOW);
    for (const limit of [1n, 0x7fff00000000n, 1n << 32n])
      expect(action('prlimit64', 0, 7, limit, 0)).toBe(EPERM);
  });

  it('allows only the listed requests of ioctl and prctl', () => {
    const harmless = new Map([
      ['ioctl', [0x5401, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451]],
      ['prctl', [1, 2, 3, 4, 15, 16, 38, 39, 0x53564d41]]
    ]);
    for (const [name, numbers] of harmless) {
      const words = (number: number): number[] => (name === 'ioctl' ? [0, number] : [number]);
      for (const number of numbers) expect(action(name, ...words(number))).toBe(ALLOW);
      for (let number = 0; number < 0x6000; number++) {
        if (!numbers.includes(number)) expect(action(name, ...words(number))).toBe(EPERM);
      }
    }
    // The kernel ignores the high bits of the request, so this is still TIOCSTI.
    expect(action('ioctl', 0, (1n << 32n) | 0x5412n)).toBe(EPERM);
  });
});

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assemblePolicy, policyBytes, RULES, SYSCALLS } from '../../src/policy/index.js';
import { kernelHeaders } from '../support/zig.js';
import { evaluate, X86_64 } from './interpreter.js';

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;

const program = policyBytes();

function ask(name: string | number, ...words: readonly (number | bigint)[]): number {
  const number = typeof name === 'number' ? name : SYSCALLS.get(name);
  if (number === undefined) throw new Error(`no ${name}`);
  return evaluate(program, { number, architecture: X86_64, arguments: words.map(BigInt) });
}

describe('the table of system calls', () => {
  it("is the kernel's", async () => {
    const header = await readFile(join(await kernelHeaders(), 'asm/unistd_64.h'), 'utf8');
    const numbers = [...header.matchAll(/^#define __NR_(\w+)\s+(\d+)$/gm)].map(([, name, number]) => [
      name,
      Number(number)
    ]);
    expect(Object.fromEntries(SYSCALLS)).toEqual(Object.fromEntries(numbers));
  });
});

describe('the policy', () => {
  it('is a program that the kernel takes', () => {
    expect(program.length % 8).toBe(0);
    expect(program.length / 8).toBeLessThan(4096);
  });

  it('is the same bytes everywhere', () => {
    expect(Buffer.from(policyBytes())).toEqual(Buffer.from(program));
    const digest = createHash('sha256').update(program).digest('hex');
    // the profile's digest in receipts: it changes with the rules, and with nothing else
    expect(digest).toBe('fd5797593bb66049d5c2e750d768f5125b64e0401f37563a5fff640451442945');
  });

  it('names each call once', () => {
    const names = [...RULES.allowed, ...RULES.refused, ...RULES.conditional.keys()];
    expect(new Set(names).size).toBe(names.length);
    expect(() => assemblePolicy({ ...RULES, refused: [...RULES.refused, 'read'] })).toThrow('twice');
    expect(() => assemblePolicy({ ...RULES, refused: ['no_such_call'] })).toThrow('no system call');
  });

  it('answers every number as its rule says', () => {
    const [allowed, refused] = [new Set(RULES.allowed), new Set(RULES.refused)];
    const names = new Map([...SYSCALLS].map(([name, number]) => [number, name]));
    for (let number = 0; number < 2048; number++) {
      const name = names.get(number) ?? '';
      if (RULES.conditional.has(name)) continue;
      const expected = allowed.has(name) ? ALLOW : refused.has(name) ? EPERM : ENOSYS;
      expect([number, name, ask(number, 0, 0, 0, 0, 0, 0)]).toEqual([number, name, expected]);
    }
    for (const number of [4096, 65535, 0x3fffffff]) expect(ask(number)).toBe(ENOSYS);
  });

  it('kills callers of another architecture and of x32', () => {
    for (const number of [0x40000000, 0x40000000 + 41, 0x7fffffff, 0xffffffff])
      expect(ask(number)).toBe(KILL);
    for (const architecture of [0x40000003, 0xc00000b7, 0]) {
      expect(evaluate(program, { number: 0, architecture, arguments: [] })).toBe(KILL);
    }
  });

  it('lets clone make threads and processes, not namespaces, siblings or tracees', () => {
    const thread = 0x3d0f00;
    expect(ask('clone', thread)).toBe(ALLOW);
    expect(ask('clone', 0x01200011)).toBe(ALLOW);
    const forbidden = [0x1000, 0x2000, 0x8000, 0x00020000, 0x02000000, 0x04000000, 0x08000000];
    for (const flag of [...forbidden, 0x10000000, 0x20000000, 0x40000000, 0x800000]) {
      expect(ask('clone', thread | flag)).toBe(EPERM);
      expect(ask('clone', (1n << 40n) | BigInt(flag))).toBe(EPERM);
    }
  });

  it('lets socketpair make stream pairs of the Unix family alone', () => {
    for (let domain = 0; domain < 64; domain++) {
      for (let type = 0; type < 16; type++) {
        const expected = domain === 1 && type === 1 ? ALLOW : EPERM;
        expect(ask('socketpair', domain, type, 0)).toBe(expected);
        expect(ask('socketpair', domain, type | 0o2004000, 0)).toBe(expected);
      }
    }
    expect(ask('socketpair', (7n << 32n) | 1n, (7n << 32n) | 1n)).toBe(ALLOW);
  });

  it('lets sendto send to nobody by address', () => {
    expect(ask('sendto', 3, 1, 1, 0, 0, 16)).toBe(ALLOW);
    for (const address of [1n, 0x7fff00000000n, 1n << 63n, 0xffffffffn]) {
      expect(ask('sendto', 3, 1, 1, 0, address, 16)).toBe(EPERM);
    }
  });

  it('lets prlimit64 only read', () => {
    expect(ask('prlimit64', 0, 7, 0, 0x1000)).toBe(ALLOW);
    for (const limit of [1n, 0x7fff00000000n, 1n << 32n])
      expect(ask('prlimit64', 0, 7, limit, 0)).toBe(EPERM);
  });

  it('knows the requests of ioctl and prctl by their number', () => {
    const harmless = new Map([
      ['ioctl', [0x5401, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451]],
      ['prctl', [1, 2, 3, 4, 15, 16, 38, 39, 0x53564d41]]
    ]);
    for (const [name, numbers] of harmless) {
      const words = (number: number): number[] => (name === 'ioctl' ? [0, number] : [number]);
      for (const number of numbers) expect(ask(name, ...words(number))).toBe(ALLOW);
      for (let number = 0; number < 0x6000; number++) {
        if (!numbers.includes(number)) expect(ask(name, ...words(number))).toBe(EPERM);
      }
    }
    // TIOCSTI with other high bits is still TIOCSTI
    expect(ask('ioctl', 0, (1n << 32n) | 0x5412n)).toBe(EPERM);
  });
});

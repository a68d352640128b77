import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { main } from '../../src/cli/main.js';

let printed: string;

beforeEach(() => {
  printed = '';
  const record = (text: string | Uint8Array): boolean => {
    printed += String(text);
    return true;
  };
  jest.spyOn(process.stdout, 'write').mockImplementation(record);
  jest.spyOn(process.stderr, 'write').mockImplementation(record);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('build-kernel', () => {
  test('prints its usage', async () => {
    expect(await main(['--help'])).toBe(0);
    expect(printed).toMatch(/relock/);
  });

  test('fails with a message for an unknown image', async () => {
    expect(await main(['build', 'no-such-image'])).toBe(1);
    expect(printed).toMatch(/^The kernel image definition .*no-such-image\/image\.json does not exist\./);
  });

  test.each([['build', 'python-cpu', 'more'], ['--no-such-option']])(
    'refuses the arguments %j',
    async (...line) => {
      expect(await main(line)).toBe(2);
      expect(printed).toMatch(/Usage:/);
    }
  );
});

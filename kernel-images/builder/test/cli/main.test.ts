import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { main } from '../../src/cli/main.js';

let said: string;

beforeEach(() => {
  said = '';
  const listen = (text: string | Uint8Array): boolean => {
    said += String(text);
    return true;
  };
  jest.spyOn(process.stdout, 'write').mockImplementation(listen);
  jest.spyOn(process.stderr, 'write').mockImplementation(listen);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('the command', () => {
  test('says what it can do', async () => {
    expect(await main(['--help'])).toBe(0);
    expect(said).toMatch(/relock/);
  });

  test('fails with a sentence for an image that there is none of', async () => {
    expect(await main(['build', 'no-such-image'])).toBe(1);
    expect(said).toMatch(/^There is no kernel image definition at .*no-such-image\/image\.json\./);
  });

  test.each([['build', 'python-cpu', 'more'], ['--no-such-option']])(
    'does not guess at %j',
    async (...line) => {
      expect(await main(line)).toBe(2);
      expect(said).toMatch(/Usage:/);
    }
  );
});

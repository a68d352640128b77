import { expect, test } from '@jest/globals';
import { limited } from '../../../src/platform/objects/google-limit.js';

test('a request that Google never answers ends with an error', async () => {
  await expect(limited(() => new Promise(() => undefined), 20)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'Google Cloud Storage did not answer within 0.02 seconds.'
  });
});

test('an answer and an error in time are passed on', async () => {
  await expect(limited(async () => 7, 1000)).resolves.toBe(7);
  await expect(limited(() => Promise.reject(new Error('404')), 1000)).rejects.toThrow('404');
});

import { mkdtemp, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { exists, isMissing, syncDirectory, systemErrorCode, writeFileAtomic } from '../src/index.js';

const folder = async () => mkdtemp(join(tmpdir(), 'node-support-'));

test('an atomic write replaces the file, sets its mode and leaves no temporary file', async () => {
  const root = await folder();
  await writeFile(join(root, 'a'), 'old');
  await writeFileAtomic(join(root, 'a'), 'new', 0o640);
  await expect(readFile(join(root, 'a'), 'utf8')).resolves.toBe('new');
  expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o640);
  await expect(readdir(root)).resolves.toEqual(['a']);
});

test('a failed atomic write leaves no temporary file', async () => {
  const root = await folder();
  await writeFileAtomic(join(root, 'folder'), 'x');
  await expect(writeFileAtomic(join(root, 'missing/a'), 'x')).rejects.toThrow('ENOENT');
  await expect(writeFileAtomic(root, 'x')).rejects.toThrow();
  await expect(readdir(root)).resolves.toEqual(['folder']);
});

test('a path exists or not', async () => {
  const root = await folder();
  await expect(exists(root)).resolves.toBe(true);
  await expect(exists(join(root, 'missing'))).resolves.toBe(false);
});

test('a missing file is told from other errors', async () => {
  const error: unknown = await syncDirectory('/does/not/exist').catch((cause: unknown) => cause);
  expect(isMissing(error)).toBe(true);
  expect(systemErrorCode(new Error('other'))).toBeUndefined();
  expect(systemErrorCode('ENOENT')).toBeUndefined();
  expect(isMissing(Object.assign(new Error('denied'), { code: 'EACCES' }))).toBe(false);
});

import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import { writeFileAtomic } from '@clean-room/node-support';

/** Writes JSON that people may read. */
export async function writeJson(file: string, value: unknown, mode = 0o644): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, `${JSON.stringify(value, undefined, 2)}\n`, mode);
}

/** A signed document in a file, or nothing when there is none. */
export async function readEnvelope(file: string): Promise<Envelope | undefined> {
  if (!existsSync(file)) return undefined;
  return checkSchema(
    Envelope,
    parseStrictJson(new Uint8Array(await readFile(file))),
    `signed document ${file}`
  );
}

import { mkdir, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Type, type Static } from 'typebox';
import { checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Terminal } from '../terminal/terminal.js';

/** `config.json` of a person's folder. Environment variables go before it. */
export const HomeConfig = Type.Object(
  {
    /** Address of the coordinator. */
    url: Type.Optional(Type.String({ pattern: '^https?://' })),
    /** File with the credential; relative to the folder. */
    tokenFile: Type.Optional(Type.String()),
    /** The party the person acts for where the command line does not say. */
    party: Type.Optional(Type.String()),
    /** Folders of custodians that the person looks after, by party; relative to the folder. */
    custodians: Type.Optional(Type.Record(Type.String(), Type.String()))
  },
  { additionalProperties: false }
);
export type HomeConfig = Static<typeof HomeConfig>;

/** The text of a file, or nothing when there is none. */
export async function readOptional(file: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CleanRoomError('unavailable', `${file} can not be read.`, {
      remedy: 'Check that it is a file and that you may read it.',
      cause: error
    });
  }
}

export function parseJsonFile(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CleanRoomError('malformed', `${what} is not JSON.`, { remedy: 'Correct the file.', cause });
  }
}

/**
 * Where a person's keys, trust and settings lie: `CLEAN_ROOM_HOME`, else `clean-room` in the folder for settings
 * (XDG base directories).
 */
export class Home {
  readonly folder: string;

  constructor({ env }: Pick<Terminal, 'env'>) {
    const settings = env['XDG_CONFIG_HOME'] || path.join(env['HOME'] || os.homedir(), '.config');
    this.folder = path.resolve(env['CLEAN_ROOM_HOME'] || path.join(settings, 'clean-room'));
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  async make(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
  }

  async config(): Promise<HomeConfig> {
    const file = this.file('config.json');
    const bytes = await readOptional(file);
    return bytes === undefined
      ? {}
      : checkSchema(HomeConfig, parseJsonFile(bytes, file), `configuration in ${file}`);
  }
}

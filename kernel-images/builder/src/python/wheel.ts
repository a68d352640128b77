import { createHash } from 'node:crypto';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { imagePath } from '../tree/path.js';
import { parseRecord } from './record.js';

export interface WheelFile {
  /** As in the archive. */
  readonly name: string;
  readonly size: number;
  readonly executable: boolean;
  /** The content; at its end the wheel's own hash of it has been checked. */
  open(): AsyncGenerator<Uint8Array>;
}

function refuse(reason: string): CleanRoomError {
  return new CleanRoomError('malformed', `The wheel can't be used: ${reason}.`);
}

/** An opened wheel (PEP 427), whose every file is held against the hashes in its RECORD while it is read. */
export class Wheel {
  private constructor(
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
    private readonly hashes: ReadonlyMap<string, string>,
    /** `numpy-2.4.6.dist-info` */
    readonly infoFolder: string,
    readonly purePython: boolean
  ) {}

  /** @throws CleanRoomError `malformed` */
  static async open(path: string): Promise<Wheel> {
    const options = { lazyEntries: true, autoClose: false, strictFileNames: true };
    let zip: ZipFile | undefined;
    try {
      zip = await openPromise(path, options);
      return await Wheel.#read(zip);
    } catch (cause) {
      zip?.close();
      if (cause instanceof CleanRoomError) throw cause;
      throw new CleanRoomError('malformed', `${path} is not a sound zip archive.`, { cause });
    }
  }

  static async #read(zip: ZipFile): Promise<Wheel> {
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      if (imagePath(entry.fileName) !== entry.fileName || entries.has(entry.fileName)) {
        throw refuse(`it holds the name ${JSON.stringify(entry.fileName)}`);
      }
      const type = (entry.externalFileAttributes >>> 16) & 0o170000;
      if (type !== 0 && type !== 0o100000) throw refuse(`${entry.fileName} is no regular file`);
      entries.set(entry.fileName, entry);
    }
    const folders = new Set([...entries.keys()].map(name => name.split('/')[0] ?? ''));
    const infos = [...folders].filter(name => name.endsWith('.dist-info'));
    const [info] = infos;
    if (info === undefined || infos.length !== 1)
      throw refuse('it does not hold exactly one .dist-info folder');
    const hashes = parseRecord(await readText(zip, entries.get(`${info}/RECORD`)));
    const facts = await readText(zip, entries.get(`${info}/WHEEL`));
    if (!/^Wheel-Version: 1\./m.test(facts)) throw refuse('its format is another than version 1');
    return new Wheel(zip, entries, hashes, info, /^Root-Is-Purelib: true\s*$/im.test(facts));
  }

  /** Console commands that the wheel asks for: name → `module:object`. */
  async commands(): Promise<ReadonlyMap<string, string>> {
    const entry = this.entries.get(`${this.infoFolder}/entry_points.txt`);
    if (entry === undefined) return new Map();
    const text = await readText(this.zip, entry);
    const section = /^\[console_scripts\]\s*$([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(text)?.[1] ?? '';
    const lines = section.matchAll(/^\s*([\w.-]+)\s*=\s*([\w.]+:[\w.]+)\s*(?:\[.*\])?\s*$/gm);
    return new Map([...lines].map(([, name = '', target = '']) => [name, target]));
  }

  /** All files but RECORD itself and signatures over it, in order of name. */
  *files(): Generator<WheelFile> {
    for (const name of [...this.entries.keys()].sort()) {
      const entry = this.entries.get(name);
      if (entry === undefined || this.#isRecord(name)) continue;
      yield {
        name,
        size: entry.uncompressedSize,
        executable: ((entry.externalFileAttributes >>> 16) & 0o111) !== 0,
        open: () => this.#checked(name, entry)
      };
    }
  }

  close(): void {
    this.zip.close();
  }

  #isRecord(name: string): boolean {
    return ['RECORD', 'RECORD.jws', 'RECORD.p7s'].some(file => name === `${this.infoFolder}/${file}`);
  }

  async *#checked(name: string, entry: Entry): AsyncGenerator<Uint8Array> {
    const expected = this.hashes.get(name);
    if (expected === undefined) throw refuse(`its RECORD does not name ${name}`);
    const hash = createHash('sha256');
    for await (const chunk of await this.zip.openReadStreamPromise(entry)) {
      if (!(chunk instanceof Uint8Array)) continue;
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest('base64url') !== expected) {
      throw new CleanRoomError(
        'digest-mismatch',
        `${name} is not the file that the RECORD of its wheel names.`
      );
    }
  }
}

async function readText(zip: ZipFile, entry: Entry | undefined): Promise<string> {
  if (entry === undefined) throw refuse('WHEEL or RECORD is missing');
  const chunks: Uint8Array[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry))
    if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

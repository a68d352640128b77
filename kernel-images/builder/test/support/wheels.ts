import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';

const run = promisify(execFile);
const ZIP = `
import json, sys, zipfile
path, entries = sys.argv[1], json.load(open(sys.argv[2]))
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    for entry in entries:
        info = zipfile.ZipInfo(entry["name"])
        info.external_attr = entry["mode"] << 16
        archive.writestr(info, entry["text"])
`;

/** The content of a wheel. */
export interface WheelSample {
  readonly name?: string;
  readonly version?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly requires?: readonly string[];
  /** Names of files whose hash in RECORD is wrong. */
  readonly wrongHash?: readonly string[];
  /** Names of files that RECORD does not contain. */
  readonly unrecorded?: readonly string[];
  /** The text of WHEEL. */
  readonly wheel?: string;
  readonly modes?: Readonly<Record<string, number>>;
}

/** A created wheel. */
export interface MadeWheel {
  readonly path: string;
  readonly file: string;
  readonly digest: Digest;
  readonly size: number;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Creates a wheel with Python's own zip module. */
export async function makeWheel(folder: string, sample: WheelSample = {}): Promise<MadeWheel> {
  const { name = 'sample', version = '1.0', files = {}, requires = [] } = sample;
  const info = `${name}-${version}.dist-info`;
  const requirements = requires.map(text => `Requires-Dist: ${text}\n`).join('');
  const all: Record<string, string> = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${requirements}`,
    [`${info}/WHEEL`]:
      sample.wheel ?? 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n'
  };
  const lines = Object.entries(all)
    .filter(([path]) => !sample.unrecorded?.includes(path))
    .map(([path, text]) => {
      const hash = sha256(sample.wrongHash?.includes(path) === true ? `${text}!` : text);
      return `${path.includes(',') ? `"${path}"` : path},sha256=${hash},${text.length}\n`;
    });
  all[`${info}/RECORD`] ??= `${lines.join('')}${info}/RECORD,,\n`;
  const file = `${name}-${version}-py3-none-any.whl`;
  const [path, list] = [join(folder, file), join(folder, 'entries.json')];
  const entries = Object.entries(all).map(([entry, text]) => ({
    name: entry,
    text,
    mode: sample.modes?.[entry] ?? 0o100644
  }));
  await writeFile(list, JSON.stringify(entries));
  await run('python3', ['-c', ZIP, path, list]);
  const bytes = await readFile(path);
  return { path, file, digest: digestOf(bytes), size: bytes.length };
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { readDefinition } from '../definition/definition.js';
import { writeLock } from '../definition/lock.js';
import { InputCache } from '../inputs/input-cache.js';
import { buildKernelImage, commitDocuments, differences } from '../image/build.js';
import { relock } from '../relock/relock.js';

const USAGE = `Usage: npx build-kernel [build|relock] [NAME] [options]

  build    composes the image from its lock file (default), and writes manifest.json and config.json beside it
  relock   chooses packages and wheels anew and rewrites the lock file
  NAME     a folder of kernel-images (default: python-cpu)

  --check                build: exit 1 if manifest.json or config.json on disk differ, and leave them as they are
  --layout DIR           build: the OCI layout to write to (default: .cache/kernel-images/layout)
  --fresh                build: use no layer of an earlier build
  --keyring FILE         relock: Debian's archive keys
  --without-signature    relock: go on although the signature of Debian's archive can't be checked
`;

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function readArguments(arguments_: readonly string[]) {
  return parseArgs({
    args: [...arguments_],
    allowPositionals: true,
    options: {
      check: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      keyring: { type: 'string' },
      layout: { type: 'string', default: join(ROOT, '.cache/kernel-images/layout') },
      'without-signature': { type: 'boolean', default: false }
    }
  });
}

async function run({ values, positionals }: ReturnType<typeof readArguments>): Promise<number> {
  const command = ['build', 'relock'].find(known => known === positionals[0]);
  const [name = 'python-cpu', ...others] = command === undefined ? positionals : positionals.slice(1);
  if (values.help || others.length > 0) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const caches = join(ROOT, '.cache/kernel-images');
  const read = await readDefinition(join(ROOT, 'kernel-images', name));
  const inputs = new InputCache(join(caches, 'inputs'));
  if (command === 'relock') {
    const { keyring, 'without-signature': withoutSignature } = values;
    const lock = await relock(read, inputs, {
      withoutSignature,
      ...(keyring === undefined ? {} : { keyring }),
      onProgress: say
    });
    await writeLock(read.folder, lock);
    say(`Locked ${lock.debian.packages.length} packages and ${lock.python.wheels.length} wheels.`);
    return 0;
  }
  const layers = join(caches, 'layers');
  if (values.fresh) await rm(join(layers, name), { recursive: true, force: true });
  const image = await buildKernelImage(read, {
    root: ROOT,
    inputs: join(caches, 'inputs'),
    layers,
    layout: values.layout,
    report: say
  });
  say(`${name} is ${image.digest}, ${Math.round(image.size / 1e6)} MB, in ${values.layout}.`);
  const changed = await differences(read.folder, image);
  if (changed.length === 0) return 0;
  if (values.check) {
    say(`The image is not the one that is committed: ${changed.join(' and ')} differ.`);
    return 1;
  }
  await commitDocuments(read.folder, image);
  say(`Wrote ${changed.join(' and ')}: commit them.`);
  return 0;
}

/** The command behind `npm run build:kernel`. Exit status: 0 done, 1 failed or `--check` found a difference, 2 usage. */
export async function main(arguments_: readonly string[]): Promise<number> {
  let line: ReturnType<typeof readArguments>;
  try {
    line = readArguments(arguments_);
  } catch (error) {
    say(`${error instanceof TypeError ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  try {
    return await run(line);
  } catch (error) {
    if (!isCleanRoomError(error)) throw error;
    say(`${error.message}${error.remedy === undefined ? '' : `\n${error.remedy}`}`);
    if (error.cause !== undefined) say(String(error.cause));
    return 1;
  }
}

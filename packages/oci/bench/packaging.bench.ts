import { execFileSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median, print, type Figure } from '../../protocol/bench/figures.ts';
import { CONTENDERS, MINIMUM, OURS, OURS_STARTED, type Contender } from './contenders.ts';
import { change, createFixture } from './fixture.ts';

const ROUNDS = 21;
const WARM_UP = 4;

setFlagsFromString('--expose-gc');
// The benchmark forces garbage collections. Without this flag, each of them could discard compiled code that is not in use
// at that moment, which does not happen in a running server.
setFlagsFromString('--no-flush-bytecode');
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns the median time of each contender, in milliseconds. They take turns, so that a disturbance affects all of them. */
async function measure(folder: string): Promise<Map<Contender, number>> {
  const fixture = await createFixture(folder);
  for (const contender of CONTENDERS) await contender.prepare?.(fixture);
  const times = new Map(CONTENDERS.map(contender => [contender, [] as number[]]));
  try {
    for (let round = 0; round < ROUNDS + WARM_UP; round++) {
      for (const [contender, taken] of times) {
        fixture.spec = await change(fixture, `${contender.name} ${round}`);
        // Memory and disk writes left by other contenders must not slow down this one.
        collectGarbage();
        execFileSync('sync');
        const started = performance.now();
        await contender.round(fixture, round);
        if (round >= WARM_UP) taken.push(performance.now() - started);
      }
    }
  } finally {
    for (const contender of CONTENDERS) await contender.cleanUp?.(fixture);
  }
  return new Map([...times].map(([contender, taken]) => [contender, median(taken)]));
}

function compare(times: ReadonlyMap<Contender, number>): Figure[] {
  const of = (ours: Contender, other: Contender, limit?: number): Figure => ({
    figure: `packaging 5 MB on 500 MB: ${ours.name}`,
    unit: 'ms',
    value: times.get(ours) ?? NaN,
    against: other.name,
    reference: times.get(other) ?? NaN,
    ...(limit === undefined ? {} : { limit })
  });
  const tools = CONTENDERS.filter(({ kind }) => kind === 'tool');
  return [
    of(OURS, MINIMUM, 1.5),
    ...tools.map(tool => of(OURS, tool, 1)),
    ...tools.map(tool => of(OURS_STARTED, tool))
  ];
}

// buildah does not accept capital letters in a path.
const folder = join(tmpdir(), `bench-packaging-${process.pid}`);
await mkdir(folder);
try {
  print(compare(await measure(folder)));
} finally {
  await rm(folder, { recursive: true, force: true });
}

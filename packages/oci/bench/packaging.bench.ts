import { execFileSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median, print, type Figure } from '../../protocol/bench/figures.ts';
import { CONTENDERS, LEAST, OURS, OURS_STARTED, type Contender } from './contenders.ts';
import { change, makeScene } from './scene.ts';

const ROUNDS = 21;
const WARM_UP = 4;

setFlagsFromString('--expose-gc');
// Garbage is collected by force below, and code that lies still for some collections would be compiled anew each round:
// no running server does that.
setFlagsFromString('--no-flush-bytecode');
const collectGarbage = runInNewContext('gc') as () => void;

/** Everybody in turn, round after round, so that what disturbs the machine disturbs all. */
async function measure(folder: string): Promise<Map<Contender, number>> {
  const scene = await makeScene(folder);
  for (const contender of CONTENDERS) await contender.prepare?.(scene);
  const times = new Map(CONTENDERS.map(contender => [contender, [] as number[]]));
  try {
    for (let round = 0; round < ROUNDS + WARM_UP; round++) {
      for (const [contender, taken] of times) {
        scene.spec = await change(scene, `${contender.name} ${round}`);
        // What others have left to be freed or written is not for this one to wait for.
        collectGarbage();
        execFileSync('sync');
        const started = performance.now();
        await contender.round(scene, round);
        if (round >= WARM_UP) taken.push(performance.now() - started);
      }
    }
  } finally {
    for (const contender of CONTENDERS) await contender.cleanUp?.(scene);
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
    of(OURS, LEAST, 1.5),
    ...tools.map(tool => of(OURS, tool, 1)),
    ...tools.map(tool => of(OURS_STARTED, tool))
  ];
}

// buildah takes no capital letters in a path.
const folder = join(tmpdir(), `bench-packaging-${process.pid}`);
await mkdir(folder);
try {
  print(compare(await measure(folder)));
} finally {
  await rm(folder, { recursive: true, force: true });
}

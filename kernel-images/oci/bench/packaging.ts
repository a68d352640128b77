import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTENDERS, type Contender } from './contenders.ts';
import { change, makeScene } from './scene.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 15);
const WARM_UP = 3;
const ALLOWED = 1.5;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Everybody in turn, round after round, so that what disturbs the machine disturbs all. */
async function measure(folder: string): Promise<Map<Contender, number[]>> {
  const scene = await makeScene(folder);
  for (const contender of CONTENDERS) await contender.prepare?.(scene);
  const times = new Map(CONTENDERS.map(contender => [contender, [] as number[]]));
  try {
    for (let round = 0; round < ROUNDS + WARM_UP; round++) {
      for (const [contender, taken] of times) {
        scene.spec = await change(scene, round);
        const started = performance.now();
        await contender.round(scene, round);
        if (round >= WARM_UP) taken.push(performance.now() - started);
      }
    }
  } finally {
    for (const contender of CONTENDERS) await contender.cleanUp?.(scene);
  }
  return times;
}

// buildah takes no capital letters in a path.
const folder = join(tmpdir(), `bench-packaging-${process.pid}`);
await mkdir(folder);
try {
  const times = await measure(folder);
  const rows = [...times].map(([{ name, kind }, taken]) => ({ name, kind, ms: median(taken) }));
  const of = (kind: Contender['kind']): number[] => rows.filter(row => row.kind === kind).map(({ ms }) => ms);
  const [own = NaN] = of('ours');
  console.log(`A 5 MB workspace on a 500 MB kernel image: median of ${ROUNDS} rounds, milliseconds`);
  for (const { name, kind, ms } of rows)
    console.log(
      `  ${kind.padEnd(6)} ${name.padEnd(40)} ${ms.toFixed(1).padStart(8)}   ${(own / ms).toFixed(2)}`
    );
  const ahead = own < Math.min(...of('tool'));
  const near = own <= ALLOWED * Math.min(...of('limit'));
  console.log(
    `  ahead of every tool: ${ahead ? 'yes' : 'NO'}; within ${ALLOWED} of the limit: ${near ? 'yes' : 'NO'}`
  );
  process.exitCode = ahead && near ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

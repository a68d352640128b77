/** Measures synthetic stand-ins: their error, what models learn from them, time and memory. `BENCH_RUNS=1` makes one run instead of 10. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Tables of other projects, which are not copied into this one. Without them, a part of the bench is skipped. */
const TABLES = process.env.BENCH_TABLES ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

const script = fileURLToPath(new URL('stand_in.py', import.meta.url));
const { status } = spawnSync('python', [script, TABLES], { stdio: ['ignore', 'inherit', 'inherit'] });
process.exitCode = status ?? 1;

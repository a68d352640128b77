// A program that starts an attempt and keeps running, as a coordinator does. With `wait`, it prints how the attempt ended.
import { setTimeout } from 'node:timers/promises';
import { startAttempt } from '../../lib/index.js';

const handle = await startAttempt(JSON.parse(process.argv[2] ?? ''));
process.stdout.write('started\n');
if (process.argv[3] === 'wait') process.stdout.write(`${JSON.stringify(await handle.ended())}\n`);
else await setTimeout(3_600_000);

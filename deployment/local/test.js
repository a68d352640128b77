/** Every test, on a fresh clone too. `npm test -- jest galata` runs only the parts named. */
import { SetupError, main, run } from './steps.js';
import { setup, systemPackages } from './setup.js';

/** Programs that tests drive for real, and the Debian packages that bring them. */
const PROGRAMS = [
  ['chromium', 'chromium'],
  ['docker-registry', 'docker-registry'],
  ['skopeo', 'skopeo'],
  ['umoci', 'umoci'],
  ['age', 'age'],
  ['gpgv', 'gpgv'],
  ['/usr/lib/postgresql/15/bin/postgres', 'postgresql-15']
];

const PARTS = {
  // First: the others run on it. Fails when it is not the image whose digest is committed.
  kernel: () => run(['npm', 'run', '--silent', 'check:kernel']),
  lint: () => run(['npm', 'run', '--silent', 'lint']),
  typecheck: () => run(['npm', 'run', '--silent', 'typecheck']),
  jest: () => run(['npm', 'run', '--silent', 'test:jest']),
  mutants: () => run(['npm', 'run', '--silent', 'mutants', '--', '--changed']),
  pytest: () => run(['npm', 'run', '--silent', 'test:pytest']),
  demo: () => run(['npm', 'run', '--silent', 'demo']),
  galata: () => run(['npm', 'run', '--silent', 'test', '-w', 'ui-tests'])
};

await main(() => {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter(part => !(part in PARTS));
  if (unknown.length > 0) {
    throw new SetupError(
      `There is no part ${unknown.join(', ')}. The parts are ${Object.keys(PARTS).join(', ')}.`
    );
  }
  systemPackages(PROGRAMS);
  setup({ kernelImage: false });
  const parts = wanted.length > 0 ? wanted : Object.keys(PARTS);
  const failed = [];
  for (const part of parts) {
    console.log(`\n=== ${part}`);
    const started = Date.now();
    try {
      PARTS[part]();
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      failed.push(part);
      console.error(error.message);
    }
    console.log(`=== ${part}: ${Math.round((Date.now() - started) / 1000)} s`);
  }
  console.log(`\n${parts.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) throw new SetupError(`Failed: ${failed.join(', ')}.`);
});

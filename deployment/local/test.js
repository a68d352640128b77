/** `npm test`: runs all tests, also on a fresh clone. `npm test -- jest galata` runs only the named parts. */
import { SetupError, attempt, main } from './steps.js';
import { setup, systemPackages } from './setup.js';

/** Programs that the tests run, and the Debian packages that contain them. */
const PROGRAMS = [
  ['chromium', 'chromium'],
  ['docker-registry', 'docker-registry'],
  ['skopeo', 'skopeo'],
  ['umoci', 'umoci'],
  ['age', 'age'],
  ['gpgv', 'gpgv'],
  ['pkcs11-tool', 'opensc'],
  ['softhsm2-util', 'softhsm2'],
  ['/usr/lib/postgresql/15/bin/postgres', 'postgresql-15']
];

const npm = (...words) => ['npm', 'run', '--silent', ...words];

const COMMANDS = {
  // Fails if the image built from this tree does not have the committed digest. The other parts use this image.
  kernel: npm('check:kernel'),
  lint: npm('lint'),
  typecheck: npm('typecheck'),
  jest: npm('test:jest'),
  mutants: npm('mutants', '--', '--changed', '--named'),
  pytest: npm('test:pytest'),
  demo: npm('demo'),
  galata: npm('test', '-w', 'ui-tests')
};

/** Parts that run at the same time. The first three use one processor each; the others use all of them. */
const GROUPS = [['kernel', 'lint', 'typecheck'], ['jest'], ['mutants'], ['pytest', 'demo'], ['galata']];

/** Runs a part and reports its time. Returns whether it passed. */
async function passes(part) {
  const started = Date.now();
  const problem = await attempt(COMMANDS[part]);
  if (problem !== undefined) console.error(problem);
  console.log(
    `=== ${part}: ${problem === undefined ? 'passed' : 'FAILED'}, ${Math.round((Date.now() - started) / 1000)} s`
  );
  return problem === undefined;
}

await main(async () => {
  const wanted = process.argv.slice(2);
  const parts = wanted.length > 0 ? wanted : Object.keys(COMMANDS);
  const unknown = parts.filter(part => !(part in COMMANDS));
  if (unknown.length > 0) {
    throw new SetupError(
      `Unknown part: ${unknown.join(', ')}. The parts are ${Object.keys(COMMANDS).join(', ')}.`
    );
  }
  systemPackages(PROGRAMS);
  setup({ kernelImage: false });
  const failed = [];
  for (const group of GROUPS) {
    const due = group.filter(part => parts.includes(part));
    if (due.length > 0) console.log(`\n=== ${due.join(', ')}`);
    const results = await Promise.all(due.map(passes));
    failed.push(...due.filter((_, index) => !results[index]));
  }
  console.log(`\n${parts.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) throw new SetupError(`Failed: ${failed.join(', ')}.`);
});

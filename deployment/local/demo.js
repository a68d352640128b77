/**
 * `npm run demo`: takes the demo notebooks through all steps without a browser: provision, submit, approve, run, filter, verify.
 * Prints the summary of each receipt.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CleanRoom, NOTEBOOKS } from './clean-room.js';
import { ROOT, SetupError, main } from './steps.js';
import { setup } from './setup.js';

const PURPOSE = 'Health research: cost of chronic illness';

function printTitle(title) {
  console.log(`\n— ${title}`);
}

/** Submits, approves and runs a notebook, and verifies its receipt. */
async function demonstrate(cleanRoom, notebook) {
  printTitle(`Submitting ${notebook}`);
  const submitted = cleanRoom.call('submit', join(cleanRoom.notebooks, notebook), '--purpose', PURPOSE);
  console.log(`image digest ${submitted.image}`);
  cleanRoom.call(
    'approve',
    submitted.id,
    '--without-passkey',
    '--party',
    'hospital',
    '--custodian',
    join(cleanRoom.folder, 'custodians/hospital')
  );
  console.log('approved by hospital without a passkey; the receipt marks the approval as unattended');
  const run = await cleanRoom.waitForRun(submitted.id);
  const to = join(cleanRoom.folder, 'results', notebook.replace('.ipynb', ''));
  const result = cleanRoom.call('results', run.id, '--to', to);
  const verified = cleanRoom.call('verify', result.receipt, '--trust', join(cleanRoom.person, 'trust.json'));
  console.log(
    verified.steps.map(step => `  ${step.status.padEnd(11)} ${step.title}: ${step.detail}`).join('\n')
  );
  console.log(verified.summary);
  if (verified.outcome !== 'verified') throw new SetupError('The receipt could not be verified.');
}

await main(async () => {
  setup();
  const folder = join(ROOT, '.cache/demo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const cleanRoom = new CleanRoom(folder, { coordinator: 8797, custodian: 8798 });
  cleanRoom.createDemo();
  await cleanRoom.serve();
  try {
    printTitle('Provisioning hospital/visits');
    cleanRoom.provision();
    cleanRoom.copyNotebooks();
    for (const notebook of NOTEBOOKS) await demonstrate(cleanRoom, notebook);
    console.log('\nAll steps succeeded: provisioned, submitted, approved, run, filtered, verified.');
  } finally {
    await cleanRoom.stop();
  }
});
